"""Code directories: a data directory whose audio is replaced by the codes of a model.

    codes.npy   the codes of all utterances end to end, (N,) or (N, groups) uint16 or int32
    utt2codes   utterance start count       rows of codes.npy, sorted
    codes.json  hop, sample rate, codes a second, number of codes, groups, hash of the model
    utt2spk spk2utt text utt2dur spk2gender spk2accent phones.ctm     as in the data directory

L is frames, one a `hop` of samples; frame i describes samples [i * hop, (i + 1) * hop).
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vqspeech.data.alignment import Phone, read_phones
from vqspeech.data.data_dir import DataDir, Utterance
from vqspeech.data.speech_tables import (
    GENDER_TABLES,
    SpeechTables,
    scan_speech_tables,
    write_speech_tables,
)
from vqspeech.data.tables import format_table, read_table, stop
from vqspeech.errors import InputError
from vqspeech.files import (
    atomic_directory,
    check_replaceable,
    follow_link,
    is_folder,
    write_json,
)

REMEDY = "encode the data again"
FILES = (
    *("codes.npy", "utt2codes", "codes.json", "utt2spk", "spk2utt", "text", "utt2dur"),
    *(*GENDER_TABLES, "spk2accent", "phones.ctm"),
)


@dataclass(frozen=True, eq=False)
class CodeDir(Mapping[str, np.ndarray]):
    """The codes of each utterance, (L,) or (L, groups), mapped from disk and read-only."""

    path: Path
    codes: np.ndarray  # (N,) or (N, groups), a memory map
    spans: dict[str, slice]  # rows of `codes` by utterance, sorted
    utterances: dict[str, Utterance]  # speaker and text; their audio is None
    hop: int
    sample_rate: int
    num_codes: int  # codes of each group lie below it
    groups: int
    model_hash: str  # of the model that made the codes
    genders: dict[str, str] = field(default_factory=dict)
    accents: dict[str, str] = field(default_factory=dict)
    durations: dict[str, float] = field(default_factory=dict)  # seconds, by utterance

    def __getitem__(self, utterance: str) -> np.ndarray:
        return self.codes[self.spans[utterance]]

    def __iter__(self) -> Iterator[str]:
        return iter(self.spans)

    def __len__(self) -> int:
        return len(self.spans)

    @property
    def rate(self) -> float:
        """Frames a second."""
        return self.sample_rate / self.hop

    @property
    def speakers(self) -> tuple[str, ...]:
        """All speakers, sorted."""
        return tuple(sorted({utterance.speaker for utterance in self.utterances.values()}))

    def phones(self) -> dict[str, tuple[Phone, ...]]:
        """The alignment by utterance; `InputError` when the data had none."""
        path = self.path / "phones.ctm"
        if not path.exists():
            raise InputError(f"{path}: no such file; {REMEDY} from data with a phone alignment")
        return read_phones(path)


def write_code_dir(
    path: str | os.PathLike,
    codes_by_utterance: Mapping[str, np.ndarray],
    data_dir: DataDir,
    *,
    hop: int,
    sample_rate: int,
    num_codes: int,
    groups: int,
    model_hash: str,
) -> None:
    """Write the codes of some or all utterances of `data_dir`, as a whole or not at all.

    Args:
        path: the new directory; an old code directory is replaced.
        codes_by_utterance: (L,) when `groups` is 1, else (L, groups), integers.
        data_dir: whose speakers, texts and phones are copied, for the utterances that have codes.
        hop: samples a frame.
        sample_rate: Hz.
        num_codes: codes of each group.
        groups: codes a frame.
        model_hash: of the model that made them.

    Raises:
        ValueError: no codes, codes of another shape or beyond `num_codes`, unknown utterances.
        WriteError: `path` holds something other than a code directory.
    """
    path = follow_link(path)
    check_code_target(path)
    if not codes_by_utterance:
        raise ValueError(f"{path}: no codes to write")
    dtype = np.uint16 if num_codes <= 1 << 16 else np.int32
    shape = () if groups == 1 else (groups,)
    parts, rows, start = [], {}, 0
    for key in sorted(codes_by_utterance):
        codes = np.asarray(codes_by_utterance[key])
        if key not in data_dir:
            raise ValueError(f"{key} is not in {data_dir.path}")
        if codes.ndim != 1 + len(shape) or codes.shape[1:] != shape:
            raise ValueError(f"{key}: codes {codes.shape}, (L, *{shape}) was wanted")
        if codes.size and not 0 <= codes.min() <= codes.max() < num_codes:
            raise ValueError(f"{key}: codes beyond 0 to {num_codes - 1}")
        parts.append(codes.astype(dtype))
        rows[key] = f"{start} {len(codes)}"
        start += len(codes)
    tables = SpeechTables(
        {key: data_dir[key].speaker for key in rows},
        {key: data_dir[key].text or "" for key in rows},
        data_dir.durations,
        data_dir.genders,
        data_dir.accents,
    )
    phones = _phone_lines(data_dir.path / "phones.ctm", rows)
    with atomic_directory(path) as temporary:
        np.save(temporary / "codes.npy", np.concatenate(parts), allow_pickle=False)
        (temporary / "utt2codes").write_text(format_table(rows), encoding="utf-8")
        write_speech_tables(temporary, tables)
        if phones:
            (temporary / "phones.ctm").write_text(phones, encoding="utf-8", newline="\n")
        write_json(
            temporary / "codes.json",
            {
                "hop": hop,
                "sample_rate": sample_rate,
                "rate": sample_rate / hop,
                "num_codes": num_codes,
                "groups": groups,
                "model_hash": model_hash,
            },
        )


def check_code_target(path: str | os.PathLike) -> None:
    """Refuse a folder that `write_code_dir` would not replace; `WriteError` says why."""
    check_replaceable(path, FILES, "file of a code directory")


def read_code_dir(path: str | os.PathLike) -> CodeDir:
    """Map the codes and read the tables, checking that they fit together.

    Raises:
        InputError: something is missing, of another shape, or out of range.
    """
    path = Path(path)
    if not is_folder(path):
        raise InputError(f"{path}: no such folder; 'vqspeech encode' makes code directories")
    settings = _read_settings(path / "codes.json")
    codes = _map_codes(path / "codes.npy", settings["num_codes"], settings["groups"])
    tables = scan_speech_tables(path, stop)
    speakers = tables.speakers
    spans = {}
    for key, (line, value) in read_table(path / "utt2codes", stop, fields=(3, 3)).items():
        place = f"{path / 'utt2codes'}:{line}"
        start, count = (int(word) if word.isdecimal() else -1 for word in value.split())
        if start < 0 or count < 0 or start + count > len(codes):
            raise InputError(f"{place}: {value} is outside the {len(codes)} codes; {REMEDY}")
        if key not in speakers:
            raise InputError(f"{place}: {key} is not in utt2spk; {REMEDY}")
        spans[key] = slice(start, start + count)
    for key in speakers:
        if key not in spans:
            raise InputError(f"{path / 'utt2codes'}: {key} of utt2spk is missing; {REMEDY}")
    covered = sum(span.stop - span.start for span in spans.values())
    if covered != len(codes):
        raise InputError(
            f"{path / 'utt2codes'}: covers {covered} codes, codes.npy has {len(codes)}; {REMEDY}"
        )
    utterances = {key: Utterance(key, speakers[key], None, tables.texts.get(key)) for key in spans}
    return CodeDir(
        path,
        codes,
        spans,
        utterances,
        genders=dict(tables.genders),
        accents=dict(tables.accents),
        durations=dict(tables.durations),
        **settings,
    )


def join_groups(codes: np.ndarray, num_codes: int) -> np.ndarray:
    """One number a frame (L,) from 0 to K^G - 1 of codes (L, G), the first group in front.

    Codes (L,) stay as they are.

    Args:
        num_codes: K, of each group.

    Raises:
        InputError: the numbers would not fit the int32 of the tools that read them.
    """
    codes = np.asarray(codes)
    if codes.ndim == 1:
        return codes
    groups = codes.shape[1]
    if num_codes**groups >= 1 << 31:
        raise InputError(
            f"{groups} groups of {num_codes} codes make {num_codes**groups} units, too many to "
            "number; encode with a model of fewer groups"
        )
    return codes.astype(np.int64) @ num_codes ** np.arange(groups)[::-1]


def _phone_lines(source: Path, utterances: Mapping[str, str]) -> str:
    """The lines of the alignment that concern `utterances`, as they are written; "" without one."""
    try:
        with open(source, encoding="utf-8") as lines:
            chosen = [line for line in lines if (line.split() or [""])[0] in utterances]
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise InputError(f"{source}: cannot be read ({reason}); mend or remove it") from error
    return "".join(chosen)


def _read_settings(path: Path) -> dict:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; 'vqspeech encode' makes it") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); {REMEDY}") from error
    if not isinstance(found, dict) or not isinstance(found.get("model_hash"), str):
        raise InputError(f"{path}: no settings of codes; {REMEDY}")
    names = ("hop", "sample_rate", "num_codes", "groups")
    for name in names:
        value = found.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise InputError(f"{path}: {name} is {value!r}, a positive integer was wanted")
    return {name: found[name] for name in (*names, "model_hash")}


def _map_codes(path: Path, num_codes: int, groups: int) -> np.ndarray:
    try:
        codes = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; {REMEDY}") from error
    except (OSError, ValueError, EOFError) as error:
        reason = str(error).replace("\n", " ")
        raise InputError(f"{path}: no array of codes ({reason}); {REMEDY}") from error
    wanted = 1 if groups == 1 else 2
    if codes.ndim != wanted or not np.issubdtype(codes.dtype, np.integer):
        raise InputError(f"{path}: {codes.dtype} {codes.shape}, integer codes were wanted")
    if groups > 1 and codes.shape[1] != groups:
        raise InputError(f"{path}: {codes.shape[1]} groups, codes.json says {groups}; {REMEDY}")
    if codes.size and not 0 <= codes.min() <= codes.max() < num_codes:
        raise InputError(f"{path}: codes beyond 0 to {num_codes - 1}; {REMEDY}")
    return codes
