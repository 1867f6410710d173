"""The recordings that a voice is learnt from: which can be used, how loud, how much.

What cannot teach a voice is found before anything is trained, by name: silence, a converter that
was driven too hard, a rate that lacks the upper half of the spectrum, seconds where minutes are
wanted. T is samples at the model's rate.
"""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vqspeech.audio.recording import Recording
from vqspeech.audio.stream import MonoStream
from vqspeech.audio.treatment import Speech, find_speech
from vqspeech.data.corpora.folder import AUDIO, UNREADABLE
from vqspeech.data.targets import unique_files
from vqspeech.errors import InputError, name_some, printable, tell_skipped
from vqspeech.files import is_folder

LEAST_SECONDS, POOR_SECONDS, MOST_SECONDS = 30.0, 60.0, 600.0
SILENT_DB = -50.0  # of full scale, RMS over the loud frames
FULL_SCALE, MOST_CLIPPED = 0.999, 0.001  # amplitude, and the share of samples that may reach it
# Corpora lie within these; a set of recordings that does not is moved to the nearer end.
QUIETEST_DB, LOUDEST_DB = -28.0, -16.0
LEVEL_SLACK_DB = 3.0  # utterances of one speaker differ as much by themselves


class Take(NamedTuple):
    """A recording that can be used."""

    path: Path
    samples: np.ndarray  # (T,) float32
    layout: str  # as in `48000 Hz stereo`
    speech: Speech
    is_cut: bool  # there was more of it

    @property
    def level(self) -> float:
        """Decibels of full scale, RMS over the loud frames."""
        return 20 * float(np.log10(self.speech.rms))


@dataclass(frozen=True)
class EnrolmentSpeech:
    """What a voice is learnt from."""

    takes: tuple[Take, ...]  # levelled
    seconds: float  # of all of them
    speech_seconds: float  # of it, in frames that are loud


def read_enrolment(
    sources: Sequence[str | os.PathLike],
    sample_rate: int,
    *,
    note: Callable[[str], None] = lambda text: None,
) -> EnrolmentSpeech:
    """Read, check and level recordings of one speaker.

    Args:
        sources: folders, with all audio below them, and files.
        sample_rate: of the model.
        note: told what was skipped, cut off or changed.

    Raises:
        InputError: no audio, or less speech in what can be used than `LEAST_SECONDS`.
    """
    where = name_some(sources, 3)
    takes, skipped, layouts = [], [], Counter()
    room = round(MOST_SECONDS * sample_rate)
    files, unread = find_recordings(sources)
    skipped += unread
    for number, path in enumerate(files):
        if room <= 0:
            left = f"{len(files) - number} of {len(files)} recordings are left out"
            note(f"{where}: more than {MOST_SECONDS / 60:g} minutes; {left}")
            break
        try:
            take = _read_take(path, sample_rate, room)
        except InputError as error:
            reason = str(error).removeprefix(f"{printable(path)}: ")
            skipped.append((path.name, reason))
        else:
            takes.append(take)
            layouts[take.layout] += 1
            room -= len(take.samples)
            if take.is_cut and number == len(files) - 1:
                note(f"{path}: more than {MOST_SECONDS / 60:g} minutes; the rest is left out")
    wanted = f"{LEAST_SECONDS:g} s of speech at least are wanted, some minutes are better"
    if not takes:
        found = "; ".join(tell_skipped(skipped, len(skipped), most=3)) or "no audio in it"
        raise InputError(f"{where}: no recording that can be used ({found}); {wanted}")
    for line in tell_skipped(skipped, len(files) + len(unread)):
        note(line)
    for layout, count in layouts.items():
        if layout != f"{sample_rate} Hz mono":
            note(f"{count} recordings: {layout} -> {sample_rate} Hz mono")
    seconds = sum(len(take.samples) for take in takes) / sample_rate
    speech = sum(take.speech.loud for take in takes) / sample_rate
    if speech < LEAST_SECONDS:
        out_of = f" in {len(takes)} recordings, {len(skipped)} skipped" if skipped else ""
        raise InputError(f"{where}: {speech:.1f} s of speech{out_of}; {wanted}")
    if speech < POOR_SECONDS:
        note(f"{where}: {speech:.1f} s of speech; the voice will be poor, some minutes are better")
    return EnrolmentSpeech(_level(takes, note), seconds, speech)


def find_recordings(
    sources: Sequence[str | os.PathLike],
) -> tuple[list[Path], list[tuple[str, str]]]:
    """Audio files among the sources and below them, by name, and what looks like audio but is not.

    Raises:
        InputError: a source that is not there.
    """
    files, unread = [], []
    for source in map(Path, sources):
        if not is_folder(source):
            if not source.exists():
                raise InputError(f"{source}: no such file or folder; give recordings of the voice")
            files.append(source)
            continue
        for folder, names, found in os.walk(source):
            names.sort()
            for name in sorted(found):
                suffix = Path(name).suffix.lower()
                if suffix in AUDIO:
                    files.append(Path(folder, name))
                elif suffix in UNREADABLE:
                    unread.append((name, f"{suffix} cannot be read, convert it"))
    return unique_files(files), unread


def _read_take(path: Path, sample_rate: int, most: int) -> Take:
    """One recording, or its first `most` samples.

    Raises:
        InputError: it cannot be read, or is of no use.
    """
    with Recording(path) as recording:
        rate, layout = recording.sample_rate, f"{recording.sample_rate} Hz {recording.layout}"
        if rate < sample_rate:
            wanted = f"below the model's {sample_rate} Hz; record at a higher rate"
            raise InputError(f"{path}: {rate} Hz, {wanted}")
        clipped = total = 0
        for block in recording.blocks():  # at the file's own rate: resampling rounds the corners
            clipped += int(np.count_nonzero(np.abs(block) >= FULL_SCALE))
            total += block.size
    if clipped > MOST_CLIPPED * total:
        share = f"{clipped / total:.1%} of its samples at full scale"
        raise InputError(f"{path}: clipped, {share}; record with less gain")
    blocks, length, is_cut = [], 0, False
    for block in MonoStream(path, sample_rate).blocks():
        blocks.append(block[: most - length])
        length += len(blocks[-1])
        if is_cut := len(blocks[-1]) < len(block):
            break
    speech = find_speech(blocks, sample_rate)
    if speech.rms < 10 ** (SILENT_DB / 20):
        raise InputError(f"{path}: silent, {SILENT_DB:g} dB of full scale were wanted at least")
    return Take(path, np.concatenate(blocks), layout, speech, is_cut)


def _level(takes: Sequence[Take], note: Callable[[str], None]) -> tuple[Take, ...]:
    """All takes near one loudness: that of the median take, where it is a usual one."""
    median = float(np.median([take.level for take in takes]))
    wanted = min(max(median, QUIETEST_DB), LOUDEST_DB)
    levelled, changes = [], []
    for take in takes:
        change = wanted - take.level
        if abs(change) > LEVEL_SLACK_DB:
            change = min(change, -20 * float(np.log10(take.speech.peak)))  # louder would clip
            changes.append(change)
            gain = np.float32(10 ** (change / 20))
            take = take._replace(samples=take.samples * gain)
        levelled.append(take)
    if changes:
        span = f"{min(changes):+.1f} to {max(changes):+.1f} dB"
        note(
            f"{len(changes)} of {len(takes)} recordings brought to {wanted:.1f} dB of full scale "
            f"(RMS of the speech), by {span}"
        )
    return tuple(levelled)
