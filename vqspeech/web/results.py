"""Pieces of the page in HTML: pictures, numbers and what is told. All text is escaped here."""

import html
from collections.abc import Sequence

import numpy as np

from vqspeech.report.code_lines import draw_code_lines
from vqspeech.report.listening import draw_recording
from vqspeech.stages.hear_conversion import HeardConversion

PCM_BITS = 16  # a sample of the sound that the codes stand for


def heading_html(model: str, sample_rate: int, voices: int) -> str:
    """What the page is for, and with what."""
    return (
        "<h1>The same words in another voice</h1>"
        f"<p class='lead'>The model <b>{html.escape(model)}</b> hears a recording at"
        f" {sample_rate / 1000:g} kHz, turns it into codes, and says them in any of its {voices}"
        " voices. Nothing leaves this machine. Convert the voice of a person only with that"
        " person's consent.</p>"
    )


def notice_html(lines: Sequence[str], *, is_error: bool = False) -> str:
    """What has to be said of the recording, or why there is no conversion."""
    if not lines:
        return ""
    kind = "role='alert' class='error'" if is_error else "role='status' class='note'"
    return "".join(f"<p {kind}>{html.escape(line)}</p>" for line in lines)


def picture_html(number: int, words: str, samples: np.ndarray, sample_rate: int) -> str:
    """The mel spectrogram of samples (T,), the `number`th of the page, over a line of words."""
    seconds = len(samples) / sample_rate
    picture = draw_recording(f"heard-{number}", words, samples, sample_rate, seconds)
    return f"<figure>{picture.svg}<figcaption>{html.escape(words)}</figcaption></figure>"


def codes_html(made: HeardConversion) -> str:
    """The codes below the waveform; scrolls sideways where the window is narrow."""
    picture = draw_code_lines("codes", made.codes, made.code_rate, made.source, made.sample_rate)
    return (
        "<h2>What both voices were told</h2>"
        "<div class='scroll' tabindex='0' role='region' aria-label='Codes'>"
        f"{picture.svg}</div>"
    )


def facts_html(made: HeardConversion) -> str:
    """How long, how many bits, how fast."""
    used = len(np.unique(made.codes.reshape(len(made.codes), -1), axis=0))
    before = made.sample_rate * PCM_BITS
    facts = {
        "Recording": f"{made.seconds:.2f} s",
        "Codes": f"{len(made.codes)}, {used} different",
        "Bits a second": f"{made.bits_a_second:.0f}, of {before:,} in the recording at"
        f" {made.sample_rate / 1000:g} kHz",
        "Speed": f"{made.real_time:.1f} x real time: {made.spoken_seconds:.1f} s of speech in"
        f" {made.work_seconds:.1f} s",
    }
    terms = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts.items())
    return f"<dl class='facts'>{terms}</dl>"
