"""Utterances for the report: a few, with their codes above the phones that were spoken."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from vqspeech.audio.waveform import read_header, read_waveform
from vqspeech.data.codes import CodeDir
from vqspeech.data.data_dir import DataDir
from vqspeech.errors import InputError
from vqspeech.report.page import Missing, Section
from vqspeech.report.utterances import Utterance, draw_utterance
from vqspeech.stages.report_codes import (
    CodesMaterial,
    analyze_command,
    encode_command,
    quoted,
    symbols,
)
from vqspeech.stages.report_phones import Scored, scored_dir

EXAMPLES = 3
SECONDS = (1.5, 4.0)  # of utterances that make good examples


def utterances_section(
    material: CodesMaterial,
    found: Sequence[Scored],
    data: str | os.PathLike | None,
    note: Callable[[str], None],
) -> Section:
    """A few utterances with their codes, what these are read as, and what was spoken.

    Raises:
        InputError: `data` is no data directory, or an audio file of it cannot be read.
    """
    lead = "Codes under the waveform: what they are read as, and the phones that were spoken."
    blocks: list[Any] = []
    code_dir = scored_dir(material.directories, found)
    if code_dir is None:
        blocks.append(Missing("Utterances need codes of this model:", encode_command(material)))
        return Section("utterances", "Utterances", lead, tuple(blocks))
    audio = None if data is None else DataDir.read(data)
    shared = [key for key in code_dir if audio is None or key in audio]
    if audio is not None and not shared:
        note(f"{data}: none of its utterances are in {code_dir.path}; their waveforms are left out")
        audio, shared = None, list(code_dir)
    try:
        phones = code_dir.phones()
    except InputError as error:
        note(f"{error}; spoken phones are left out")
        phones = {}
    everything = symbols(code_dir)
    names = next((s.parts.code_phones for s in found if s.parts and s.parts.code_phones), None)
    if code_dir.groups > 1 or names is None or len(names) != code_dir.num_codes:
        names = None
    for number, key in enumerate(choose_examples(code_dir, shared, phones), 1):
        waveform, rate = (None, 16000) if audio is None else read_utterance(audio, key)
        spans = tuple((p[0], p[0] + p[1], p[2]) for p in phones.get(key, ()))
        known = code_dir.utterances[key]
        utterance = Utterance(
            *(key, known.speaker, everything[code_dir.spans[key]], code_dir.rate, waveform, rate),
            phones=spans,
            text=known.text or "",
        )
        blocks.append(draw_utterance(f"utterance-{number}", utterance, names, SECONDS[1]))
    if audio is None:
        command = f"vqspeech report {quoted(material.run)} --data DATA --out report.html"
        blocks.append(Missing("For their waveforms, give the data that was encoded:", command))
    if names is None:
        blocks.append(Missing("For the phones of the codes:", analyze_command(material)))
    return Section("utterances", "Utterances", lead, tuple(blocks))


def choose_examples(
    code_dir: CodeDir, keys: Sequence[str], phones: Mapping[str, Any], count: int = EXAMPLES
) -> list[str]:
    """Utterances of a few seconds, with phones where there are any, of different speakers."""

    def fitness(key: str) -> tuple[bool, float]:
        span = code_dir.spans[key]
        seconds = (span.stop - span.start) / code_dir.rate
        low, high = SECONDS
        return bool(phones) and key not in phones, max(low - seconds, seconds - high, 0.0)

    ranked = sorted((key for key in keys if len(code_dir[key])), key=lambda k: (*fitness(k), k))
    by_speaker: dict[str, str] = {}
    for key in ranked:
        by_speaker.setdefault(code_dir.utterances[key].speaker, key)
    firsts = sorted(by_speaker.values())
    if len(firsts) < count:
        return sorted([*firsts, *(k for k in ranked if k not in firsts)][:count])
    # From all over the list: neighbours in it are often of one accent.
    chosen = np.linspace(0, len(firsts) - 1, count).round().astype(int)
    return [firsts[i] for i in chosen]


def read_utterance(
    data_dir: DataDir, key: str, sample_rate: int | None = None
) -> tuple[np.ndarray, int]:
    """The samples (T,) of an utterance at `sample_rate`, or as they are, and their rate."""
    utterance = data_dir[key]
    rate = sample_rate or read_header(utterance.audio).sample_rate
    samples = read_waveform(utterance.audio, rate).samples
    first = round((utterance.start_seconds or 0.0) * rate)
    last = None if utterance.end_seconds is None else round(utterance.end_seconds * rate)
    return samples[first:last], rate
