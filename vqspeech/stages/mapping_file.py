"""A mapping of codes to phones in a file, and whether it is one for the codes at hand.

The file is the JSON of `PhonemeMapping`: written by `vqspeech analyze phonemes --save-map`, read by
`vqspeech transcribe` and `vqspeech export codes`.
"""

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vqspeech.analysis.phoneme_mapping import PhonemeMapping
from vqspeech.data.codes import CodeDir, join_groups
from vqspeech.errors import InputError
from vqspeech.files import write_json

_REMEDY = "'vqspeech analyze phonemes --save-map' writes one"


def save_mapping(path: str | os.PathLike, mapping: PhonemeMapping) -> None:
    """Write the mapping as JSON, atomically.

    Raises:
        WriteError: the system refused.
    """
    write_json(path, mapping.to_json())


def load_mapping(path: str | os.PathLike) -> PhonemeMapping:
    """Undo `save_mapping`.

    Raises:
        InputError: no such file, or it holds no mapping.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; {_REMEDY}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {_REMEDY}") from error
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON
        raise InputError(f"{path}: no JSON, a map of phones was wanted; {_REMEDY}") from error
    try:
        return PhonemeMapping.from_json(content)
    except ValueError as error:
        raise InputError(f"{path}: no map of phones ({error}); {_REMEDY}") from error


def check_mapping(
    mapping: PhonemeMapping,
    path: str | os.PathLike,
    *,
    num_codes: int,
    rate: float,
    model_hash: str,
    whose: str,
) -> None:
    """Refuse a mapping that was fitted on other codes.

    Args:
        path: where it came from, for the message.
        num_codes: of the codes at hand, as the rest; of G groups of K codes, K^G.
        rate: frames a second.
        model_hash: of the model that made them; empty where it is not known.
        whose: what the codes are called in a message.

    Raises:
        InputError: it was fitted on codes of another number, rate or model.
    """
    remedy = "fit a map on codes of the same model"
    if mapping.num_codes != num_codes:
        raise InputError(
            f"{path}: fitted on {mapping.num_codes} codes, {whose} has {num_codes}; {remedy}"
        )
    if not math.isclose(mapping.rate, rate, rel_tol=1e-6):
        raise InputError(
            f"{path}: fitted at {mapping.rate:g} codes a second, {whose} has {rate:g}; {remedy}"
        )
    if mapping.model_hash and model_hash and mapping.model_hash != model_hash:
        raise InputError(
            f"{path}: fitted on codes of model {mapping.model_hash}, {whose} has those of "
            f"{model_hash}; {remedy}"
        )


def read_as_phones(
    code_dir: CodeDir, utterances: Sequence[str], path: str | os.PathLike
) -> tuple[tuple[str, ...], dict[str, np.ndarray]]:
    """Names of phones, and (L,) the phone of each frame by utterance, through a saved mapping.

    Raises:
        InputError: `path` holds no mapping, or one of other codes.
    """
    mapping = load_mapping(path)
    check_mapping(
        mapping,
        path,
        num_codes=code_dir.num_codes**code_dir.groups,
        rate=code_dir.rate,
        model_hash=code_dir.model_hash,
        whose=str(code_dir.path),
    )
    parts = [join_groups(code_dir[key], code_dir.num_codes) for key in utterances]
    starts = np.cumsum([0, *map(len, parts)])
    phones = mapping.apply(np.concatenate(parts), starts)
    return mapping.phones, dict(zip(utterances, np.split(phones, starts[1:-1]), strict=True))
