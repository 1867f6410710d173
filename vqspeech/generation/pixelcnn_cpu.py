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
from vqspeech.generation.pixelcnn_torch import Drawing
from vqspeech.nn.pixelcnn import GatedPixelCNN
from vqspeech.nn.sampling import BELOW_ONE, COLDEST


def load_steps() -> Callable[..., None]:
    """The compiled steps: from numba's cache in half a second, or compiled in some 10 s, once.

    Raises:
        MissingError: numba is switched off.
    """
    check_numba()
    # Here, because the import compiles: whoever samples elsewhere need not wait for it.
    from vqspeech.generation.pixelcnn_kernel import run

    return run


@torch.inference_mode()
def sample_pixelcnn_cpu(model: GatedPixelCNN, drawing: Drawing) -> Tensor:
    """Codes (B, H, W) int64, computed in float32.

    It runs in the calling thread, row by row and without the GIL: between two rows Ctrl-C is heard.

    Args:
        model: on the CPU.
        drawing: checked, for the compiled code checks no index.

    Raises:
        MissingError: numba is switched off.
        ValueError: a weight is NaN or infinite.
    """
    run = load_steps()
    codes = drawing.given.clone()
    batch, height, width = codes.shape
    packed, memory = tuple(pack_pixelcnn(model)), start(model, batch, width)
    condition = _class_condition(model, drawing.classes, batch)
    spatial = _spatial_rows(model, drawing.spatial, height)
    uniforms = drawing.uniforms.clamp(max=BELOW_ONE)
    temperature = 0.0 if drawing.temperature < COLDEST else float(drawing.temperature)
    wanted = 0 if drawing.logits is None else batch * width
    seen = np.empty((wanted, model.num_codes), np.float32)
    for row in range(height):
        numbers, drawn = uniforms[:, row].contiguous().numpy(), codes[:, row].contiguous()
        run(
            *(packed, memory, condition, spatial[row], numbers, drawn.numpy(), seen),
            *(reaches(model), row, temperature, drawing.top_k),
        )
        codes[:, row] = drawn
        if drawing.logits is not None:
            known = torch.from_numpy(seen).view(batch, width, -1)
            drawing.logits[:, :, row] = known.transpose(1, 2)
        if drawing.progress is not None:
            drawing.progress((row + 1) * width)
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
