"""A phoneme mapping as JSON: lists and names that a reader understands, and strict reading.

kind         "phoneme-mapping"
version      1
phones       the names of the set
num_codes    of the codebook; codes of contexts lie below it
rate         frames a second
model_hash   of the model whose codes are mapped, or ""
context      codes that are read at once, 1 to 3
min_count    frames that a context was seen in, at least
code_frames  frames of each code in the fit
code_phones  the phone of each code by itself
contexts     "previous code" or "previous code next" to phone, "-" beyond an edge; only those
             whose phone is another than the shorter context's
"""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from vqspeech.analysis.phoneme_mapping import PhonemeMapping

KIND = "phoneme-mapping"
VERSION = 1
EDGE = "-"
_MOST = 2**20  # codes; three of them still make one number of 64 bits
_FASTEST = 1e6  # frames a second
_NAMES = (
    *("kind", "version", "phones", "num_codes", "rate", "model_hash", "context", "min_count"),
    *("code_frames", "code_phones", "contexts"),
)


def mapping_to_json(mapping: "PhonemeMapping") -> dict[str, Any]:
    """What `parse_mapping` reads."""
    words = [*map(str, range(mapping.num_codes)), EDGE]
    return {
        "kind": KIND,
        "version": VERSION,
        "phones": list(mapping.phones),
        "num_codes": mapping.num_codes,
        "rate": mapping.rate,
        "model_hash": mapping.model_hash,
        "context": mapping.context,
        "min_count": mapping.min_count,
        "code_frames": mapping.code_frames.tolist(),
        "code_phones": [mapping.phones[phone] for phone in mapping.code_phones.tolist()],
        "contexts": {
            " ".join([words[code] for code in codes]): mapping.phones[phone]
            for contexts in (mapping.pairs, mapping.triples)
            for codes, phone in zip(contexts.codes.tolist(), contexts.phones.tolist(), strict=True)
        },
    }


def parse_mapping(value: object) -> dict[str, Any]:
    """Fields of a `PhonemeMapping`; `pairs` and `triples` as (codes, phones), not sorted.

    Raises:
        ValueError: anything that `mapping_to_json` does not write; the message is one line.
    """
    if not isinstance(value, dict) or value.get("kind") != KIND:
        raise ValueError("its kind is no phoneme mapping")
    if value.get("version") != VERSION or isinstance(value["version"], bool):
        raise ValueError(f"version {_show(value.get('version'))}, {VERSION} was wanted")
    if odd := sorted(set(value) ^ set(_NAMES), key=str):
        raise ValueError(f"{_show(odd[0])} is {'unknown' if odd[0] in value else 'missing'}")
    phones = _phones(value["phones"])
    num_codes = _count(value["num_codes"], "num_codes", 1, _MOST)
    context = _count(value["context"], "context", 1, 3)
    code_frames = _listed(value["code_frames"], "code_frames", num_codes)
    code_phones = _listed(value["code_phones"], "code_phones", num_codes)
    rate = value["rate"]
    if type(rate) not in (int, float) or not 0 < rate < _FASTEST:  # NaN is not below it either
        raise ValueError(f"rate {_show(rate)} is no number of frames a second")
    if not isinstance(value["model_hash"], str):
        raise ValueError(f"model_hash {_show(value['model_hash'])} is no text")
    pairs, triples = _contexts(value["contexts"], phones, num_codes, context)
    return {
        "phones": tuple(phones),
        "num_codes": num_codes,
        "rate": float(rate),
        "model_hash": value["model_hash"],
        "context": context,
        "min_count": _count(value["min_count"], "min_count", 1, 2**53),
        "code_frames": np.array(
            [_count(frames, "code_frames", 0, 2**53) for frames in code_frames], dtype=np.int64
        ),
        "code_phones": np.array(
            [_phone(phone, phones, f"code {code}") for code, phone in enumerate(code_phones)],
            dtype=np.int16,
        ),
        "pairs": pairs,
        "triples": triples,
    }


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _count(value: object, name: str, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:  # True is no number here
        raise ValueError(f"{name} {_show(value)} is no whole number from {least} to {most}")
    return value


def _listed(value: object, name: str, length: int) -> list:
    if not isinstance(value, list) or len(value) != length:
        raise ValueError(f"{name} is no list of {length}, one a code")
    return value


def _phones(value: object) -> dict[str, int]:
    """Index by name, in the order of the list."""
    names = value if isinstance(value, list) else []
    if not names or len(names) > np.iinfo(np.int16).max:
        raise ValueError("phones is no list of names")
    for name in names:
        if not isinstance(name, str) or not name.isprintable() or name.split() != [name]:
            raise ValueError(f"phone {_show(name)} is no name")
    phones = {name: index for index, name in enumerate(names)}
    if len(phones) != len(names):
        raise ValueError("a phone is listed twice")
    return phones


def _phone(name: object, phones: dict[str, int], place: str) -> int:
    if not isinstance(name, str) or name not in phones:
        raise ValueError(f"{place}: {_show(name)} is none of its phones")
    return phones[name]


def _contexts(
    value: object, phones: dict[str, int], num_codes: int, context: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    if not isinstance(value, dict):
        raise ValueError("contexts is no table")
    index = {str(code): code for code in range(num_codes)} | {EDGE: num_codes}
    rows: dict[int, list[list[int]]] = {2: [], 3: []}
    named: dict[int, list[int]] = {2: [], 3: []}
    for key, name in value.items():
        words = key.split(" ") if isinstance(key, str) else []
        codes = [index.get(word, -1) for word in words]
        if not 2 <= len(codes) <= context or min(codes) < 0 or words[1] == EDGE:
            raise ValueError(f"context {_show(key)} is no context of {context} codes")
        rows[len(codes)].append(codes)
        named[len(codes)].append(_phone(name, phones, f"context {_show(key)}"))
    return [
        (
            np.array(rows[size], dtype=np.int64).reshape(-1, size),
            np.array(named[size], dtype=np.int16),
        )
        for size in (2, 3)
    ]
