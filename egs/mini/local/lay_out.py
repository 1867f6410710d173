#!/usr/bin/env python3
"""The embedded corpus as VCTK or LibriSpeech lie on disk, to run their recipes without them.

    lay_out.py --style vctk-0.92 --out DIR --speakers 4 --utterances 12
    lay_out.py --style librispeech --out DIR

vctk-0.92    48 kHz FLAC of two microphones, a text file an utterance, speaker-info.txt
vctk-0.80    48 kHz WAV with long quiet edges, ids without `p` in speaker-info.txt
librispeech  LibriSpeech/: 16 kHz FLAC by reader and chapter with .trans.txt, SPEAKERS.TXT;
             LibriSpeech-alignments/: a TextGrid an utterance. As in the original no reader is in
             two subsets: those asked for are in train-clean-100 and train-clean-360 by turns, one
             more is in dev-clean and one in test-clean.

Eight voices, 44 utterances each; of VCTK's shared sentences 001 to 024, each voice has about ten.
The same arguments write the same files. Times are in seconds, T is samples.
"""

import argparse
import csv
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from praatio.textgrid import IntervalTier, Textgrid

from vqspeech.audio.waveform import read_waveform, write_waveform
from vqspeech.data.alignment import Phone, read_phones
from vqspeech.data.corpora.mini import mini_folder
from vqspeech.errors import UsageError, VQSpeechError

VCTK_RATE, LIBRISPEECH_RATE = 48000, 16000  # Hz
EDGE_SECONDS = 0.6  # of near silence, before and after the words, in VCTK 0.80
CHAPTER = 6  # utterances of a chapter, at most
SUBSETS = ("train-clean-100", "train-clean-360", "dev-clean", "test-clean")


class Recording(NamedTuple):
    """One utterance of the embedded corpus."""

    id: str  # as p901_011
    audio: Path
    text: str
    phones: tuple[Phone, ...]


class Voice(NamedTuple):
    """One speaker of the embedded corpus, and what is taken of them."""

    name: str  # as p901
    gender: str  # F or M
    accent: str
    recordings: tuple[Recording, ...]


