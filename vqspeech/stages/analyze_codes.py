"""What codes a directory uses, how evenly and for how long; no phones needed.

Also the file of numbers that the commands without phones leave.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np

from vqspeech.analysis.codebook_usage import measure_usage
from vqspeech.data.codes import CodeDir, read_code_dir
from vqspeech.errors import InputError, WriteError
from vqspeech.files import check_writable, write_json
from vqspeech.stages.aligned_codes import FlatCodes, flat_codes


def analyze_codes(path: str | os.PathLike) -> dict[str, Any]:
    """Usage, entropy, bit rates and durations over all codes of a directory.

    The groups of a grouped code count as one symbol.

    Returns:
        What can be written as JSON: `describe_codes`, and codes_used, entropy_bits, perplexity,
        top_mass of the ten most frequent codes, bit_rate (nominal, empirical, merged; bits a
        second), runs, mean_run_frames, mean_run_seconds, run_length_counts (runs of 0, 1, 2, ...
        frames), and where the model has no groups, for each code, counts and
        mean_run_seconds_by_code (None where it is not used).

    Raises:
        InputError: no code directory, none of its utterances has codes, or too many symbols.
    """
    code_dir = read_code_dir(path)
    flat = flat_codes(code_dir)
    facts = describe_codes(code_dir, flat)
    codes, num_codes = flat.codes, flat.num_codes
    if code_dir.groups > 1:
        # There may be more symbols than memory for their counts; only those that occur have any.
        used, codes = np.unique(codes, return_inverse=True)
        num_codes = len(used)
    usage = measure_usage(codes, flat.frame_starts, num_codes, code_dir.rate)
    facts |= {
        "codes_used": usage.codes_used,
        "entropy_bits": usage.entropy_bits,
        "perplexity": usage.perplexity,
        "top_mass": usage.top_mass,
        "bit_rate": {
            "nominal": code_dir.rate * float(np.log2(flat.num_codes)),
            "empirical": usage.empirical_bit_rate,
            "merged": usage.merged_bit_rate,
        },
        "runs": usage.runs,
        "mean_run_frames": usage.mean_run_frames,
        "mean_run_seconds": usage.mean_run_seconds,
        "run_length_counts": usage.run_length_counts.tolist(),
    }
    if code_dir.groups == 1:
        facts["counts"] = usage.counts.tolist()
        facts["mean_run_seconds_by_code"] = [
            None if np.isnan(seconds) else seconds
            for seconds in usage.mean_seconds_by_code.tolist()
        ]
    return {"kind": "codes", **facts}


def describe_codes(code_dir: CodeDir, flat: FlatCodes) -> dict[str, Any]:
    """Which codes these are: codes (the path), model_hash, rate, num_codes, groups; and how many:
    utterances, speakers, frames, seconds.

    Raises:
        InputError: there are none.
    """
    if not len(flat.codes):
        raise InputError(f"{code_dir.path}: no codes in {len(code_dir)} utterances; encode others")
    return {
        "codes": str(code_dir.path),
        "model_hash": code_dir.model_hash,
        "rate": code_dir.rate,
        "num_codes": flat.num_codes,
        "groups": code_dir.groups,
        "utterances": len(code_dir),
        "speakers": len(code_dir.speakers),
        "frames": len(flat.codes),
        "seconds": len(flat.codes) / code_dir.rate,
    }


def check_facts_target(path: str | os.PathLike) -> None:
    """Refuse a file that `write_facts` could not write, before the work.

    Raises:
        WriteError: no permission, or a folder.
    """
    if Path(path).is_dir():
        raise WriteError(f"{path}: is a folder, a file was wanted; give --json a name in it")
    check_writable(path)


def write_facts(path: str | os.PathLike, facts: dict[str, Any] | list[dict[str, Any]]) -> None:
    """Write what the stages return, as JSON, whole or not at all."""
    write_json(path, facts)
