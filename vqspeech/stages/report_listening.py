"""Recordings for the report: as they are, said again by the same speaker, and by others; scores.

The sound is FLAC: every browser plays it (Safari plays Ogg Opus only in late versions), it is about
half the size of WAV, and nothing is lost in it, so that what is heard is what the model made.
"""

import io
import os
from collections.abc import Callable, Container, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vqspeech.audio.waveform import read_waveform
from vqspeech.data.data_dir import DataDir
from vqspeech.errors import InputError, UsageError
from vqspeech.generation.voice import Voice
from vqspeech.report.listening import draw_recording
from vqspeech.report.page import Clip, Clips, Missing, Section, audio_uri
from vqspeech.stages.list_models import list_speakers
from vqspeech.stages.report_codes import quoted
from vqspeech.stages.report_conversion import conversion_blocks
from vqspeech.stages.report_phones import Scored
from vqspeech.stages.report_utterances import read_utterance
from vqspeech.stages.speaker_choice import Row, choose_speakers, describe_speaker, take_turns

RECORDINGS = 3  # of a data directory: a woman, a man, another woman
MOST_SECONDS = 8.0  # of a recording: the page is one file
FITTING = (2.0, 5.0)  # seconds of utterances that are chosen


class Source(NamedTuple):
    """A recording to be said again."""

    title: str
    samples: np.ndarray  # (T,) at the model's rate
    speaker: str | None = None  # who the model knows them as
    words: str = ""  # on who speaks


def listening_section(
    run: Path,
    found: Sequence[Scored] = (),
    *,
    data: str | os.PathLike | None,
    src: Sequence[str | os.PathLike],
    speakers: Sequence[str],
    has_audio: bool,
    seed: int,
    note: Callable[[str], None],
    progress: Callable[[int, int], None] | None,
) -> Section:
    """Spectrograms and players of sources, reconstructions and conversions, and their scores.

    Args:
        found: scores of all kinds; those of conversions and reconstructions are shown.
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
    if src or data is not None:
        from vqspeech.generation.voice import load_voice

        voice, rows = load_voice(run), list_speakers(run)
        if src:
            sources = [_read(Path(path), voice.sample_rate, note) for path in src]
        else:
            sources = _from_data(data, voice.sample_rate, rows)
        chosen = [voice.speakers[voice.speaker_index(name)] for name in speakers]
        chosen = list(dict.fromkeys(chosen)) or _two_voices(rows, {one.speaker for one in sources})
        most = round(MOST_SECONDS * voice.sample_rate)
        blocks: list[Clips | Missing] = []
        for number, source in enumerate(sources, 1):
            if len(source.samples) > most:
                note(f"{source.title}: the first {MOST_SECONDS:g} s of it are on the page")
            cut = source._replace(samples=source.samples[:most])
            said = _say_again(voice, cut, chosen, rows, seed, progress)
            clips = [
                make_clip(
                    f"recording-{number}-{place}",
                    *(title, words, waveform, voice.sample_rate),
                    *(len(cut.samples) / voice.sample_rate, has_audio),
                )
                for place, (title, words, waveform) in enumerate(said, 1)
            ]
            blocks.append(Clips(source.title, tuple(clips)))
        lead = (
            f"A recording becomes {voice.model.code_rate:g} codes a second, and these are spoken "
            "again: as the same speaker where the model knows them, and as others. Equal colours "
            "are equal levels, from -80 to -30 dB of full scale."
        )
    elif speakers:
        raise UsageError("--speaker: nothing to convert; give --src AUDIO or --data DATA too")
    else:
        command = f"vqspeech report {quoted(run)} --src AUDIO --speaker ID --out report.html"
        blocks = [Missing("To hear a recording in the voices of this model:", command)]
    return Section("listening", "Listening", lead, (*blocks, *conversion_blocks(run, found)))


def _say_again(
    voice: Voice,
    source: Source,
    chosen: Sequence[str],
    rows: Sequence[Row],
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> list[tuple[str, str, np.ndarray]]:
    """Title, words on the speaker, and waveform (T,) of the source and of all that becomes of it.

    Args:
        chosen: whose voices it gets besides its own.
        rows: of the model's speakers.
    """
    described = {row["speaker"]: describe_speaker(row) for row in rows}
    targets = [name for name in chosen if name != source.speaker]
    voices = [source.speaker, *targets] if source.speaker else targets
    codes = voice.encode(source.samples)
    spoken = voice.decode_batch([codes] * len(voices), voices, seed=seed, progress=progress)
    said = [("source", source.words, source.samples)]
    for name, speech in zip(voices, spoken, strict=True):
        what = "reconstruction" if name == source.speaker else "conversion"
        title = f"{what}: {name}"
        said.append((title, described.get(name, ""), speech[: len(source.samples)]))
    return said


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


def _two_voices(rows: Sequence[Row], own: Container[str | None]) -> list[str]:
    """A woman and a man, none of the sources where there are enough others."""
    others = [row for row in rows if row["speaker"] not in own]
    return choose_speakers(others if len(others) >= 2 else rows, 2)


def _read(path: Path, sample_rate: int, note: Callable[[str], None]) -> Source:
    waveform = read_waveform(path, sample_rate)
    for text in waveform.notes:
        note(text)
    return Source(path.name, waveform.samples)


def _from_data(data: str | os.PathLike, sample_rate: int, rows: Sequence[Row]) -> list[Source]:
    """Different sentences of different speakers, of those that the model knows if there are any.

    Args:
        rows: of the model's speakers.
    """
    data_dir = DataDir.read(data)
    by_speaker: dict[str, list[str]] = {}
    low, high = FITTING
    for key in sorted(data_dir, key=lambda k: (_misfit(data_dir.durations.get(k), low, high), k)):
        by_speaker.setdefault(data_dir[key].speaker, []).append(key)
    if not by_speaker:
        raise InputError(f"{data}: no utterances; prepare it again")
    known = {row["speaker"]: row for row in rows}
    strangers = [
        {"speaker": name, "gender": data_dir.genders.get(name), "accent": None}
        for name in by_speaker
    ]
    of_model = [known[name] for name in by_speaker if name in known]
    described = {row["speaker"]: describe_speaker(row) for row in (*strangers, *of_model)}
    sources, said = [], set()
    for name in take_turns(of_model or strangers)[:RECORDINGS]:
        own = by_speaker[name]
        key = next((key for key in own if data_dir[key].text not in said), own[0])
        samples, _ = read_utterance(data_dir, key, sample_rate)
        title = f"{key}, {name}"
        if text := data_dir[key].text:
            title += f": {text}"
            said.add(text)
        sources.append(Source(title, samples, name if name in known else None, described[name]))
    return sources


def _misfit(seconds: float | None, low: float, high: float) -> float:
    return 0.0 if seconds is None else max(low - seconds, seconds - high, 0.0)


def _flac(samples: np.ndarray, sample_rate: int) -> str:
    import soundfile

    buffer = io.BytesIO()
    clipped = np.clip(samples, -1, 32767 / 32768)
    soundfile.write(buffer, clipped, sample_rate, format="FLAC", subtype="PCM_16")
    return audio_uri(buffer.getvalue(), "audio/flac")
