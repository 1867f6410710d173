"""How a corpus uses its codes: how many, how evenly, for how long, and at how many bits a second.

Everything is over the whole corpus, never the mean of batches, whose perplexity is lower. N frames,
U utterances, K codes.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import entr

from vqspeech.analysis.runs import merge_runs

TOP = 10  # codes whose share of all frames is told


@dataclass(frozen=True, eq=False)
class CodebookUsage:
    """What `measure_usage` found.

    Attributes:
        num_codes: K.
        rate: frames a second.
        frames: N.
        seconds: N / rate.
        counts: (K,) int64, frames of each code.
        codes_used: codes with at least one frame.
        entropy_bits: H(c) of a frame.
        perplexity: 2 to the power of H(c): the number of equally frequent codes that would do.
        top_mass: share of all frames that the `TOP` most frequent codes have.
        nominal_bit_rate: rate log2 K, bits a second.
        empirical_bit_rate: symbols a second times H(c), as ZeroSpeech defines it.
        runs: runs of equal codes, none across utterances.
        merged_bit_rate: runs a second times the entropy of the codes of runs; the lengths of the
            runs are not sent.
        mean_run_frames: N / runs.
        mean_run_seconds: the same in seconds.
        run_length_counts: (L + 1,) int64, runs of each length in frames, L being the longest;
            none has length 0.
        mean_seconds_by_code: (K,) mean duration of a run of each code; NaN for unused codes.
    """

    num_codes: int
    rate: float
    frames: int
    seconds: float
    counts: np.ndarray
    codes_used: int
    entropy_bits: float
    perplexity: float
    top_mass: float
    nominal_bit_rate: float
    empirical_bit_rate: float
    runs: int
    merged_bit_rate: float
    mean_run_frames: float
    mean_run_seconds: float
    run_length_counts: np.ndarray
    mean_seconds_by_code: np.ndarray


def measure_usage(
    codes: np.ndarray, frame_starts: np.ndarray, num_codes: int, rate: float
) -> CodebookUsage:
    """Usage of a codebook over a corpus.

    Args:
        codes: (N,) from 0 to K - 1, all utterances end to end.
        frame_starts: (U + 1,) int64; frames of utterance u are frame_starts[u] to
            frame_starts[u + 1] - 1.
        num_codes: K.
        rate: frames a second.

    Raises:
        ValueError: no frames, a code out of range, or `frame_starts` that do not cover them.
    """
    if not len(codes) or rate <= 0:
        raise ValueError(f"{len(codes)} frames at {rate} a second have no usage")
    counts = code_counts(codes, num_codes)
    runs = merge_runs(codes, frame_starts)
    runs_by_code = code_counts(runs.symbols, num_codes)
    seconds = len(codes) / rate
    bits = entropy_bits(counts)
    unused = np.full(num_codes, np.nan)
    return CodebookUsage(
        num_codes=num_codes,
        rate=float(rate),
        frames=len(codes),
        seconds=seconds,
        counts=counts,
        codes_used=int((counts > 0).sum()),
        entropy_bits=bits,
        perplexity=2.0**bits,
        top_mass=float(np.sort(counts)[-TOP:].sum() / len(codes)),
        nominal_bit_rate=float(rate * np.log2(num_codes)),
        empirical_bit_rate=rate * bits,
        runs=len(runs.symbols),
        merged_bit_rate=len(runs.symbols) / seconds * entropy_bits(runs_by_code),
        mean_run_frames=len(codes) / len(runs.symbols),
        mean_run_seconds=seconds / len(runs.symbols),
        run_length_counts=np.bincount(runs.lengths),
        mean_seconds_by_code=np.divide(
            counts, runs_by_code * rate, out=unused, where=runs_by_code > 0
        ),
    )


def code_counts(codes: np.ndarray, num_codes: int) -> np.ndarray:
    """How often each code occurs, (K,) int64.

    Raises:
        ValueError: a code out of range.
    """
    if len(codes) and not 0 <= codes.min() <= codes.max() < num_codes:
        raise ValueError(f"codes from {codes.min()} to {codes.max()}, of {num_codes}")
    return np.bincount(codes, minlength=num_codes)


def entropy_bits(counts: np.ndarray) -> float:
    """Entropy in bits of a distribution given by counts (K,), not all 0."""
    return float(entr(counts / counts.sum()).sum() / np.log(2))
