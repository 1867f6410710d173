"""What `analyze likelihood` found, as text for eyes and as Markdown for RESULTS.md."""

from typing import Any

from vqspeech.errors import name_some
from vqspeech.stages.phoneme_table import Scale, align_columns, markdown_rows, show_measure

ROWS = (
    ("uniform", "uniform"),
    ("unigram", "unigram"),
    ("bigram", "bigram"),
    ("trigram", "trigram, Kneser-Ney"),
    ("prior_nobody", "prior, told of no speaker"),
    ("prior", "prior"),
)
WAVEFORM = (
    ("decoder", "decoder, given the codes"),
    ("prior", "codes under the prior"),
    ("uniform_prior", "codes under a uniform prior"),
    ("total", "decoder + prior"),
    ("total_uniform", "decoder + uniform prior"),
)
BITS, SMALL_BITS = Scale(1, 3), Scale(1, 4)
Table = list[tuple[str, ...]]


def describe_likelihood(found: dict[str, Any]) -> str:
    """The text that the command prints."""
    lines = [
        f"{found['codes']}: {_describe_codes(found)}",
        f"n-grams fitted on {', '.join(found['fit_on'])}, tuned on {found['tune_on']}; prior "
        f"{found['prior']}, {_describe_speakers(found)}; intervals of "
        f"{_describe_interval(found)}",
        "",
        align_columns(_code_rows(found), right=True),
        "",
        _describe_gain(found),
    ]
    if found["waveform"]:
        lines += ["", _describe_waveform(found), align_columns(_waveform_rows(found), right=True)]
    return "\n".join(lines)


def format_likelihood(found: dict[str, Any]) -> str:
    """Markdown tables: the codes, and the waveform where it was scored.

    Raises:
        KeyError, TypeError, ValueError: numbers are missing or of another form.
    """
    title = found.get("folder") or found["codes"]
    lines = [
        f"**{title}**, likelihood: {_describe_codes(found)}; {_describe_speakers(found)}; "
        f"intervals of {_describe_interval(found)}.",
        "",
        *markdown_rows(_code_rows(found)),
        "",
        f"{_capital(_describe_gain(found))}.",
    ]
    if found["waveform"]:
        rows = markdown_rows(_waveform_rows(found))
        lines += ["", f"{_capital(_describe_waveform(found))}:", "", *rows]
    return "\n".join(lines) + "\n"


def _code_rows(found: dict[str, Any]) -> Table:
    rows: Table = [("codes", "nats a code", "bits a code", "bits a second")]
    for name, label in ROWS:
        if name in found["rows"]:
            row = found["rows"][name]
            cells = (f"{row['nats']:.3f}", _bits(row), f"{row['bits_per_second']:.1f}")
            rows.append((label, *cells))
    return rows


def _waveform_rows(found: dict[str, Any]) -> Table:
    waveform = found["waveform"]
    rows = [(label, _bits(waveform[name], "value", SMALL_BITS)) for name, label in WAVEFORM]
    return [("waveform", "bits a sample"), *rows]


def _bits(row: dict[str, float], name: str = "bits", scale: Scale = BITS) -> str:
    measure = {"value": row[name], "low": row["low"], "high": row["high"]}
    # A uniform model is as certain of every speaker: there is no interval to show.
    is_sharp = row["high"] - row["low"] < 1e-9
    return show_measure({"value": row[name]} if is_sharp else measure, scale)


def _describe_codes(found: dict[str, Any]) -> str:
    groups = f" in {found['groups']} groups" if found["groups"] > 1 else ""
    return (
        f"{found['utterances']} utterances, {found['speakers']} speakers, {found['frames']} frames "
        f"at {found['rate']:g} Hz, {found['num_codes']} codes{groups}"
    )


def _describe_speakers(found: dict[str, Any]) -> str:
    if "prior_nobody" not in found["rows"]:
        return "told of no speaker"
    return f"told of {found['speakers_known']} of the {found['speakers']} speakers"


def _describe_interval(found: dict[str, Any]) -> str:
    interval = found["interval"]
    return f"{interval['level']:.0%} from {interval['count']} resamples of {interval['resampled']}"


def _describe_gain(found: dict[str, Any]) -> str:
    gain = found["gain"]
    share = gain["bits"] / found["rows"]["trigram"]["bits"] * 100
    return f"the prior saves {_bits(gain)} bits a code of the trigram's, {share:.1f} %"


def _describe_waveform(found: dict[str, Any]) -> str:
    waveform = found["waveform"]
    stand_ins = waveform["stand_ins"]
    voices = name_some([f"{other} for {name}" for name, other in stand_ins.items()])
    return (
        f"waveforms of {waveform['utterances']} utterances, {waveform['seconds']:.0f} s, "
        f"{waveform['samples']} samples"
        + (f" (strangers to the model, scored as its likeliest: {voices})" if voices else "")
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
