"""Code directories in the formats of other people's tools.

What each file holds is in `data/unit_exports.py` and `data/label_exports.py`.
"""

import os
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from vqspeech.data.alignment import Phone
from vqspeech.data.code_labels import format_labels, format_text_grid
from vqspeech.data.codes import CodeDir, join_groups, read_code_dir
from vqspeech.data.item_file import triphone_items, write_items
from vqspeech.data.label_exports import label_tiers, tier_names
from vqspeech.data.targets import check_targets
from vqspeech.data.unit_exports import (
    Vectors,
    check_step,
    discophon_lines,
    fairseq_lines,
    fastabx_lines,
    fit_items,
    one_hot,
    pool_codes,
    save_tensors,
    save_vector_texts,
)
from vqspeech.errors import InputError, UsageError, WriteError, name_some, tell_skipped
from vqspeech.files import (
    atomic_directory,
    atomic_path,
    check_replaceable,
    follow_link,
    path_lock,
    sweep_temporaries,
)
from vqspeech.generation.voice import Voice
from vqspeech.stages.mapping_file import read_as_phones

FORMATS = ("discophon", "fastabx", "zerospeech", "fairseq", "textgrid", "audacity")
UNITS, ITEMS = "units.jsonl", "triphones.item"  # of fastabx
_WITH_PHONES = ("textgrid", "audacity")
_WITH_VECTORS = ("fastabx", "zerospeech")
_WORD = re.compile(r"[A-Za-z0-9_]+")


@dataclass(frozen=True)
class Exported:
    """What was written."""

    path: Path  # a file, or a folder
    utterances: int
    frames: int  # after pooling
    step_seconds: float
    notes: tuple[str, ...]  # for the user, once


@dataclass(frozen=True)
class _Job:
    """The codes to export, as the writers take them."""

    code_dir: CodeDir
    utterances: tuple[str, ...]  # those that have codes
    pool: int
    vectors: Vectors | None
    phones: dict[str, tuple[Phone, ...]]  # empty without an alignment
    phone_names: tuple[str, ...]
    mapped: dict[str, np.ndarray]  # (L,) phones by utterance; empty without a map
    progress: Callable[[int, int], None]

    def units(self) -> Iterator[tuple[str, np.ndarray]]:
        """Id and pooled codes of each utterance, told to `progress` when the writer is done."""
        for done, utterance in enumerate(self.utterances, start=1):
            yield utterance, pool_codes(np.asarray(self.code_dir[utterance]), self.pool)
            self.progress(done, len(self.utterances))

    def single_units(self) -> Iterator[tuple[str, np.ndarray]]:
        """The same as one unit (L,) a frame."""
        for utterance, codes in self.units():
            yield utterance, join_groups(codes, self.code_dir.num_codes)


