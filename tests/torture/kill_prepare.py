"""`vqspeech prepare` killed at random moments and run again: the same bytes, little work twice.

    python tests/torture/kill_prepare.py [KILLS]

Each round kills a preparation of a small VCTK with SIGKILL at a moment drawn between its start and
the time that a whole one takes, lets it finish, and compares every file with those of one that was
left alone. Rounds take turns between a first preparation, of which at most the files in flight may
be done twice, and a change of the settings of one that is finished and aligned: what the killed run
leaves must be in order, and the alignment that still fits must outlive it.
"""

import hashlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from vqspeech.data.data_dir import DataDir
from vqspeech.data.validate import validate_data_dir

ROOT = Path(__file__).resolve().parents[2]
JOBS = 2
KILLS = 100
FIRST = ("--trim", "--loudness", "-26")
CHANGES = (("--loudness", "-20"), ("--trim",), ("--seed", "7", "--unseen", "1"))
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def prepare(source: Path, out: Path, options: tuple[str, ...]) -> list[str | Path]:
    fixed = ["--nj", str(JOBS), *options]
    return [sys.executable, "-m", "vqspeech", "prepare", "vctk", source, out, *fixed]


def content(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def times(out: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in out.glob("audio/*/p*.wav")}


def align(out: Path) -> None:
    """A phone for every utterance, as another command would add it."""
    for table in out.glob("*/utt2spk"):
        rows = "".join(f"{key} 1 0.0000 0.2000 AH\n" for key in DataDir.read(table.parent))
        (table.parent / "phones.ctm").write_text(rows)


def kill(command: list[str | Path], seconds: float) -> bool:
    """Whether the command still ran after so many seconds, and was killed."""
    child = subprocess.Popen(command, **QUIET)
    time.sleep(seconds)
    child.send_signal(signal.SIGKILL)
    return child.wait() != 0


def breaches(out: Path) -> int:
    """Of the data directories that are there; an utterance in two of them counts too."""
    parts = [table.parent for table in out.glob("*/utt2spk")]
    spoken = [key for part in parts for key in DataDir.read(part)]
    wrong = sum(len(validate_data_dir(part)) for part in parts)
    return wrong + len(spoken) - len(set(spoken))


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else KILLS
    draw = random.Random(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, aligned, out = folder / "corpus", folder / "aligned", folder / "out"
        lay_out = ROOT / "egs" / "mini" / "local" / "lay_out.py"
        size = ["--style", "vctk-0.92", "--speakers", "4", "--out", source]
        subprocess.run([sys.executable, lay_out, *size], check=True, **QUIET)
        subprocess.run(prepare(source, aligned, ()), check=True, **QUIET)
        align(aligned)
        wanted, longest = {}, {}
        for options in (FIRST, *CHANGES):
            whole = folder / "whole"
            if options != FIRST:
                shutil.copytree(aligned, whole)
            began = time.monotonic()
            subprocess.run(prepare(source, whole, options), check=True, **QUIET)
            longest[options] = time.monotonic() - began
            wanted[options] = content(whole)
            shutil.rmtree(whole)
        killed, twice, different, wrong = 0, 0, 0, 0
        for number in range(kills):
            is_first = number % 2 == 0
            options = FIRST if is_first else CHANGES[number // 2 % len(CHANGES)]
            shutil.rmtree(out, ignore_errors=True)
            if not is_first:
                shutil.copytree(aligned, out)
            command = prepare(source, out, options)
            killed += kill(command, draw.uniform(0, longest[options]))
            wrong += breaches(out)
            before = times(out)
            subprocess.run(command, check=True, **QUIET)
            if is_first:
                after = times(out)
                twice = max(twice, sum(after[path] != before[path] for path in before))
            different += content(out) != wanted[options]
        print(
            f"{killed} of {kills} killed in time: {different} different results, {wrong} breaches"
            f" in what was left, at most {twice} complete files written again ({JOBS} jobs)"
        )
        if different or wrong or twice > JOBS:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
