"""The embedded corpus: eight synthetic voices with phone labels, and folders laid out like it.

Its own README, in `vqspeech/assets/mini`, says where it comes from.
"""

import csv
import fnmatch
from importlib import resources
from pathlib import Path

from vqspeech.data.alignment import read_phones
from vqspeech.data.corpora.as_found import check_folder
from vqspeech.data.corpora.source import Corpus, Source
from vqspeech.data.tables import read_table, stop
from vqspeech.errors import InputError


def mini_folder() -> Path:
    """Where the embedded corpus is installed."""
    return Path(str(resources.files("vqspeech") / "assets" / "mini"))


def list_mini(
    corpus: Path | None = None, *, leave_out: Path | None = None, match: str | None = None
) -> Corpus:
    """The recordings of the embedded corpus, with its own split.

    Args:
        corpus: another folder with `audio/SPEAKER/UTTERANCE.opus`, `text`, `split.tsv`,
            `speakers.tsv` and `phones.ctm`.
        leave_out: not needed, for tables name the recordings.
        match: take only utterances whose id matches this pattern, as `p901_*`.

    Raises:
        InputError: a file is missing or breaks its format, or nothing matches.
    """
    corpus = corpus or mini_folder()
    check_folder(corpus, "a folder with speakers.tsv, split.tsv, text, phones.ctm and audio/")
    voices = _read_rows(corpus / "speakers.tsv", "speaker", "gender", "accent")
    speakers = {row["speaker"]: row for row in voices}
    parts = _read_rows(corpus / "split.tsv", "utterance", "split")
    split = {row["utterance"]: row["split"] for row in parts}
    texts = read_table(corpus / "text", stop, fields=(1, None))
    sources = []
    for key, (line, text) in texts.items():
        if match is not None and not fnmatch.fnmatch(key, match):
            continue
        speaker = key.partition("_")[0]
        if speaker not in speakers or key not in split:
            raise InputError(
                f"{corpus / 'text'}:{line}: {key} is not in speakers.tsv and split.tsv;"
                " copy or install the corpus again"
            )
        audio = corpus / "audio" / speaker / f"{key}.opus"
        sources.append(Source(key, speaker, audio, text, split[key]))
    if not sources:
        raise InputError(f"{corpus}: none of {len(texts)} utterances matches {match!r}")
    chosen = {source.speaker for source in sources}
    return Corpus(
        tuple(sources),
        genders={speaker: speakers[speaker]["gender"].lower() for speaker in chosen},
        accents={speaker: speakers[speaker]["accent"] for speaker in chosen},
        phones=read_phones(corpus / "phones.ctm"),
        layout=f"{corpus}: {len(sources)} recordings of {len(chosen)} synthetic speakers",
    )


def _read_rows(path: Path, *columns: str) -> list[dict[str, str]]:
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t", strict=True))
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{path}: cannot be read ({reason}); copy or install the corpus again"
        ) from error
    for number, row in enumerate(rows, start=2):
        # csv puts surplus fields under None and None into absent ones.
        if None in row or None in row.values() or not set(columns) <= set(row):
            raise InputError(
                f"{path}:{number}: the columns {', '.join(columns)} were wanted, with a value each;"
                " copy or install the corpus again"
            )
    return rows
