"""What `vqspeech prepare` says of 14 layouts: the table of egs/README.md is written by this.

    python tests/benchmarks/try_layouts.py > table.md

Every layout is a folder of the embedded corpus, laid out by egs/mini/local/lay_out.py and then
brought into the state named; every row is a run of the command. Notes on sample rates are left out,
and of what was written only the counts are shown.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import soundfile
import soxr

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


class Layout(NamedTuple):
    """One row: how the corpus is made, and what is run on it."""

    name: str
    style: str  # of lay_out.py; "" for an empty folder
    change: Callable[[Path], Path]  # the folder laid out to the one that is given as CORPUS
    command: str


def rename(corpus: Path, old: str, new: str) -> None:
    """Give speaker `old` the name `new` in every file and folder name and in speaker-info.txt."""
    for path in sorted(corpus.rglob(f"*{old}*"), key=lambda p: -len(p.parts)):
        path.rename(path.with_name(path.name.replace(old, new)))
    info = corpus / "speaker-info.txt"
    info.write_text(info.read_text().replace(old, new))


def as_is(corpus: Path) -> Path:
    return corpus


def without_mic2(corpus: Path) -> Path:
    rename(corpus, "p907", "p280")
    for path in corpus.glob("wav48*/p280/*_mic2.flac"):
        path.unlink()
    return corpus


def without_text(corpus: Path) -> Path:
    rename(corpus, "p907", "p315")
    shutil.rmtree(corpus / "txt" / "p315")
    return corpus


def with_s5(corpus: Path) -> Path:
    rename(corpus, "p907", "s5")
    return corpus


def at_16_khz(corpus: Path) -> Path:
    """Copies beside nothing else: wav16/, no texts, no speaker-info."""
    copies = corpus.with_name("copies")
    for path in sorted(corpus.glob("wav48*/*/*_mic1.flac")):
        samples, rate = soundfile.read(path)
        target = copies / "wav16" / path.parent.name / path.name.replace("_mic1.flac", ".wav")
        target.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(target, soxr.resample(samples, rate, 16000), 16000)
    return copies


def nested(corpus: Path) -> Path:
    outer = corpus.with_name("outer")
    (outer / "DS_10283_3443").mkdir(parents=True)
    corpus.rename(outer / "DS_10283_3443" / "VCTK-Corpus-0.92")
    return outer


def flat(corpus: Path) -> Path:
    folder = corpus.with_name("flat")
    folder.mkdir()
    for path in corpus.glob("wav48*/*/*_mic1.flac"):
        path.rename(folder / path.name)
    return folder


def one_subset(corpus: Path) -> Path:
    return corpus / "LibriSpeech" / "dev-clean"


def chapter_speakers(corpus: Path) -> Path:
    """As Kaldi's recipe for LibriSpeech writes it: the speaker is reader-chapter."""
    folder = corpus.with_name("train_clean_100")
    folder.mkdir()
    files = sorted(corpus.glob("LibriSpeech/train-*/*/*/*.flac"))
    lines = {
        "wav.scp": [f"{path.stem} {path}" for path in files],
        "utt2spk": [f"{path.stem} {path.stem.rpartition('-')[0]}" for path in files],
    }
    for name, rows in lines.items():
        (folder / name).write_text("".join(f"{row}\n" for row in rows))
    return folder


def word_alignments(corpus: Path) -> Path:
    """The corpus with the archive that holds words alone in place of the TextGrids."""
    for grid in sorted(corpus.rglob("*.TextGrid")):
        reader, chapter, _ = grid.stem.split("-")
        with open(grid.parent / f"{reader}-{chapter}.alignment.txt", "a") as file:
            file.write(f'{grid.stem} ",GO,,DO," "0.490,0.890,1.200,1.600,1.900"\n')
        grid.unlink()
    return corpus


def speakers_folders(corpus: Path) -> Path:
    folder = corpus.with_name("mine")
    (corpus / "wav48").rename(folder)
    return folder


VCTK = "vqspeech prepare vctk CORPUS OUT"
LIBRISPEECH = "vqspeech prepare librispeech CORPUS OUT"
LAYOUTS = (
    Layout("VCTK 0.80", "vctk-0.80", as_is, VCTK),
    Layout("VCTK 0.92, microphone 1", "vctk-0.92", as_is, VCTK),
    Layout("VCTK 0.92, microphone 2", "vctk-0.92", without_mic2, f"{VCTK} --mic mic2"),
    Layout("16 kHz copies", "vctk-0.92", at_16_khz, VCTK),
    Layout("VCTK 0.92, p315 without text", "vctk-0.92", without_text, VCTK),
    Layout("VCTK 0.92 with s5", "vctk-0.92", with_s5, VCTK),
    Layout("VCTK two folders down", "vctk-0.92", nested, VCTK),
    Layout("VCTK, all files in one folder", "vctk-0.92", flat, VCTK),
    Layout("LibriSpeech, four subsets", "librispeech", as_is, LIBRISPEECH),
    Layout("LibriSpeech, one subset", "librispeech", one_subset, LIBRISPEECH),
    Layout(
        "LibriSpeech, alignments of words alone",
        "librispeech",
        word_alignments,
        f"{LIBRISPEECH} && vqspeech align import CORPUS/LibriSpeech-alignments OUT/train",
    ),
    Layout(
        "Kaldi, chapters as speakers",
        "librispeech",
        chapter_speakers,
        "vqspeech prepare kaldi CORPUS OUT",
    ),
    Layout(
        "a folder of speakers", "vctk-0.80", speakers_folders, "vqspeech prepare folder CORPUS OUT"
    ),
    Layout("an empty folder", "", as_is, VCTK),
)


def run(layout: Layout, folder: Path) -> tuple[int, str]:
    """Exit status of the command and what it said, with CORPUS and OUT for the folders."""
    corpus, out = folder / "corpus", folder / "out"
    if layout.style:
        lay_out = [sys.executable, ROOT / "egs/mini/local/lay_out.py", "--style", layout.style]
        size = ["--out", corpus, "--speakers", "3", "--utterances", "12"]
        subprocess.run([*lay_out, *size], check=True, capture_output=True)
    else:
        corpus.mkdir()
    given = layout.change(corpus)
    done = subprocess.run(
        layout.command.replace("CORPUS", str(given)).replace("OUT", str(out)),
        shell=True,  # of this file's own words
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        check=False,
    )
    said = [x.removeprefix("note: ") for x in done.stderr.splitlines() if "Hz mono ->" not in x]
    wrote = re.findall(r"^wrote \S+/(\S+)  (\d+) utt", done.stdout, re.M)
    if wrote:
        said.append("wrote " + ", ".join(f"{part} {count}" for part, count in wrote))
    text = "<br>".join(said)
    for path, word in ((given, "CORPUS"), (out, "OUT"), (folder, "...")):
        text = text.replace(str(path), word)
    return done.returncode, text.replace("|", "\\|")


def main() -> None:
    print("| layout | command | exit | what it said |\n|---|---|---|---|")
    for layout in LAYOUTS:
        with tempfile.TemporaryDirectory() as folder:
            status, said = run(layout, Path(folder).resolve())
        print(f"| {layout.name} | `{layout.command}` | {status} | {said} |", flush=True)


if __name__ == "__main__":
    main()
