"""Recordings for the report: as they are, said again by the same speaker, and by others.

The sound is FLAC: every browser plays it (Safari plays Ogg Opus only in late versions), it is about
half the size of WAV, and nothing is lost in it, so that what is heard is what the model made.
"""

import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vqspeech.audio.waveform import read_waveform
from vqspeech.data.data_dir import DataDir
from vqspeech.errors import InputError, UsageError
from vqspeech.report.listening import draw_recording
from vqspeech.report.page import Clip, Clips, Missing, Section, audio_uri
from vqspeech.stages.list_models import list_speakers
from vqspeech.stages.report_codes import quoted
from vqspeech.stages.report_utterances import read_utterance
from vqspeech.stages.speaker_choice import choose_speakers, describe_speaker

RECORDINGS = 2  # of a data directory
MOST_SECONDS = 8.0  # of a recording: the page is one file
FITTING = (2.0, 5.0)  # seconds of utterances that are chosen


class Source(NamedTuple):
    """A recording to be said again."""

    title: str
    samples: np.ndarray  # (T,) at the model's rate
    speaker: str | None  # who the model knows them as


def listening_section(
    run: Path,
    *,
    data: str | os.PathLike | None,
    src: Sequence[str | os.PathLike],
    speakers: Sequence[str],
    has_audio: bool,
    seed: int,
    note: Callable[[str], None],
    progress: Callable[[int, int], None] | None,
) -> Section:
    """Spectrograms and players of sources, reconstructions and conversions.

    Args:
        data: where recordings are taken from when there are none in `src`.
        src: recordings.
        speakers: voices for them; a woman and a man without it.
        has_audio: whether there are players.
        seed: of the random numbers.
        note: told what had to be changed in a recording.
        progress: told (samples drawn, their total) for each recording.

    Raises:
        InputError: no model in `run`, or no audio where it was said to be.
        UsageError: an unknown speaker, or speakers without a recording.
    """
    lead = "The same codes in different voices."
    if not src and data is None:
        if speakers:
            raise UsageError("--speaker: nothing to convert; give --src AUDIO or --data DATA too")
        command = f"vqspeech report {quoted(run)} --src AUDIO --speaker ID --out report.html"
        missing = Missing("To hear a recording in the voices of this model:", command)
        return Section("listening", "Listening", lead, (missing,))
    from vqspeech.generation.voice import load_voice

    voice = load_voice(run)
    rows = list_speakers(run)
    described = {row["speaker"]: describe_speaker(row) for row in rows}
    chosen = [voice.speakers[voice.speaker_index(name)] for name in speakers]
    chosen = list(dict.fromkeys(chosen)) or _two_voices(rows)
    if src:
        sources = [_read(Path(path), voice.sample_rate, note) for path in src]
    else:
        sources = _from_data(data, voice.sample_rate, voice.speakers)
    most = round(MOST_SECONDS * voice.sample_rate)
    blocks = []
    for number, source in enumerate(sources, 1):
        if len(source.samples) > most:
            note(f"{source.title}: the first {MOST_SECONDS:g} s of it are on the page")
        samples = source.samples[:most]
        targets = [name for name in chosen if name != source.speaker]
        voices = [source.speaker, *targets] if source.speaker else targets
        codes = voice.encode(samples)
        spoken = voice.decode_batch([codes] * len(voices), voices, seed=seed, progress=progress)
        titled = [("source", "", samples)]
        for name, speech in zip(voices, spoken, strict=True):
            what = "reconstruction" if name == source.speaker else "conversion"
            titled.append((f"{what}: {name}", described.get(name, ""), speech[: len(samples)]))
        seconds = len(samples) / voice.sample_rate
        clips = [
            make_clip(
                f"recording-{number}-{place}",
                *(title, words, waveform, voice.sample_rate, seconds, has_audio),
            )
            for place, (title, words, waveform) in enumerate(titled, 1)
        ]
        blocks.append(Clips(source.title, tuple(clips)))
    lead = (
        f"A recording becomes {voice.model.code_rate:g} codes a second, and these are spoken again:"
        " as the same speaker where the model knows them, and as others. Equal colours are equal"
        " levels, from -80 to -30 dB of full scale."
    )
    return Section("listening", "Listening", lead, tuple(blocks))


def make_clip(
    name: str,
    title: str,
    words: str,
    waveform: np.ndarray,
    sample_rate: int,
    seconds: float,
    has_audio: bool,
) -> Clip:
    """A recording (T,) with its spectrogram and, if it is wanted, a player.

    Args:
        name: of the picture, unique in the page.
        words: below it.
        seconds: that the spectrogram's axis shows.
    """
    picture = draw_recording(name, title, waveform, sample_rate, seconds)
    return Clip(title, words, picture, _flac(waveform, sample_rate) if has_audio else "")


def _two_voices(rows: Sequence[dict[str, str | None]]) -> list[str]:
    return choose_speakers(rows, 2)


def _read(path: Path, sample_rate: int, note: Callable[[str], None]) -> Source:
    waveform = read_waveform(path, sample_rate)
    for text in waveform.notes:
        note(text)
    return Source(path.name, waveform.samples, None)


def _from_data(data: str | os.PathLike, sample_rate: int, known: Sequence[str]) -> list[Source]:
    """Two utterances of different speakers, of those that the model knows if there are any."""
    data_dir = DataDir.read(data)
    by_speaker: dict[str, str] = {}
    low, high = FITTING
    for key in sorted(data_dir, key=lambda k: (_misfit(data_dir.durations.get(k), low, high), k)):
        by_speaker.setdefault(data_dir[key].speaker, key)
    names = sorted(by_speaker, key=lambda name: (name not in known, name))
    names = [name for name in names if name in known] or names
    if not names:
        raise InputError(f"{data}: no utterances; prepare it again")
    picked = dict.fromkeys((names[0], names[len(names) // 2]))
    sources = []
    for name in list(picked)[:RECORDINGS]:
        samples, _ = read_utterance(data_dir, by_speaker[name], sample_rate)
        title = f"{by_speaker[name]}, {name}"
        if text := data_dir[by_speaker[name]].text:
            title += f": {text}"
        sources.append(Source(title, samples, name if name in known else None))
    return sources


def _misfit(seconds: float | None, low: float, high: float) -> float:
    return 0.0 if seconds is None else max(low - seconds, seconds - high, 0.0)


def _flac(samples: np.ndarray, sample_rate: int) -> str:
    import soundfile

    buffer = io.BytesIO()
    clipped = np.clip(samples, -1, 32767 / 32768)
    soundfile.write(buffer, clipped, sample_rate, format="FLAC", subtype="PCM_16")
    return audio_uri(buffer.getvalue(), "audio/flac")
