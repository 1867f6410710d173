"""How fast `prepare` is with one and two jobs, and that long recordings need no more memory.

    python tests/benchmarks/bench_prepare.py [CORPUS]

Rates are utterances a second of wall time, medians of runs that take turns; memory is the peak of
a process of its own. Without CORPUS, a VCTK of the embedded corpus; else one to be read as VCTK.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parents[2]
RUNS = 3
RATE = 48000  # Hz of the long recordings
MINUTES = (10, 120)


def prepare(corpus: str, source: Path, out: Path, *options: str) -> tuple[float, float]:
    """Seconds and peak MB of a run of the command from nothing."""
    subprocess.run(["rm", "-rf", out], check=True)
    command = [sys.executable, "-m", "vqspeech", "prepare", corpus, source, out, *options]
    began = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command}: exit {child.returncode}")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def speed(source: Path, out: Path) -> None:
    seconds: dict[str, list[float]] = {"1": [], "2": []}
    memory: dict[str, float] = {}
    for _ in range(RUNS):
        for jobs, times in seconds.items():
            spent, memory[jobs] = prepare("vctk", source, out, "--nj", jobs)
            times.append(spent)
    files = list(out.glob("audio/*/*.wav"))
    hours = sum(soundfile.info(path).duration for path in files) / 3600
    print(f"{len(files)} utterances, {hours:.2f} hours")
    for jobs, times in seconds.items():
        rate = len(files) / statistics.median(times)
        print(f"--nj {jobs}: {rate:.1f} utterances/s, peak {memory[jobs]:.0f} MB")


def long_recordings(folder: Path) -> None:
    peaks = {}
    for minutes in MINUTES:
        path = folder / str(minutes) / "ann" / "a.flac"
        path.parent.mkdir(parents=True)
        noise = np.random.default_rng(0)
        with soundfile.SoundFile(path, "w", RATE, 2) as file:
            # A second at a time: what this process once used counts as its children's peak.
            for _ in range(60 * minutes):
                file.write(noise.normal(scale=0.1, size=(RATE, 2)).clip(-1, 1))
        for options in ((), ("--trim", "--loudness", "-26")):
            out = folder / "out"
            split = ("--valid", "0", "--test", "0", "--nj", "1")
            seconds, peak = prepare("folder", path.parents[1], out, *split, *options)
            peaks[minutes, options] = peak
            treated = " ".join(options) or "as it is"
            print(f"{minutes} min of 48 kHz stereo, {treated}: {seconds:.1f} s, peak {peak:.0f} MB")
    worst = max(peaks[MINUTES[1], o] - peaks[MINUTES[0], o] for _, o in peaks)
    print(f"{MINUTES[1]} min need {worst:.1f} MB more than {MINUTES[0]} min at most")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if len(sys.argv) > 1:
            source = Path(sys.argv[1])
        else:
            source = folder / "corpus"
            lay_out = ROOT / "egs" / "mini" / "local" / "lay_out.py"
            size = ["--style", "vctk-0.92", "--speakers", "8", "--out", source]
            subprocess.run([sys.executable, lay_out, *size], check=True, capture_output=True)
        speed(source, folder / "out")
        long_recordings(folder)


if __name__ == "__main__":
    main()