def export_codes(
    codes: str | os.PathLike,
    out: str | os.PathLike,
    *,
    file_format: str,
    mapping: str | os.PathLike | None = None,
    voice: Voice | None = None,
    model_hash: str = "",
    pool: int = 1,
    language: str = "eng",
    split: str = "test",
    overwrite: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Exported:
    """Write the codes of a code directory in the format of another tool.

    Args:
        codes: the code directory.
        out: a file for `fairseq`, else a folder; for `discophon` one that is filled and may hold
            other files, the others are written as a whole.
        file_format: one of `FORMATS`.
        mapping: a file of `vqspeech analyze phonemes --save-map`, for a tier of phones.
        voice: the model whose latents stand for the codes, instead of one-hot codes.
        model_hash: of that model.
        pool: frames that are exported as one.
        language: in the name of the file of `discophon`; so is `split`.
        overwrite: replace what is there, if an export of the same utterances wrote it.
        progress: told (done, total) utterances.

    Raises:
        UsageError: options that do not fit together, or a step that the format does not have.
        InputError: the codes, the map or the model do not fit together, or are damaged.
        WriteError: `out` cannot be written, or holds something else.
        BusyError: another process writes to the same folder.
    """
    _check_options(file_format, mapping, voice, pool, language, split)
    out = Path(out)
    code_dir = read_code_dir(codes)
    if file_format == "discophon":
        check_step(code_dir.hop, code_dir.sample_rate, pool, str(codes))
        out = out / f"units-{language}-{split}.jsonl"
    if voice is not None:
        _check_voice(code_dir, voice, model_hash)
    lengths = {key: span.stop - span.start for key, span in code_dir.spans.items()}
    utterances = tuple(key for key, length in lengths.items() if length)
    if not utterances:
        raise InputError(f"{codes}: no utterance has codes; encode the data again")
    notes = tell_skipped(
        ((key, "no codes") for key, length in lengths.items() if not length), len(lengths)
    )
    wants_phones = file_format in (*_WITH_PHONES, "fastabx")
    has_phones = wants_phones and (code_dir.path / "phones.ctm").exists()
    names, mapped = ((), {}) if mapping is None else read_as_phones(code_dir, utterances, mapping)
    job = _Job(
        code_dir,
        utterances,
        pool,
        _latents(voice) if voice is not None else None,
        code_dir.phones() if has_phones else {},
        names,
        mapped,
        progress,
    )
    notes += _write(job, out, file_format, overwrite)
    frames = sum(-(-lengths[key] // pool) for key in utterances)
    return Exported(out, len(utterances), frames, pool / code_dir.rate, tuple(notes))


def _check_options(file_format, mapping, voice, pool, language, split) -> None:
    if file_format not in FORMATS:
        raise UsageError(f"--format {file_format}: one of {', '.join(FORMATS)} was wanted")
    if pool < 1:
        raise UsageError(f"--pool {pool}: at least 1 frame was wanted")
    if mapping is not None and file_format not in _WITH_PHONES:
        raise UsageError(
            f"--map {mapping}: {file_format} has no phones; leave it out, or export with "
            "--format textgrid or audacity"
        )
    if voice is not None and file_format not in _WITH_VECTORS:
        raise UsageError(
            f"--model: {file_format} holds codes, not latents; leave it out, or export with "
            "--format fastabx or zerospeech"
        )
    for name, word in (("--language", language), ("--split", split)):
        if not _WORD.fullmatch(word):
            raise UsageError(f"{name} {word}: letters and digits were wanted, such as eng or test")


def _check_voice(code_dir: CodeDir, voice: Voice, model_hash: str) -> None:
    quantizer = voice.model.quantizer
    if (quantizer.num_codes, quantizer.groups) != (code_dir.num_codes, code_dir.groups) or (
        code_dir.model_hash and model_hash and code_dir.model_hash != model_hash
    ):
        raise InputError(
            f"{code_dir.path}: made by the model {code_dir.model_hash}, not by {voice.name} "
            f"({model_hash}); give the model that made the codes"
        )


def _latents(voice: Voice) -> Vectors:
    @torch.inference_mode()
    def vectors(codes: np.ndarray) -> np.ndarray:
        batch = torch.from_numpy(codes.astype(np.int64))[None].to(voice.device)
        latents = voice.model.latents(batch)[0]  # (D, L)
        return latents.T.contiguous().float().cpu().numpy()

    return vectors


def _write(job: _Job, out: Path, file_format: str, overwrite: bool) -> list[str]:
    if file_format in ("discophon", "fairseq"):
        lines = discophon_lines if file_format == "discophon" else fairseq_lines
        check_targets([out], job.code_dir.path.iterdir(), overwrite=overwrite)
        with atomic_path(out) as temporary, open(temporary, "w", encoding="utf-8") as file:
            file.writelines(lines(job.single_units()))
        return []
    out = follow_link(out)
    _check_folder(out, _file_names(job, file_format), overwrite)
    with path_lock(out):
        sweep_temporaries(out.parent, out.name)
        with atomic_directory(out) as folder:
            match file_format:
                case "fastabx":
                    return _write_fastabx(job, folder)
                case "zerospeech":
                    vectors = job.vectors or one_hot(job.code_dir.num_codes)
                    save_vector_texts(folder, job.units(), vectors)
                    return []
                case _:
                    return _write_tiers(job, folder, file_format)


def _file_names(job: _Job, file_format: str) -> set[str]:
    """Every name that an export of these utterances may have, with a model or a map or without."""
    ends = {
        "fastabx": (".pt",),
        "zerospeech": (".txt",),
        "textgrid": (".TextGrid",),
        "audacity": [_track_end(tier) for tier in tier_names(job.code_dir.groups)],
    }[file_format]
    names = {f"{key}{end}" for key in job.utterances for end in ends}
    return names | {UNITS, ITEMS} if file_format == "fastabx" else names


def _track_end(tier: str) -> str:
    return f".{tier.replace(' ', '-')}.txt"


def _check_folder(out: Path, names: Collection[str], overwrite: bool) -> None:
    check_replaceable(out, names, "file of this export")
    if not overwrite and out.is_dir() and any(out.iterdir()):
        raise WriteError(f"{out}: is there already; give --overwrite or another --out")


def _write_tiers(job: _Job, folder: Path, file_format: str) -> list[str]:
    for done, utterance in enumerate(job.utterances, start=1):
        tiers = label_tiers(
            job.code_dir,
            utterance,
            pool=job.pool,
            mapped=job.mapped.get(utterance),
            phone_names=job.phone_names,
            phones=job.phones.get(utterance, ()),
        )
        if file_format == "textgrid":
            texts = {".TextGrid": format_text_grid(tiers)}
        else:
            texts = {_track_end(name): format_labels(rows) for name, rows in tiers.items()}
        for end, text in texts.items():
            (folder / f"{utterance}{end}").write_text(text, encoding="utf-8", newline="\n")
        job.progress(done, len(job.utterances))
    without = [key for key in job.utterances if key not in job.phones]
    if not job.phones or not without:
        return []
    return [
        f"{job.code_dir.path / 'phones.ctm'}: no phones for {len(without)} of "
        f"{len(job.utterances)} utterances: {name_some(without)}"
    ]


def _write_fastabx(job: _Job, folder: Path) -> list[str]:
    if job.vectors is not None:
        save_tensors(folder, job.units(), job.vectors)
    else:
        with open(folder / UNITS, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(fastabx_lines(job.single_units()))
    code_dir, place = job.code_dir, job.code_dir.path / "phones.ctm"
    if not job.phones:
        return [f"{place}: no such file, so no {ITEMS}; give fastabx an .item file of your own"]
    speakers = {key: utterance.speaker for key, utterance in code_dir.utterances.items()}
    found = triphone_items(job.phones, speakers, source=place)
    frames = {key: -(-len(code_dir[key]) // job.pool) for key in job.utterances}
    items, short = fit_items(found, frames, code_dir.hop * job.pool, code_dir.sample_rate)
    if not items:
        raise InputError(f"{place}: no triphone that a unit falls into; align the data again")
    write_items(folder / ITEMS, items)
    return [f"{ITEMS}: {short} of {len(found)} triphones hold no unit"] if short else []
