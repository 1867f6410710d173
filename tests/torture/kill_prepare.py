"""`vqspeech prepare` killed at random moments and run again: the same bytes, little work twice.

    python tests/torture/kill_prepare.py [KILLS]

Each round kills a preparation of a small VCTK with SIGKILL at a moment drawn between its start and
the time that a whole one takes, lets it finish, and compares every file with those of a
preparation that was left alone. What is done twice are at most the files in flight.
"""

import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
JOBS = 2
KILLS = 100


def command(source: Path, out: Path) -> list[str | Path]:
    options = ["--nj", str(JOBS), "--trim", "--loudness", "-26"]
    return [sys.executable, "-m", "vqspeech", "prepare", "vctk", source, out, *options]


def content(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def times(out: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in out.glob("audio/*/p*.wav")}


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else KILLS
    draw = random.Random(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, whole, out = folder / "corpus", folder / "whole", folder / "out"
        lay_out = ROOT / "egs" / "mini" / "local" / "lay_out.py"
        size = ["--style", "vctk-0.92", "--speakers", "4", "--out", source]
        subprocess.run([sys.executable, lay_out, *size], check=True, capture_output=True)
        began = time.monotonic()
        subprocess.run(command(source, whole), check=True, capture_output=True)
        longest = time.monotonic() - began
        wanted = content(whole)
        twice, different, early = 0, 0, 0
        for _ in range(kills):
            shutil.rmtree(out, ignore_errors=True)
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            child = subprocess.Popen(command(source, out), **quiet)
            time.sleep(draw.uniform(0, longest))
            child.send_signal(signal.SIGKILL)
            child.wait()
            early += child.returncode == 0  # it had finished
            before = times(out)
            subprocess.run(command(source, out), check=True, **quiet)
            after = times(out)
            redone = sum(after[path] != before[path] for path in before)
            twice = max(twice, redone)
            different += content(out) != wanted
        left = [path for path in os.listdir(out) if re.match(r"\.vqspeech-tmp", path)]
        print(
            f"{kills} kills ({early} came too late): {different} different results, at most"
            f" {twice} complete files written again ({JOBS} jobs), {len(left)} leftovers"
        )
        if different or twice > JOBS or left:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
