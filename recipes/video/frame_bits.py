"""What the codes of held-out frames cost, and how much of it knowing the action saves.

An action can save no more bits of a frame than it has itself for whoever saw the frames before:
H(action | past), at most log2 of the number of actions. A prior without actions that costs more has
learnt less, and not only been told less. So two more comparisons ask the prior with actions alone.
It is averaged over the actions that might have come: the exact likelihood of who is not told. And
it is asked which action led to a frame: what its answer is worth beyond the chances of the actions
is a bound from below on I(frame; action | past), the same number. The 441 codes of a frame err
together, and a few frames that the prior is wrongly sure of outweigh all others in the average; so
for the answer their evidence is tempered, as much as is best for validation frames.

Scores are paired frame by frame. The frames of one walk are alike, so means are taken over each
episode first, and intervals over episodes.

Shapes: M frames that are scored, A actions, K codes.
"""

import math
from typing import Any

import numpy as np
import torch

from recipes.frames.intervals import interval, means_of_sources
from recipes.video.action_bits import (
    AskedActions,
    another_bits,
    ask_actions,
    averaged_bits,
    best_exponent,
    likeliest_actions,
    told_bits,
)
from recipes.video.code_frames import CodeFrames
from recipes.video.train_on_frames import score_frames
from recipes.video.video_prior import VideoPrior


def score_bits(
    prior: VideoPrior,
    without: VideoPrior | None,
    alone: VideoPrior | None,
    train: CodeFrames,
    valid: CodeFrames,
    test: CodeFrames,
) -> dict[str, Any]:
    """Bits of the frames of the test part that have a whole context before them.

    Args:
        prior: told of the frames before, and of actions if there are any.
        without: of the same size, not told of actions; None for none.
        alone: told neither of frames before nor of actions; None for none.
        train: what the chances of an action and of a code that stays are counted in.
        valid: what the evidence of frames is tempered on.
        test: what is scored.

    Returns:
        bits_a_frame and bits_a_code: by system, means over episodes. saved: by comparison, what the
        first system costs more a frame, as `interval`. told: what a frame tells of the action in
        bits, as `interval`, with the exponent of its evidence, and `named`, the share of frames
        whose action is the likeliest; None without actions. action_bits: -log2 p(action | the
        actions before it in the context), an estimate from above of H(action | past). frames,
        codes, action_names, parameters by system.
    """
    index = test.targets(max(1, prior.context))
    codes = test.codes[0].numel()
    episodes = test.episode[index]
    bits = {"repeat": repeat_bits(train, test, index, prior.code_map.num_codes)}
    told = action_bits = None
    if prior.action_names:
        own = ask_actions(prior, train, test)
        bits["with"] = own.told_bits
        bits["averaged"] = averaged_bits(own)
        if len(prior.action_names) > 1:
            bits["another"] = another_bits(own)
        action_bits = interval(means_of_sources(own.surprise, episodes))
        told = _score_answers(ask_actions(prior, train, valid), own, episodes)
    else:
        bits["with"] = score_frames(prior, test, index) / math.log(2)
    for name, other in (("without", without), ("alone", alone)):
        if other is not None:
            bits[name] = score_frames(other, test, index) / math.log(2)
    means = {name: means_of_sources(values, episodes) for name, values in bits.items()}
    pairs = [(name, "with") for name in ("without", "averaged", "another", "repeat", "alone")]
    systems = {"with": prior, "without": without, "alone": alone}
    return {
        "frames": len(index),
        "codes": codes,
        "action_names": list(prior.action_names),
        "bits_a_frame": {name: float(values.mean()) for name, values in means.items()},
        "bits_a_code": {name: float(values.mean()) / codes for name, values in means.items()},
        "saved": {
            first: interval(means[first] - means[second])
            for first, second in pairs
            if first in means
        },
        "action_bits": action_bits,
        "told": told,
        "parameters": {
            name: sum(p.numel() for p in model.parameters())
            for name, model in systems.items()
            if model is not None
        },
    }


def _score_answers(valid: AskedActions, test: AskedActions, episodes: np.ndarray) -> dict[str, Any]:
    """What frames tell of the actions that led to them."""
    exponent = best_exponent(valid)
    named = means_of_sources(likeliest_actions(test, exponent) == test.leading, episodes)
    return {
        **interval(means_of_sources(told_bits(test, exponent), episodes)),
        "exponent": exponent,
        "named": float(named.mean()),
    }


def repeat_bits(
    train: CodeFrames, test: CodeFrames, index: np.ndarray, num_codes: int
) -> np.ndarray:
    """What frames cost if each code stays as it was, and every other is as likely: (M,).

    How often one stays is counted in the training part.
    """
    seen = train.targets(1)
    stayed = train.codes[torch.from_numpy(seen)] == train.codes[torch.from_numpy(seen - 1)]
    chance = (float(stayed.sum()) + 1) / (stayed.numel() + 2)
    same = test.codes[torch.from_numpy(index)] == test.codes[torch.from_numpy(index - 1)]
    kept = same.flatten(1).sum(1).numpy()
    moved = same[0].numel() - kept
    other = (1 - chance) / max(1, num_codes - 1)
    return -(kept * math.log2(chance) + moved * math.log2(other))
