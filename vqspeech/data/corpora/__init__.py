"""Corpora by name: each lister knows how one corpus lies on disk, and nothing else.

A lister takes the folder of the corpus, a folder to leave out and, by name, what to take of it, and
returns a `Corpus`; `stages/prepare.py` turns that into data directories.
"""

from collections.abc import Callable

from vqspeech.data.corpora.folder import list_folder
from vqspeech.data.corpora.kaldi import list_kaldi
from vqspeech.data.corpora.librispeech import list_librispeech
from vqspeech.data.corpora.mini import list_mini
from vqspeech.data.corpora.source import Corpus
from vqspeech.data.corpora.vctk import list_vctk

CORPORA: dict[str, Callable[..., Corpus]] = {
    "vctk": list_vctk,
    "librispeech": list_librispeech,
    "folder": list_folder,
    "kaldi": list_kaldi,
    "mini": list_mini,
}
