"""How much of the speaker the codes of a directory still tell."""

import os
from dataclasses import asdict
from typing import Any

import numpy as np

from vqspeech.analysis.speaker_probe import measure_speaker_information, probe_speakers
from vqspeech.data.codes import read_code_dir
from vqspeech.errors import InputError
from vqspeech.stages.aligned_codes import flat_codes
from vqspeech.stages.analyze_codes import describe_codes


def analyze_speakers(path: str | os.PathLike, *, seed: int = 0) -> dict[str, Any]:
    """A linear probe from code histograms to speakers, and the information in bits.

    Args:
        seed: of folds, shuffles and draws.

    Returns:
        What can be written as JSON: `describe_codes`, seed, the fields of `SpeakerInformation`
        under information, and under probe those of `SpeakerProbe`, or None where no two speakers
        have two utterances each.

    Raises:
        InputError: no code directory, or fewer than two speakers who say anything.
    """
    code_dir = read_code_dir(path)
    flat = flat_codes(code_dir)
    facts = describe_codes(code_dir, flat)
    names = [code_dir.utterances[utterance].speaker for utterance in code_dir]
    speaker = np.unique(names, return_inverse=True)[1]
    heard = len(np.unique(speaker[np.diff(flat.frame_starts) > 0]))
    if heard < 2:
        raise InputError(
            f"{code_dir.path}: {heard} speaker, two or more were wanted to tell apart; encode data "
            "of several"
        )
    probe = probe_speakers(flat.codes, flat.frame_starts, speaker, seed=seed)
    information = measure_speaker_information(flat.codes, flat.frame_starts, speaker, seed=seed)
    return {
        "kind": "speakers",
        **facts,
        "seed": seed,
        "probe": None if probe is None else asdict(probe),
        "information": asdict(information),
    }
