"""What the codes of held-out frames cost, and how much of it knowing the action saves.

An action can save no more bits of a frame than it has itself for whoever saw the frames before:
H(action | past), at most log2 of the number of actions. A prior without actions that costs more has
learnt less, and not only been told less; so the actions are held against a second prior as well:
the one with actions, averaged over the actions that might have come, which cannot be undertrained.

Scores are paired frame by frame. The frames of one walk are alike, so means are taken over each
episode first, and intervals over episodes.

Shapes: M frames that are scored, A actions, K codes.
"""

import math
from typing import Any

import numpy as np
import torch
from scipy.special import logsumexp

from recipes.frames.intervals import interval
from recipes.video.code_frames import CodeFrames
from recipes.video.train_on_frames import score_frames
from recipes.video.video_prior import VideoPrior


def score_bits(
    prior: VideoPrior,
    without: VideoPrior | None,
    alone: VideoPrior | None,
    train: CodeFrames,
    test: CodeFrames,
) -> dict[str, Any]:
    """Bits of the frames of the test part that have a whole context before them.

    Args:
        prior: told of the frames before, and of actions if there are any.
        without: of the same size, not told of actions; None for none.
        alone: told neither of frames before nor of actions; None for none.
        train: what the chances of an action and of a code that stays are counted in.
        test: what is scored.

    Returns:
        bits_a_frame and bits_a_code: by system, means over episodes. saved: by comparison, what the
        first system costs more a frame, as `interval`. action_bits: -log2 p(action | the actions
        before it in the context), an estimate from above of H(action | past). frames, codes,
        action_names, parameters by system.
    """
    index = test.targets(max(1, prior.context))
    codes = test.codes[0].numel()
    bits = {"repeat": repeat_bits(train, test, index, prior.code_map.num_codes)}
    if prior.action_names:
        by_action = per_action_bits(prior, test, index)  # (A, M)
        leading = test.leading(index).numpy()
        chances = action_chances(train, test, index, prior.context)  # (M, A)
        bits["with"] = by_action[leading, np.arange(len(index))]
        bits["averaged"] = averaged_bits(by_action, chances)
        if len(by_action) > 1:
            bits["another"] = another_bits(by_action, leading)
        action_bits = -np.log2(chances[np.arange(len(index)), leading])
    else:
        bits["with"] = score_frames(prior, test, index) / math.log(2)
        action_bits = None
    for name, other in (("without", without), ("alone", alone)):
        if other is not None:
            bits[name] = score_frames(other, test, index) / math.log(2)
    episodes = test.episode[index]
    means = {name: episode_means(values, episodes) for name, values in bits.items()}
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
        "action_bits": interval(episode_means(action_bits, episodes))
        if action_bits is not None
        else None,
        "parameters": {
            name: sum(p.numel() for p in model.parameters())
            for name, model in systems.items()
            if model is not None
        },
    }


def episode_means(values: np.ndarray, episodes: np.ndarray) -> np.ndarray:
    """The mean of each episode: (episodes,)."""
    return np.array([values[episodes == each].mean() for each in np.unique(episodes)])


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


def per_action_bits(prior: VideoPrior, test: CodeFrames, index: np.ndarray) -> np.ndarray:
    """What frames cost if each action in turn is said to have led to them: (A, M)."""
    actions = range(len(prior.action_names))
    return np.stack([score_frames(prior, test, index, a) for a in actions]) / math.log(2)


def averaged_bits(by_action: np.ndarray, chances: np.ndarray) -> np.ndarray:
    """-log2 of the sum over actions of p(action | past) p(codes | past, action): (M,).

    Args:
        by_action: (A, M) bits.
        chances: (M, A).
    """
    nats = -by_action * math.log(2) + np.log(chances).T
    return -logsumexp(nats, axis=0) / math.log(2)


def another_bits(by_action: np.ndarray, leading: np.ndarray) -> np.ndarray:
    """The mean over the actions that did not lead to the frames: (M,). A is 2 or more."""
    own = by_action[leading, np.arange(len(leading))]
    return (by_action.sum(0) - own) / (len(by_action) - 1)


def action_chances(
    train: CodeFrames, test: CodeFrames, index: np.ndarray, context: int
) -> np.ndarray:
    """p(action | the actions between the frames of the context): (M, A), counted in `train`.

    An action is held for some frames, so what counts of those before is the last, and for how long
    it has been held as far as the context shows.
    """
    kinds, longest = len(train.action_names), max(1, context - 1)
    counts = np.ones((kinds, longest + 1, kinds))  # Laplace: none is impossible
    seen = train.targets(max(1, context))
    last, held = _held(train, seen, context)
    np.add.at(counts, (last, held, train.leading(seen).numpy()), 1)
    last, held = _held(test, index, context)
    found = counts[last, held]
    return found / found.sum(1, keepdims=True)


def _held(part: CodeFrames, index: np.ndarray, context: int) -> tuple[np.ndarray, np.ndarray]:
    """The action before the one that leads to each frame, and how often it stands there in a row.

    Of a context below 2 frames there is none before: action 0, held 0 times.
    """
    if context < 2:
        return np.zeros(len(index), np.int64), np.zeros(len(index), np.int64)
    actions = part.actions.numpy()
    before = actions[index[:, None] - np.arange(2, context + 1)]  # (M, context - 1), last first
    is_same = before == before[:, :1]
    return before[:, 0], np.cumprod(is_same, axis=1).sum(1)
