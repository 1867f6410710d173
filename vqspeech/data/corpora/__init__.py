"""Corpora by name: each lister knows how one corpus lies on disk, and nothing else.

A lister takes the folder of the corpus, a pattern and a folder to leave out, and returns a
`Corpus`; `stages/prepare.py` turns that into data directories.
"""

from collections.abc import Callable
from pathlib import Path

from vqspeech.data.corpora.folder import list_folder
from vqspeech.data.corpora.mini import list_mini
from vqspeech.data.corpora.source import Corpus

CORPORA: dict[str, Callable[[Path | None, str | None, Path | None], Corpus]] = {
    "folder": list_folder,
    "mini": list_mini,
}
