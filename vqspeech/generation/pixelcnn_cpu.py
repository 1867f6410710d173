"""Sampling a PixelCNN on one CPU core by compiled steps: the codes of `pixelcnn_torch`, faster.

The weights are read once a position, for all maps; see `pixelcnn_packing` and `pixelcnn_kernel`.
"""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vqspeech.generation.compilation import check_numba
from vqspeech.generation.pixelcnn_packing import pack_pixelcnn, reaches, start
from vqspeech.nn.pixelcnn import GatedPixelCNN
from vqspeech.nn.sampling import BELOW_ONE, COLDEST


@torch.inference_mode()
def sample_pixelcnn_cpu(
    model: GatedPixelCNN,
    uniforms: Tensor,
    classes: Tensor | None = None,
    spatial: Tensor | None = None,
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    given: Tensor,
    progress: Callable[[int], None] | None = None,
    logits: Tensor | None = None,
) -> Tensor:
    """What `vqspeech.generation.pixelcnn_sampling.sample_pixelcnn` does, in float32.

    It runs in the calling thread, row by row and without the GIL: between two rows Ctrl-C is heard.

    Args:
        model, uniforms, classes, spatial, temperature, top_k, given, progress: checked there, all
            in memory; the compiled code checks no index.
        logits: (B, K, H, W), to be filled with what the codes are drawn from.

    Returns:
        (B, H, W) int64.

    Raises:
        MissingError: numba is switched off.
        ValueError: a weight is NaN or infinite.
    """
    check_numba()
    # Here, because the import compiles: whoever samples elsewhere need not wait for it.
    from vqspeech.generation.pixelcnn_kernel import run

    batch, height, width = given.shape
    packed, memory = pack_pixelcnn(model), start(model, batch, width)
    codes = given.clone()
    condition = _class_condition(model, classes, batch)
    spatial_rows = _spatial_rows(model, spatial, height)
    numbers = uniforms.clamp(max=BELOW_ONE).numpy()
    seen = np.empty((0 if logits is None else batch * width, model.num_codes), np.float32)
    for row in range(height):
        drawn = codes[:, row].contiguous().numpy()
        run(
            *(tuple(packed), memory, condition, spatial_rows[row]),
            *(np.ascontiguousarray(numbers[:, row]), drawn, seen, reaches(model), row),
            *(0.0 if temperature < COLDEST else float(temperature), top_k),
        )
        codes[:, row] = torch.from_numpy(drawn)
        if logits is not None:
            known = torch.from_numpy(seen).view(batch, width, -1)
            logits[:, :, row] = known.transpose(1, 2)
        if progress is not None:
            progress((row + 1) * width)
    return codes


def _class_condition(model: GatedPixelCNN, classes: Tensor | None, batch: int) -> np.ndarray:
    """What the classes add to the gates of each layer: (N, B, 4C)."""
    channels = model.embedding.embedding_dim
    if classes is None:
        return np.zeros((len(model.layers), batch, 4 * channels), np.float32)
    return torch.stack([layer.class_condition(classes) for layer in model.layers]).numpy()


def _spatial_rows(model: GatedPixelCNN, spatial: Tensor | None, height: int) -> np.ndarray:
    """The spatial condition at the places of each row: (H, P, S), or (H, 0, 0) without."""
    if spatial is None:
        return np.zeros((height, 0, 0), np.float32)
    rows = F.pad(spatial.permute(2, 0, 3, 1), (0, 0, 0, max(reaches(model))))  # (H, B, W, S)
    return rows.flatten(1, 2).contiguous().numpy()
