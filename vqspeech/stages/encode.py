"""Speech to codes on disk, and back: recordings, or whole data directories."""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vqspeech.audio.waveform import read_waveform
from vqspeech.checkpoint import MANIFEST, find_model
from vqspeech.data.codes import write_code_dir
from vqspeech.data.crops import list_stretches, make_batch
from vqspeech.data.data_dir import DataDir
from vqspeech.errors import InputError
from vqspeech.files import atomic_path, write_text
from vqspeech.generation.voice import Voice, packaged_models

FORMATS = ("npz", "jsonl")


def encode_data_dir(
    voice: Voice,
    data: str | os.PathLike,
    out: str | os.PathLike,
    *,
    model_hash: str,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, int]:
    """Write a code directory with the codes of every utterance of a data directory.

    Speakers the model does not know are encoded too: the encoder is told of no speaker.

    Args:
        model_hash: of the model, so that a prior can refuse codes of another.
        progress: told (done, total) after each utterance.

    Returns:
        Numbers of utterances, frames and of different codes used.
    """
    data_dir = DataDir.read(data)
    stretches = list_stretches([data_dir], data_dir.speakers, voice.sample_rate)
    codes: dict[str, np.ndarray] = {}
    for stretch in stretches:
        waveform = make_batch([(stretch, 0)], stretch.length).waveform[0]
        codes[stretch.utterance] = voice.encode(waveform)
        if progress is not None:
            progress(len(codes), len(stretches))
    quantizer = voice.model.quantizer
    write_code_dir(
        out,
        codes,
        data_dir,
        hop=voice.hop,
        sample_rate=voice.sample_rate,
        num_codes=quantizer.num_codes,
        groups=quantizer.groups,
        model_hash=model_hash,
    )
    everything = np.concatenate([array.reshape(-1) for array in codes.values()])
    return {
        "utterances": len(codes),
        "frames": sum(map(len, codes.values())),
        "codes_used": len(np.unique(everything)),
    }


def encode_files(
    voice: Voice,
    sources: Sequence[str | os.PathLike],
    out: str | os.PathLike,
    *,
    file_format: str = "npz",
    note: Callable[[str], None] = lambda text: None,
) -> tuple[list[tuple[Path, int]], list[str]]:
    """Write the codes of recordings to OUT/<name>.npz, or .jsonl.

    Args:
        note: told what had to be changed in a recording.

    Returns:
        Each file written with its frames, and a line for each recording that failed.
    """
    written, failures = [], []
    for source in map(Path, sources):
        try:
            waveform = read_waveform(source, voice.sample_rate)
        except InputError as error:
            failures.append(str(error))
            continue
        for text in waveform.notes:
            note(text)
        codes = voice.encode(waveform.samples)
        target = Path(out) / f"{source.stem}.{file_format}"
        save_codes(target, codes, voice, samples=len(waveform.samples))
        written.append((target, len(codes)))
    return written, failures


def save_codes(path: Path, codes: np.ndarray, voice: Voice, *, samples: int) -> None:
    """One recording's codes with what is needed to read them: rate, hop and the model's name."""
    facts = {
        "codes": codes,
        "sample_rate": voice.sample_rate,
        "hop": voice.hop,
        "samples": samples,
        "model": voice.name,
    }
    if path.suffix == ".jsonl":
        line = {"file": path.stem, "units": codes.tolist(), **facts}
        del line["codes"]
        write_text(path, json.dumps(line, ensure_ascii=False) + "\n")
        return
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **{name: np.asarray(value) for name, value in facts.items()})


def load_codes(path: str | os.PathLike) -> dict[str, Any]:
    """Undo `save_codes` for `.npz` and one-line `.jsonl`: codes, sample_rate, hop, samples, model.

    Raises:
        InputError: no such file, or not written by `vqspeech encode`.
    """
    path = Path(path)
    try:
        if path.suffix == ".jsonl":
            lines = path.read_text(encoding="utf-8").splitlines()
            if len(lines) != 1:
                raise InputError(f"{path}: {len(lines)} lines, 1 recording was wanted; split it")
            facts = json.loads(lines[0])
            facts["codes"] = np.array(facts.pop("units"))
        else:
            with np.load(path, allow_pickle=False) as arrays:
                facts = {name: arrays[name] for name in arrays.files}
            facts = {k: v if k == "codes" else v.item() for k, v in facts.items()}
        if not np.issubdtype(facts["codes"].dtype, np.integer) and facts["codes"].size:
            raise ValueError("codes are no integers")
        missing = {"sample_rate", "hop", "samples"} - facts.keys()
        if missing:
            raise KeyError(*missing)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; check the name") from error
    except (ValueError, KeyError, TypeError, AttributeError, EOFError) as error:
        raise InputError(
            f"{path}: holds no codes of 'vqspeech encode'; give a file that it wrote"
        ) from error
    return facts


def hash_model(model: str | os.PathLike | None) -> str:
    """A short hash of a model's files, the same wherever the folder lies."""
    packaged = packaged_models()
    name = str(model) if model is not None else next(iter(packaged), "")
    folder = packaged.get(name) or find_model(name)
    return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()[:16]
