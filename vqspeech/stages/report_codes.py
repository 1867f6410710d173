"""Codes for the report: which directories are of this run's model, and what its codebook is.

K codes a group, G groups, D dimensions, N frames.
"""

import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vqspeech.analysis.runs import merge_runs
from vqspeech.checkpoint import checkpoints, find_model, load_tensors
from vqspeech.data.codes import CodeDir, read_code_dir
from vqspeech.errors import InputError, VQSpeechError
from vqspeech.report.codebook import draw_codebook, draw_durations, draw_usage
from vqspeech.report.page import Missing, Picture, Section
from vqspeech.stages.encode import hash_model

MOST = 4  # parts of the data in one picture
SAVED = ("average.safetensors", "model.safetensors")  # the first that a checkpoint has is used


@dataclass(frozen=True)
class CodesMaterial:
    """What is there of a run's codes."""

    directories: tuple[CodeDir, ...]
    codebook: np.ndarray | None  # (G * K, D / G), the groups one after the other
    run: Path
    hashes: frozenset[str]


def hashes_of_run(run: str | os.PathLike) -> frozenset[str]:
    """What codes of any checkpoint of the run call their model."""
    hashes = set()
    for folder in checkpoints(run):
        try:
            hashes.add(hash_model(folder.resolve()))
        except InputError:
            continue  # a checkpoint that was not finished; codes cannot be of it
    return frozenset(hashes)


def find_codes(
    run: Path,
    given: Sequence[str | os.PathLike],
    hashes: frozenset[str],
    note: Callable[[str], None],
) -> tuple[CodeDir, ...]:
    """Code directories: those given, or those in `codes*` beside the run that are of its model.

    Raises:
        InputError: a directory that was given is none, or of another model.
    """
    found = []
    for path in given:
        code_dir = read_code_dir(path)
        if code_dir.model_hash not in hashes:
            raise InputError(
                f"{path}: codes of another model ({code_dir.model_hash}) than {run}; make them"
                f" with 'vqspeech encode DATA --model {quoted(run)}'"
            )
        found.append(code_dir)
    if given:
        return tuple(found)
    parent = run.resolve().parent
    others = 0
    for settings in sorted(
        [*parent.glob("codes*/codes.json"), *parent.glob("codes*/*/codes.json")]
    ):
        try:
            code_dir = read_code_dir(settings.parent)
        except VQSpeechError as error:
            note(f"left out: {error}")
            continue
        if code_dir.model_hash in hashes:
            found.append(code_dir)
        else:
            others += 1
    if others:
        note(f"left out codes of other models beside {run}: {others}")
    return tuple(found)


def read_codebook(run: Path, note: Callable[[str], None]) -> np.ndarray | None:
    """The codebook of the best checkpoint, (G * K, D / G) float32; None where there is none."""
    try:
        folder = find_model(run)
        for name in SAVED:
            if (folder / name).is_file():
                codebook = load_tensors(folder / name).get("quantizer.codebook")
                if codebook is not None:
                    return codebook.float().flatten(0, -2).numpy()
    except InputError as error:
        note(f"left out the codebook: {error}")
    return None


def symbols(code_dir: CodeDir) -> np.ndarray:
    """(N,) a number for each row of codes: the code, or with groups the row among the different."""
    if code_dir.groups == 1:
        return np.asarray(code_dir.codes)
    return np.unique(code_dir.codes, axis=0, return_inverse=True)[1].reshape(-1)


def count_codes(code_dir: CodeDir) -> np.ndarray:
    """(G * K,) frames of each code, the groups one after the other."""
    rows = np.asarray(code_dir.codes).reshape(len(code_dir.codes), -1).astype(np.int64)
    offsets = np.arange(rows.shape[1]) * code_dir.num_codes
    return np.bincount((rows + offsets).reshape(-1), minlength=rows.shape[1] * code_dir.num_codes)


def run_lengths(code_dir: CodeDir) -> np.ndarray:
    """(R,) frames of each run of equal codes; a run ends where its utterance does."""
    starts = [span.start for span in code_dir.spans.values()]
    return merge_runs(symbols(code_dir), np.unique([0, *starts, len(code_dir.codes)])).lengths


def codebook_section(material: CodesMaterial, found: Sequence[Any]) -> Section:
    """Usage, durations and the codebook in a plane.

    Args:
        found: `Scored` files; the first with the phones of all codes names them.
    """
    blocks: list[Picture | Missing] = []
    names = unique_names([code_dir.path for code_dir in material.directories])
    shown = dict(list(zip(names, material.directories, strict=True))[:MOST])
    shown = {name: code_dir for name, code_dir in shown.items() if len(code_dir.codes)}
    if shown:
        counts = {name: count_codes(code_dir) for name, code_dir in shown.items()}
        blocks.append(draw_usage(counts))
        runs = {name: run_lengths(one) for name, one in shown.items()}
        blocks.append(draw_durations(runs, next(iter(shown.values())).rate))
        total = sum(counts.values())
        if material.codebook is not None and len(total) == len(material.codebook):
            blocks.append(draw_codebook(material.codebook, total, phones_of_codes(found, total)))
    else:
        blocks.append(
            Missing(
                "Usage, durations and the codebook need codes of this model:",
                encode_command(material),
            )
        )
    if shown and phones_of_codes(found, total) is None:
        blocks.append(
            Missing(
                "To name and colour the codes by their phones:",
                analyze_command(material),
            )
        )
    lead = "Which codes are used, how long they last, and how they lie to each other."
    return Section("codebook", "Codebook", lead, tuple(blocks))


def phones_of_codes(found: Sequence[Any], counts: np.ndarray) -> tuple[str, ...] | None:
    """The phone of each code by the first scores that tell it of as many codes."""
    for scored in found:
        if scored.parts is not None and len(scored.parts.code_phones) == len(counts):
            return scored.parts.code_phones
    return None


def quoted(path: str | os.PathLike) -> str:
    """A path as a shell takes it, and no option whatever it begins with."""
    text = os.fspath(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def encode_command(material: CodesMaterial) -> str:
    """What makes codes where the report looks for them."""
    out = material.run.resolve().parent / "codes" / "NAME"
    return f"vqspeech encode DATA --model {quoted(material.run)} --out {quoted(out)}"


def analyze_command(material: CodesMaterial) -> str:
    """What measures the phones of the codes that are there, where the report looks for it.

    Fitted on `train` and scored on `test`, or else on two others, of those with phones if any are.
    """
    paths = [code_dir.path for code_dir in material.directories]
    paths = [path for path in paths if (path / "phones.ctm").is_file()] or paths
    fit = next((path for path in paths if path.name == "train"), paths[0] if paths else None)
    others = [path for path in paths if path != fit]
    score = next((path for path in others if path.name == "test"), others[-1] if others else None)
    out = material.run.resolve().parent / "analysis" / "phonemes.json"
    return (
        f"vqspeech analyze phonemes {quoted(score or 'CODES')} --fit-on {quoted(fit or 'OTHERS')}"
        f" --json {quoted(out)}"
    )


def unique_names(paths: Sequence[Path]) -> list[str]:
    """The last part of each path, or as many as tell them apart."""
    parts = [path.resolve().parts for path in paths]
    depth = 1
    while len({part[-depth:] for part in parts}) < len(set(parts)):
        depth += 1
    return ["/".join(part[-depth:]) for part in parts]