def read_voices(corpus: Path, speakers: int, utterances: int) -> list[Voice]:
    """The first `speakers` voices, with `utterances` recordings each, spread over all they have.

    Raises:
        UsageError: more are asked for than there are.
        InputError: the corpus is damaged.
    """
    with open(corpus / "speakers.tsv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    if not 1 <= speakers <= len(rows):
        raise UsageError(f"{speakers} speakers: the corpus has {len(rows)}; give 1 to {len(rows)}")
    texts = (corpus / "text").read_text(encoding="utf-8").splitlines()
    phones = read_phones(corpus / "phones.ctm")
    known: dict[str, list[Recording]] = {row["speaker"]: [] for row in rows}
    for key, text in (line.split(" ", 1) for line in texts):
        name = key.partition("_")[0]
        audio = corpus / "audio" / name / f"{key}.opus"
        known[name].append(Recording(key, audio, text, phones[key]))
    return [
        Voice(
            row["speaker"], row["gender"], row["accent"], spread(known[row["speaker"]], utterances)
        )
        for row in rows[:speakers]
    ]


def spread(recordings: list[Recording], count: int) -> tuple[Recording, ...]:
    """`count` of them, evenly from first to last: the first ones alone are the shared sentences.

    Raises:
        UsageError: more than there are.
    """
    if not 1 <= count <= len(recordings):
        raise UsageError(f"{count} utterances: a voice has {len(recordings)}")
    return tuple(recordings[i * len(recordings) // count] for i in range(count))


def far_microphone(samples: np.ndarray) -> np.ndarray:
    """(T,) as a second microphone has it: duller, quieter, a millisecond late."""
    dull = np.convolve(samples, [0.25, 0.5, 0.25], mode="same")
    late = VCTK_RATE // 1000
    return 0.7 * np.concatenate([np.zeros(late, np.float32), dull[:-late]]).astype(np.float32)


def add_edges(samples: np.ndarray, name: str) -> np.ndarray:
    """(T,) with noise of -70 dB before and after, as a recording that ran on."""
    generator = np.random.default_rng(list(name.encode()))
    length = round(EDGE_SECONDS * VCTK_RATE)
    before, after = 10 ** (-70 / 20) * generator.standard_normal((2, length), np.float32)
    return np.concatenate([before, samples, after])


def write_text(path: Path, lines: Iterable[str]) -> None:
    """A text file of these lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def write_vctk(voices: list[Voice], out: Path, *, release: str) -> None:
    """VCTK: `out` holds what the archive of that release, 0.80 or 0.92, unpacks to."""
    is_new = release == "0.92"
    info = [
        "ID  AGE  GENDER  ACCENTS  REGION COMMENTS"
        if is_new
        else "ID  AGE  GENDER  ACCENTS  REGION"
    ]
    for voice in voices:
        for recording in voice.recordings:
            samples = read_waveform(recording.audio, VCTK_RATE).samples
            if is_new:
                stem = out / "wav48_silence_trimmed" / voice.name / recording.id
                write_waveform(f"{stem}_mic1.flac", samples, VCTK_RATE)
                write_waveform(f"{stem}_mic2.flac", far_microphone(samples), VCTK_RATE)
            else:
                path = out / "wav48" / voice.name / f"{recording.id}.wav"
                write_waveform(path, add_edges(samples, recording.id), VCTK_RATE)
            write_text(out / "txt" / voice.name / f"{recording.id}.txt", [recording.text])
        name = voice.name if is_new else voice.name.removeprefix("p")
        info.append(f"{name}  30  {voice.gender}    {voice.accent}  Two Words")
    write_text(out / "speaker-info.txt", info)


def write_librispeech(voices: list[Voice], held_out: list[Voice], out: Path) -> None:
    """LibriSpeech and its alignments: `voices` are readers to train on, `held_out` are not."""
    subsets = [SUBSETS[number % 2] for number in range(len(voices))] + list(SUBSETS[2:])
    about = [";ID  |SEX| SUBSET           |MINUTES| NAME"]
    for voice, subset in zip([*voices, *held_out], subsets, strict=False):
        reader, minutes = voice.name.removeprefix("p"), 0.0
        for first in range(0, len(voice.recordings), CHAPTER):
            chapter = f"{reader}{first // CHAPTER:02d}"
            place = Path(subset, reader, chapter)
            lines = []
            for number, recording in enumerate(voice.recordings[first : first + CHAPTER]):
                key = f"{reader}-{chapter}-{number:04d}"
                samples = read_waveform(recording.audio, LIBRISPEECH_RATE).samples
                write_waveform(
                    out / "LibriSpeech" / place / f"{key}.flac", samples, LIBRISPEECH_RATE
                )
                seconds = len(samples) / LIBRISPEECH_RATE
                write_grid(
                    out / "LibriSpeech-alignments" / place / f"{key}.TextGrid", recording, seconds
                )
                lines.append(f"{key} {capitals(recording.text)}")
                minutes += seconds / 60
            write_text(out / "LibriSpeech" / place / f"{reader}-{chapter}.trans.txt", lines)
        about.append(
            f"{reader:<5}| {voice.gender} | {subset:<17}| {minutes:5.2f} | Voice | {voice.name}"
        )
    write_text(out / "LibriSpeech" / "SPEAKERS.TXT", about)


def capitals(text: str) -> str:
    """As LibriSpeech transcribes: words in capitals, no punctuation but apostrophes."""
    kept = (c if c.isalpha() or c == "'" else " " for c in text.upper())
    return " ".join("".join(kept).split())


def write_grid(path: Path, recording: Recording, seconds: float) -> None:
    """A TextGrid as a forced aligner writes it: a tier `phones`, silence without a label."""
    path.parent.mkdir(parents=True, exist_ok=True)
    spans, end = [], 0.0
    for phone in recording.phones:
        # Starts and durations were rounded on their own, and a tier allows no overlap.
        start = max(phone.start_seconds, end)
        end = min(phone.start_seconds + phone.duration_seconds, seconds)
        if phone.label != "SIL" and end > start:
            spans.append((start, end, phone.label))
    grid = Textgrid(0, seconds)
    grid.addTier(IntervalTier("phones", spans, 0, seconds))
    grid.save(str(path), "long_textgrid", includeBlankSpaces=True)


def lay_out(style: str, out: Path, *, speakers: int, utterances: int) -> int:
    """Write the corpus and return how many voices it has.

    Raises:
        UsageError: more voices or utterances than there are, or `out` holds something.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out}: is there already; give an empty folder or a new one")
    is_librispeech = style == "librispeech"
    voices = read_voices(mini_folder(), speakers + 2 * is_librispeech, utterances)
    if is_librispeech:
        write_librispeech(voices[:speakers], voices[speakers:], out)
    else:
        write_vctk(voices, out, release=style.removeprefix("vctk-"))
    return len(voices)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--style", required=True, choices=("vctk-0.92", "vctk-0.80", "librispeech"))
    parser.add_argument("--out", required=True, type=Path, help="a new or an empty folder")
    parser.add_argument("--speakers", type=int, default=4, help="of 8; librispeech: of 6 [4]")
    parser.add_argument("--utterances", type=int, default=44, help="of each, of 44 [44]")
    args = parser.parse_args()
    try:
        voices = lay_out(args.style, args.out, speakers=args.speakers, utterances=args.utterances)
    except VQSpeechError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    print(f"wrote {args.out}  {voices} speakers  {args.utterances} utterances each  {args.style}")


if __name__ == "__main__":
    main()
