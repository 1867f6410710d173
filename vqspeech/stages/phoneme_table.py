"""What `analyze phonemes` found, as text for eyes."""

from collections.abc import Sequence
from typing import Any

# Rows of the printed table: what is measured, by the name of its measure, and whether in percent.
ROWS = (
    ("accuracy", "mapping accuracy", True),
    ("majority", "majority phone", True),
    ("shuffled", "shuffled codes", True),
    ("accuracy_without_silence", "accuracy without silence", True),
    ("majority_without_silence", "majority without silence", True),
    ("shuffled_without_silence", "shuffled without silence", True),
    ("phone_purity", "phone purity", True),
    ("cluster_purity", "cluster purity", True),
    ("pnmi", "PNMI, I / H(phone)", True),
    ("nmi", "NMI, 2 I / (H(p) + H(c))", True),
    ("v_measure", "V-measure", True),
    ("per_many_to_one", "PER, many to one", True),
    ("per_one_to_one", "PER, one to one", True),
    ("per_many_to_one_without_silence", "PER without silence, many to one", True),
    ("per_one_to_one_without_silence", "PER without silence, one to one", True),
    ("boundary_precision", "boundary precision, 20 ms", True),
    ("boundary_recall", "boundary recall", True),
    ("boundary_f1", "boundary F1", True),
    ("boundary_over_segmentation", "over-segmentation", True),
    ("boundary_r_value", "R-value", True),
    ("bitrate_nominal", "bits a second, nominal", False),
    ("bitrate", "bits a second, empirical", False),
    ("bitrate_merged", "bits a second, runs merged", False),
    ("codes_used", "codes used", False),
    ("perplexity", "perplexity", False),
    ("run_length", "mean run, frames", False),
)


def format_phonemes(found: dict[str, Any]) -> str:
    """What was found as text: a row a measure, a column a system."""
    silence = "silence dropped" if found["drop_silence"] else "with silence"
    frame = "at a frame's centre" if found["frame"] == "centre" else "that fills most of a frame"
    lines = [
        f"{found['codes']}: {found['utterances']} utterances, {found['speakers']} speakers, "
        f"{found['frames']} frames at {found['rate']:g} Hz, {found['phone_set']} phones {silence}, "
        f"the phone {frame}",
        f"map of {found['context']} code{'s' if found['context'] > 1 else ''} fitted on "
        f"{found['fit_on']}: {found['fit_frames']} frames, {found['frames_per_code']:.0f} a code; "
        f"{found['shared_speakers']} of the {found['speakers']} scored speakers are in it",
        f"majority phone {found['majority']['phone']}; intervals of "
        f"{found['interval']['level']:.0%} from {found['interval']['count']} resamples of "
        f"{found['interval']['resampled']}",
    ]
    names = [system["name"] for system in found["systems"]]
    rows = [("", *names)]
    for key, label, percent in ROWS:
        cells = [show_measure(system["measures"].get(key), percent) for system in found["systems"]]
        if any(cells):
            rows.append((label, *cells))
    return "\n".join([*lines, "", *_aligned(rows)])


def show_measure(measure: dict[str, float | None] | None, percent: bool) -> str:
    if measure is None:
        return ""
    if measure["value"] is None:
        return "-"
    scale = 100 if percent else 1
    text = f"{measure['value'] * scale:.1f}"
    if measure.get("low") is not None and measure.get("high") is not None:
        text += f" [{measure['low'] * scale:.1f}, {measure['high'] * scale:.1f}]"
    return text


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
