"""Pictures out of nothing: codes drawn from a prior or a second stage, decoded by the first."""

from collections.abc import Sequence

import torch
from torch import Tensor

from recipes.images.code_prior import PicturePrior
from recipes.images.second_stage import SecondStage
from vqspeech.generation.pixelcnn_sampling import map_uniforms, sample_pixelcnn

BATCH = 16  # maps drawn at once


@torch.no_grad()
def draw_codes(
    prior: PicturePrior,
    count: int,
    *,
    classes: Sequence[int] | None = None,
    seed: int = 0,
    temperature: float = 1.0,
    top_k: int = 0,
) -> Tensor:
    """Codes (count, h, w[, G]) from a prior, the first ones the same whatever their number.

    Args:
        classes: (count,) of each; wanted exactly when the prior is told of classes.
        seed: of the uniform numbers; picture i has stream i.
        temperature, top_k: as in `vqspeech.generation.pixelcnn_sampling.sample_pixelcnn`.

    Raises:
        ValueError: classes that are missing, unasked for or unknown.
    """
    shape = prior.code_map
    drawn = []
    for first in range(0, count, BATCH):
        rows = range(first, min(first + BATCH, count))
        uniforms = map_uniforms(seed, rows, shape.height, shape.width * shape.groups)
        own = None if classes is None else torch.tensor(classes[first : first + BATCH])
        drawn.append(
            sample_pixelcnn(
                prior.pixelcnn,
                uniforms,
                own,
                prior.turns(len(rows)),
                temperature=temperature,
                top_k=top_k,
            )
        )
    return prior.from_map(torch.cat(drawn))


@torch.no_grad()
def draw_from_latents(
    stage: SecondStage,
    codes: Tensor,
    *,
    seed: int = 0,
    temperature: float = 1.0,
) -> Tensor:
    """Codes (B, h, w) of the first stage, made up about latents (B, 1, 1, G) of the second.

    Args:
        codes: of the second stage, 27 bits each.
        seed: of the uniform numbers; another one makes up other details.
    """
    height, width = stage.code_map.height, stage.code_map.width
    drawn = []
    for first in range(0, len(codes), BATCH):
        part = codes[first : first + BATCH]
        uniforms = map_uniforms(seed, range(first, first + len(part)), height, width)
        spatial = stage.decoder.condition(stage.latents(part))
        drawn.append(
            sample_pixelcnn(
                stage.decoder.pixelcnn, uniforms, spatial=spatial, temperature=temperature
            )
        )
    return torch.cat(drawn)
