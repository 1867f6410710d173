"""What `analyze phonemes` found, as text for eyes.

P phones.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

MIXED = 10  # pairs of phones that are listed, those most often taken for each other
PER_LINE = 10  # phones


class Scale(NamedTuple):
    """How a figure is shown."""

    factor: float
    digits: int


PERCENT = Scale(100, 1)
# Rows of the printed table: what is measured, by the name of its measure.
ROWS = (
    ("accuracy", "mapping accuracy", PERCENT),
    ("majority", "majority phone", PERCENT),
    ("shuffled", "shuffled codes", PERCENT),
    ("accuracy_without_silence", "accuracy without silence", PERCENT),
    ("majority_without_silence", "majority without silence", PERCENT),
    ("shuffled_without_silence", "shuffled without silence", PERCENT),
    ("phone_purity", "phone purity", PERCENT),
    ("phone_purity_without_silence", "phone purity without silence", PERCENT),
    ("cluster_purity", "cluster purity", PERCENT),
    ("pnmi", "PNMI, I / H(phone)", PERCENT),
    ("pnmi_without_silence", "PNMI without silence", PERCENT),
    ("nmi", "NMI, 2 I / (H(p) + H(c))", PERCENT),
    ("v_measure", "V-measure", PERCENT),
    ("per_many_to_one", "PER, many to one", PERCENT),
    ("per_one_to_one", "PER, one to one", PERCENT),
    ("per_many_to_one_without_silence", "PER without silence, many to one", PERCENT),
    ("per_one_to_one_without_silence", "PER without silence, one to one", PERCENT),
    ("boundary_precision", "boundary precision, 20 ms", PERCENT),
    ("boundary_recall", "boundary recall", PERCENT),
    ("boundary_f1", "boundary F1", PERCENT),
    ("boundary_over_segmentation", "over-segmentation", PERCENT),
    ("boundary_r_value", "R-value", PERCENT),
    ("bitrate_nominal", "bits a second, nominal", Scale(1, 1)),
    ("bitrate", "bits a second, empirical", Scale(1, 1)),
    ("bitrate_merged", "bits a second, runs merged", Scale(1, 1)),
    ("codes_used", "codes used", Scale(1, 0)),
    ("perplexity", "perplexity", Scale(1, 1)),
    ("run_length", "mean run, frames", Scale(1, 2)),
)


def format_phonemes(found: dict[str, Any]) -> str:
    """What was found as text: a row a measure, a column a system; below them phone by phone."""
    lines = [
        f"{found['codes']}: {found['utterances']} utterances, {found['speakers']} speakers, "
        f"{found['frames']} frames at {found['rate']:g} Hz, {describe_labels(found)}",
        f"map of {found['context']} code{'s' if found['context'] > 1 else ''} fitted on "
        f"{found['fit_on']}: {found['fit_frames']} frames, {found['frames_per_code']:.0f} a code; "
        f"{found['shared_speakers']} of the {found['speakers']} scored speakers are in it",
        f"majority phone {found['majority']['phone']}; intervals of "
        f"{found['interval']['level']:.0%} from {found['interval']['count']} resamples of "
        f"{found['interval']['resampled']}",
    ]
    names = [system["name"] for system in found["systems"]]
    rows = [("", *names)]
    for key, label, scale in ROWS:
        cells = [show_measure(system["measures"].get(key), scale) for system in found["systems"]]
        if any(cells):
            rows.append((label, *cells))
    return "\n".join([*lines, "", align_columns(rows, right=True), "", *_phone_by_phone(found)])


def describe_labels(found: dict[str, Any]) -> str:
    """Phone set, silence and which phone a frame has: what no accuracy is to be read without."""
    if found["phone_set"] == 39:
        silence = "silence not scored"  # the set has no phone for it
    else:
        silence = "silence dropped" if found["drop_silence"] else "with silence"
    frame = "at a frame's centre" if found["frame"] == "centre" else "that fills most of a frame"
    return f"{found['phone_set']} phones, {silence}, the phone {frame}"


def _phone_by_phone(found: dict[str, Any]) -> list[str]:
    """How many frames of each phone are right, and which phones are taken for which; in percent."""
    best = sorted(found["per_phone"], key=lambda row: -row["accuracy"])
    cells = [f"{row['phone']} {row['accuracy'] * 100:.0f}" for row in best]
    lines = ["frames of each phone that are right, %:"]
    lines += ["  " + ", ".join(cells[i : i + PER_LINE]) for i in range(0, len(cells), PER_LINE)]
    phones = found["phones"]
    mixed = sorted(
        (-frames, phones[truth], phones[taken], sum(row))
        for truth, row in enumerate(found["confusion"])
        for taken, frames in enumerate(row)
        if taken != truth and frames
    )[:MIXED]
    if mixed:
        lines.append("most frames are lost where a phone is read as another, % of the phone's:")
        shares = (
            f"{truth} as {taken} {-frames / whole * 100:.0f}"
            for frames, truth, taken, whole in mixed
        )
        lines.append("  " + ", ".join(shares))
    return lines


def show_measure(measure: dict[str, float | None] | None, scale: Scale) -> str:
    """A figure with its interval; "" where it was not measured, "-" where it is undefined."""
    if measure is None:
        return ""
    if measure["value"] is None:
        return "-"
    low, high = measure.get("low"), measure.get("high")
    shown = [
        f"{value * scale.factor:.{scale.digits}f}"
        for value in (measure["value"], low, high)
        if value is not None
    ]
    return f"{shown[0]} [{shown[1]}, {shown[2]}]" if len(shown) == 3 else shown[0]


def align_columns(rows: Sequence[Sequence[str]], *, right: bool = False) -> str:
    """Rows of cells as lines, each column as wide as its widest cell.

    Args:
        right: set all columns but the first to the right, as numbers are.
    """
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    sides = ["<", *(">" if right else "<" for _ in widths[1:])]
    return "\n".join(
        "  ".join(
            f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)
        ).rstrip()
        for row in rows
    )


def markdown_rows(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table, the first row its head, all columns but the first to the right."""
    head, *body = rows
    lines = [head, ("---", *["--:"] * (len(head) - 1)), *body]
    return ["| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines]
