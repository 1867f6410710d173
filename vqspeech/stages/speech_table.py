"""What `evaluate conversion` and `reconstruction` found, as text and as Markdown for RESULTS.md."""

from collections.abc import Sequence
from typing import Any

from vqspeech.stages.phoneme_table import (
    PERCENT,
    Scale,
    align_columns,
    markdown_rows,
    show_measure,
)

# Rows: what is measured, by its name, its unit, and how it is written.
ROWS = (
    ("wer", "WER, %", PERCENT),
    ("cer", "CER, %", PERCENT),
    ("similarity_target", "similarity to target", Scale(1, 3)),
    ("similarity_source", "similarity to source", Scale(1, 3)),
    ("nearer_target", "nearer to target, %", PERCENT),
    ("identified", "identified, %", PERCENT),
    ("f0_median_hz", "F0 median, Hz", Scale(1, 0)),
    ("f0_correlation", "F0 correlation with source", Scale(1, 3)),
    ("f0_error_semitones", "F0 median off its speaker's, semitones", Scale(1, 1)),
    ("voiced_share", "voiced frames, %", PERCENT),
    ("energy_correlation", "energy correlation with source", Scale(1, 3)),
    ("mcd_db", "MCD, dB", Scale(1, 2)),
    ("dnsmos", "DNSMOS", Scale(1, 2)),
)
HEADINGS = {
    "converted": "converted",
    "copy_synthesis": "copy synthesis",
    "original": "original",
    "reconstruction": "reconstruction",
}
INTERVALS = "intervals of 95% over the pairs"
CAUTION = "it hears noise, and does not rank robotic or whispering voices low"


def describe_speech(found: dict[str, Any]) -> str:
    """The text that the command prints."""
    lines = [f"{found['data']}: {_describe_made(found)}, {INTERVALS}", *_about(found), ""]
    lines.append(align_columns(_rows(found["summary"]), right=True))
    if found.get("directions"):
        lines += ["", align_columns(_rows(found["directions"], "converted"), right=True)]
    return "\n".join(lines)


def format_speech(found: dict[str, Any]) -> str:
    """Markdown tables: systems beside each other, and conversions by the genders of their ends.

    Raises:
        KeyError, TypeError, ValueError: numbers are missing or of another form.
    """
    lines = [f"**{found['data']}**, {_describe_made(found)}, {INTERVALS}.", ""]
    lines += markdown_rows(_rows(found["summary"]))
    if found.get("directions"):
        lines += ["", *markdown_rows(_rows(found["directions"], "converted"))]
    about = "; ".join(_about(found))
    return "\n".join([*lines, "", f"{about[:1].upper()}{about[1:]}."]) + "\n"


def _rows(columns: dict[str, Any], corner: str = "") -> list[tuple[str, ...]]:
    """A row a measure that any column has, a column a system or a direction."""
    shown = {name: summary for name, summary in columns.items() if summary}
    rows = [(corner, *(HEADINGS.get(name, name) for name in shown))]
    for metric, label, scale in ROWS:
        cells = [show_measure(summary.get(metric), scale) for summary in shown.values()]
        if any(cells):
            rows.append((label, *cells))
    return rows


def _describe_made(found: dict[str, Any]) -> str:
    what = "pairs" if found["kind"] == "conversion-scores" else "utterances"
    seconds = sum(pair["seconds"] for pair in found["pairs"])
    return (
        f"{len(found['pairs'])} {what}, {seconds:.0f} s, by {found['model']} "
        f"({found['model_hash']}) at temperature {found['temperature']:g}, seed {found['seed']}"
    )


def _about(found: dict[str, Any]) -> Sequence[str]:
    """Who listened, against what, and what the figures are to be read beside."""
    asked = found["evaluators"]
    lines = []
    if heard := asked["recogniser"]:
        reference = {"text": "the text", "source as recognised": "what is heard in the source"}
        lines.append(
            f"words: {heard['name']} {heard['version']} {heard['model']}, against "
            f"{reference[found['reference']]}"
        )
    if encoder := asked["speaker"]:
        line = f"voices: {encoder['name']} {encoder['version']}"
        scale = found.get("scale") or {}
        if None not in (scale.get("same_speaker"), scale.get("other_speaker")):
            line += (
                f", where real recordings of one speaker have {scale['same_speaker']:.3f} and of "
                f"different ones {scale['other_speaker']:.3f}"
            )
        lines.append(line)
    if trials := found.get("trials"):
        lines.append(
            f"equal error rate of telling conversions to a speaker from those to others: "
            f"{show_measure(trials['eer'], PERCENT)} % of {trials['genuine']} genuine and "
            f"{trials['impostor']} impostor trials"
        )
    pitch = asked["pitch"]
    lines.append(f"pitch: {pitch['name']} {pitch['version']}, {pitch['settings']}")
    if judge := asked["quality"]:
        lines.append(f"quality: {judge['name']} {judge['version']}; {CAUTION}")
    return lines
