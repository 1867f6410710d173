"""What a prior that is told actions says of them: frames under each action, and which it was.

Shapes: M frames, A actions.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logsumexp

from recipes.video.code_frames import CodeFrames
from recipes.video.train_on_frames import score_frames
from recipes.video.video_prior import VideoPrior


@dataclass(frozen=True)
class AskedActions:
    """Frames that were scored under each action.

    Attributes:
        bits: (M, A), what each frame costs if that action is said to have led to it.
        chances: (M, A), p(action | the actions before it in the context).
        leading: (M,), the action that did.
    """

    bits: np.ndarray
    chances: np.ndarray
    leading: np.ndarray

    @property
    def told_bits(self) -> np.ndarray:
        """What frames cost whoever is told the action: (M,)."""
        return self.bits[np.arange(len(self.leading)), self.leading]

    @property
    def surprise(self) -> np.ndarray:
        """-log2 p of the action given those before it: (M,)."""
        return -np.log2(self.chances[np.arange(len(self.leading)), self.leading])


def ask_actions(prior: VideoPrior, train: CodeFrames, part: CodeFrames) -> AskedActions:
    """Score the frames of a part that have a whole context before them.

    Args:
        prior: told of actions.
        train: what the chances of actions are counted in.
    """
    index = part.targets(max(1, prior.context))
    actions = range(len(prior.action_names))
    nats = np.stack([score_frames(prior, part, index, action) for action in actions], 1)
    chances = action_chances(train, part, index, prior.context)
    return AskedActions(nats / math.log(2), chances, part.leading(index).numpy())


def averaged_bits(asked: AskedActions) -> np.ndarray:
    """-log2 of the sum over actions of p(action | past) p(codes | past, action): (M,)."""
    nats = np.log(asked.chances) - asked.bits * math.log(2)
    return -logsumexp(nats, axis=1) / math.log(2)


def another_bits(asked: AskedActions) -> np.ndarray:
    """The mean over the actions that did not lead to the frames: (M,). A is 2 or more."""
    return (asked.bits.sum(1) - asked.told_bits) / (asked.bits.shape[1] - 1)


def _answers(asked: AskedActions, exponent: float) -> np.ndarray:
    """log p(action | past, frame) in nats, (M, A): its chance times p(codes)**exponent."""
    evidence = -exponent * asked.bits * math.log(2)
    return log_softmax(np.log(asked.chances) + evidence, axis=1)


def told_bits(asked: AskedActions, exponent: float) -> np.ndarray:
    """log2 p(action | past, frame) / p(action | past) of the action that led to each: (M,).

    Its mean is a bound from below on I(frame; action | past), by any exponent; that is what knowing
    the action can save of a frame.
    """
    answers = _answers(asked, exponent)[np.arange(len(asked.leading)), asked.leading]
    return answers / math.log(2) + asked.surprise


def likeliest_actions(asked: AskedActions, exponent: float) -> np.ndarray:
    """Which action the frames are taken to have come by: (M,)."""
    return _answers(asked, exponent).argmax(1)


def best_exponent(asked: AskedActions) -> float:
    """What the evidence of a frame is best raised to, from 0 (none) to 1 (as it is)."""
    found = minimize_scalar(
        lambda exponent: -told_bits(asked, exponent).mean(), bounds=(0, 1), method="bounded"
    )
    return float(found.x)


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
