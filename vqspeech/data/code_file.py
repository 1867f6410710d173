"""The codes of one recording in a file: `.npz`, or `.jsonl` of one line.

`.TextGrid` and `.txt` show the codes to Praat and Audacity (see `code_labels.py`) and are not read.

codes         (L,) or (L, groups) integers; called `units` in .jsonl
sample_rate   Hz of the audio
hop           samples a frame
samples       of the audio, which ends within the last frame
model         what the model was called
model_hash    which model it was
"""

import json
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vqspeech.data.code_labels import LABEL_WRITERS, is_label_file
from vqspeech.errors import InputError
from vqspeech.files import atomic_path, write_text

# The suffix of each format; the first two hold all that is needed to speak the codes.
FORMATS = {"npz": ".npz", "jsonl": ".jsonl", "textgrid": ".TextGrid", "audacity": ".txt"}


class RecordedCodes(NamedTuple):
    """Codes and what is needed to speak them."""

    codes: np.ndarray  # (L,) or (L, groups) int64
    sample_rate: int
    hop: int
    samples: int
    model: str = ""
    model_hash: str = ""  # empty in files of early versions


def save_codes(path: str | os.PathLike, recorded: RecordedCodes) -> None:
    """Write the file; the suffix of `path` chooses the format."""
    path = Path(path)
    if is_label_file(path):
        LABEL_WRITERS[path.suffix.lower()](
            path,
            recorded.codes,
            hop=recorded.hop,
            sample_rate=recorded.sample_rate,
            samples=recorded.samples,
        )
        return
    facts = recorded._asdict()
    if path.suffix == ".jsonl":
        units = facts.pop("codes").tolist()
        line = {"file": path.stem, "units": units, **facts}
        write_text(path, json.dumps(line, ensure_ascii=False) + "\n")
        return
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **{name: np.asarray(value) for name, value in facts.items()})


def load_codes(path: str | os.PathLike) -> RecordedCodes:
    """Undo `save_codes`.

    Raises:
        InputError: no such file, not written by `vqspeech encode`, damaged, or one of those that
            only show the codes.
    """
    path = Path(path)
    if is_label_file(path) and path.is_file():
        raise InputError(
            f"{path}: shows the codes and does not hold all of them; encode the recording again "
            "with --format npz or jsonl"
        )
    try:
        facts = _read_line(path) if path.suffix == ".jsonl" else _read_arrays(path)
        known = {name: facts[name] for name in RecordedCodes._fields if name in facts}
        recorded = RecordedCodes(**known)
        recorded = recorded._replace(codes=_integers(recorded.codes))
        numbers = (recorded.sample_rate, recorded.hop, recorded.samples)
        if any(type(number) is not int for number in numbers) or min(numbers[:2]) < 1:
            raise ValueError("sample_rate, hop and samples are no counts")
        if not isinstance(recorded.model_hash, str):
            raise TypeError("model_hash is no text")
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; check the name") from error
    except Exception as error:  # a damaged archive raises anything from zlib.error to MemoryError
        raise InputError(
            f"{path}: holds no codes of 'vqspeech encode'; give a file that it wrote"
        ) from error
    missing = len(recorded.codes) * recorded.hop - recorded.samples
    if not 0 <= missing < recorded.hop:
        raise InputError(
            f"{path}: {recorded.samples} samples in {len(recorded.codes)} frames of "
            f"{recorded.hop} samples; the file is damaged, encode the recording again"
        )
    return recorded


def _read_line(path: Path) -> dict[str, object]:
    lines = path.read_text(encoding="utf-8").splitlines()
    if len(lines) != 1:
        raise InputError(f"{path}: {len(lines)} lines, 1 recording was wanted; split it")
    facts = json.loads(lines[0])
    return {**facts, "codes": facts["units"]}


def _read_arrays(path: Path) -> dict[str, object]:
    # numpy leaves a file open that it opened itself and could not read.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        facts = {name: arrays[name] for name in arrays.files}
    return {name: value if name == "codes" else value.item() for name, value in facts.items()}


def _integers(codes: object) -> np.ndarray:
    array = np.asarray(codes)
    if array.ndim < 1 or (array.size and not np.issubdtype(array.dtype, np.integer)):
        raise ValueError("codes are no integers")
    return array.astype(np.int64)
