"""Recordings read as phones: their codes through a saved mapping."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vqspeech.analysis.phoneme_mapping import PhonemeMapping
from vqspeech.data.code_labels import Interval, code_tiers, format_text_grid, label_codes
from vqspeech.data.codes import join_groups
from vqspeech.data.label_exports import MAPPED
from vqspeech.data.tables import id_breach
from vqspeech.data.targets import check_targets, unique_files
from vqspeech.errors import InputError, UsageError, printable
from vqspeech.files import write_text
from vqspeech.generation.voice import Voice
from vqspeech.stages.recordings import encode_recordings

SUFFIXES = {"text": ".txt", "json": ".json", "textgrid": ".TextGrid", "ctm": ".ctm"}


@dataclass(frozen=True)
class Transcript:
    """A recording as phones."""

    source: Path
    phones: tuple[Interval, ...]  # runs of one phone, from 0 to the end without a gap
    codes: np.ndarray  # (L,) or (L, G)
    hop: int  # samples a code
    sample_rate: int
    samples: int
    model: str

    @property
    def name(self) -> str:
        """What the recording is called: its file without folder and suffix."""
        return self.source.stem

    def text(self, *, with_times: bool = False) -> str:
        """`name: SIL HH AH`, with times `name: SIL 0.00-0.12 HH 0.12-0.20`, in seconds."""
        words = (
            f"{label} {start:.2f}-{end:.2f}" if with_times else label
            for start, end, label in self.phones
            if label
        )
        return f"{printable(self.name)}: {' '.join(words)}"

    def json(self) -> str:
        """One line of JSON; `units` are the codes that were read."""
        facts = {
            "file": printable(self.source),
            "seconds": self.samples / self.sample_rate,
            "model": self.model,
            "rate": self.sample_rate / self.hop,
            "phones": [run._asdict() for run in self.phones],
            "units": self.codes.tolist(),
        }
        return json.dumps(facts, ensure_ascii=False)

    def text_grid(self) -> str:
        """A TextGrid with the tiers `codes` and `mapped phones`."""
        tiers = code_tiers(
            self.codes, hop=self.hop, sample_rate=self.sample_rate, samples=self.samples
        )
        return format_text_grid({**tiers, MAPPED: self.phones})

    def ctm(self) -> str:
        """Lines `name 1 start duration phone`, as in the `phones.ctm` of a data directory."""
        return "\n".join(
            f"{self.name} 1 {start:.4f} {end - start:.4f} {label}"
            for start, end, label in self.phones
            if label
        )

    def format(self, file_format: str, *, with_times: bool = False) -> str:
        """The transcript in one of `SUFFIXES`, without a newline at the end."""
        match file_format:
            case "text":
                return self.text(with_times=with_times)
            case "json":
                return self.json()
            case "textgrid":
                return self.text_grid().removesuffix("\n")
            case "ctm":
                return self.ctm()
        raise ValueError(f"{file_format}: one of {', '.join(SUFFIXES)} was wanted")


def transcribe_files(
    voice: Voice,
    sources: Sequence[str | os.PathLike],
    mapping: PhonemeMapping,
    *,
    done: Callable[[Transcript], None] = lambda transcript: None,
    note: Callable[[str], None] = lambda text: None,
) -> tuple[list[Transcript], list[str]]:
    """Read recordings as phones.

    Args:
        mapping: fitted on codes of the same model; see `check_mapping`.
        done: told each transcript as soon as it is there.
        note: told what had to be changed in a recording.

    Returns:
        The transcripts, and a line for each recording that failed.

    Raises:
        ValueError: the mapping was fitted on another number of codes.
    """
    quantizer = voice.model.quantizer
    if mapping.num_codes != quantizer.num_codes**quantizer.groups:
        raise ValueError(f"a mapping of {mapping.num_codes} codes for {voice.name}")
    transcripts, failures = [], []
    recordings = encode_recordings(voice, unique_files(sources), failures, note)
    for source, codes, samples in recordings:
        phones = mapping.apply(join_groups(codes, quantizer.num_codes), np.array([0, len(codes)]))
        runs = label_codes(
            phones,
            hop=voice.hop,
            sample_rate=voice.sample_rate,
            samples=samples,
            names=mapping.phones,
        )
        transcripts.append(
            Transcript(
                source, tuple(runs), codes, voice.hop, voice.sample_rate, samples, voice.name
            )
        )
        done(transcripts[-1])
    return transcripts, failures


def check_output(
    sources: Sequence[str | os.PathLike],
    file_format: str,
    out: str | os.PathLike | None,
    *,
    overwrite: bool = False,
) -> dict[Path, Path]:
    """The file of each source below `out`, refused before any work where it could not be written.

    Returns:
        Files by source; none without `out`, when transcripts go to standard output.

    Raises:
        UsageError: no such format, or it cannot be told apart on standard output; or two sources of
            one name.
        InputError: the name of a source does not fit into a ctm.
        WriteError: a file is there already and `overwrite` is not set, or cannot be written.
    """
    if file_format not in SUFFIXES:
        raise UsageError(f"--format {file_format}: one of {', '.join(SUFFIXES)} was wanted")
    files = unique_files(sources)
    if file_format == "ctm":
        for file in files:
            if breach := id_breach(file.stem):
                raise InputError(f"{file}: {breach} in a ctm; rename it, or give --format json")
    if out is None:
        if file_format == "textgrid":
            raise UsageError("--format textgrid: give --out FOLDER, it is a file a recording")
        if file_format == "ctm" and len({file.stem for file in files}) < len(files):
            raise UsageError("--format ctm: two recordings of one name; give --format json")
        return {}
    targets = {file: Path(out) / f"{file.stem}{SUFFIXES[file_format]}" for file in files}
    check_targets(targets.values(), files, overwrite=overwrite)
    return targets


def write_transcript(path: Path, transcript: Transcript, file_format: str, **options: bool) -> None:
    """Write a transcript to a file, atomically; `WriteError` when the system refuses."""
    write_text(path, transcript.format(file_format, **options) + "\n")
