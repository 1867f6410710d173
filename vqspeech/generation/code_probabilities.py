"""What a prior expects next, code by code: the same bits for whoever writes codes and reads them.

An entropy coder needs of its two sides the very same probabilities. Both step through the compiled
kernel here, on a CPU; a pass over all codes at once would differ from it by rounding.
"""

import numpy as np
import torch

from vqspeech.generation.wavenet_cpu import CpuStreams
from vqspeech.models.prior import SpeechPrior


class CodeProbabilities:
    """p(code | codes before it, speaker) of one sequence, from its first code on.

    Args:
        prior: on the CPU.
        speaker: row of its table; `prior.nobody` for none.

    Raises:
        ValueError: no such row.
    """

    @torch.inference_mode()
    def __init__(self, prior: SpeechPrior, speaker: int):
        if not 0 <= speaker <= prior.nobody:
            raise ValueError(f"speaker {speaker}: the table has rows 0 to {prior.nobody}")
        local, global_ = prior.conditions(torch.tensor([speaker]), 1)
        self._streams = CpuStreams(prior.wavenet, 1, global_)
        groups = prior.code_format.groups  # a frame's codes take turns
        self._conditions = [self._streams.condition(local, turn, 1) for turn in range(groups)]
        self._count, self._before = 0, np.zeros(1, np.int64)

    def next(self) -> np.ndarray:
        """(K,) float64 for the next code, which `tell` must then be told."""
        turn = self._count % len(self._conditions)
        logits = self._streams.next_logits(self._before, self._conditions[turn])[0]
        exponentials = np.exp(logits.astype(np.float64) - float(logits.max()))
        return exponentials / exponentials.sum()

    def tell(self, code: int) -> None:
        """What the next code was."""
        self._before[0] = code
        self._count += 1
