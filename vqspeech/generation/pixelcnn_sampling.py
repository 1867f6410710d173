"""Sampling maps of codes from a `GatedPixelCNN`, each code given all before it.

The codes are those of running the whole model once for every position with the same uniform
numbers, and come a hundred times sooner: see `pixelcnn_torch` for what need not be computed again.

Shapes: B maps of H x W, K codes.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from vqspeech.generation.pixelcnn_cpu import sample_pixelcnn_cpu
from vqspeech.generation.pixelcnn_graph import sample_pixelcnn_graph
from vqspeech.generation.pixelcnn_torch import Drawing, sample_pixelcnn_torch
from vqspeech.generation.uniforms import uniforms as numbers
from vqspeech.nn.pixelcnn import GatedPixelCNN
from vqspeech.nn.sampling import check_choice


def map_uniforms(seed: int, streams: Sequence[int], height: int, width: int) -> Tensor:
    """Numbers for maps, one map a stream: (B, H, W) float64 in [0, 1).

    The numbers of a stream do not depend on the other streams: map i of a seed is the same in any
    batch.
    """
    maps = [numbers(seed, stream, 0, height * width) for stream in streams]
    return torch.from_numpy(np.array(maps).reshape(len(maps), height, width))


def sample_pixelcnn(
    model: GatedPixelCNN,
    uniforms: Tensor,
    classes: Tensor | None = None,
    spatial: Tensor | None = None,
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    given: Tensor | None = None,
    progress: Callable[[int], None] | None = None,
) -> Tensor:
    """Draw maps of codes row by row, each code given those before it and the conditions.

    Where the model is says how: on a CPU by compiled steps if it is float32, on a CUDA device by a
    recorded graph, else by the steps of torch in the model's own dtype. They differ by rounding
    alone, which moves a draw where its number falls within 1e-7 or so of the border between two
    codes. By compiled steps, a map has the same codes alone and in any batch, bit for bit.

    The first call of compiled steps in a process loads them (half a second); the first ever
    compiles them, in about 10 s of CPU time.

    Args:
        model: on the device that shall compute.
        uniforms: (B, H, W) in [0, 1); equal numbers give equal maps. See `map_uniforms`.
        classes: (B,) int64, wanted exactly when the model has classes.
        spatial: (B, spatial_channels, H, W), wanted exactly when it has such channels.
        temperature: divides the logits; 0 takes the likeliest.
        top_k: a code is left out where so many are likelier; 0 keeps all.
        given: (B, H, W) int64, codes that are known, and -1 where one is to be drawn: a prompt of
            some rows, or a map to fill in. A draw looks at what is given before it, not after it.
        progress: told after each row how many positions of each map are done.

    Returns:
        (B, H, W) int64, on the device of the uniforms.

    Raises:
        ValueError: a shape, class or given code does not fit, a condition is missing, unasked for
            or not finite, or the temperature or top_k is negative or no number. By compiled steps
            also: a weight is NaN or infinite.
        MissingError: compiled steps are wanted, and numba is switched off.
    """
    check_choice(temperature, top_k)
    if uniforms.dim() != 3:
        raise ValueError(f"uniforms of shape {tuple(uniforms.shape)}; (B, H, W) is wanted")
    if given is None:
        given = torch.full(uniforms.shape, -1)
    _check_given(model, uniforms, given)
    model.check(given, classes, spatial)
    _check_values(model, classes, spatial)
    if not uniforms.numel():
        return torch.empty(uniforms.shape, dtype=torch.int64, device=uniforms.device)
    weight = model.embedding.weight
    drawing = Drawing(
        uniforms.to(weight.device, torch.float64),
        given.to(weight.device, torch.int64),
        None if classes is None else classes.to(weight.device),
        None if spatial is None else spatial.to(weight.device, weight.dtype),
        *(temperature, top_k, progress),
    )
    codes = _choose_sampler(weight)(model, drawing)
    # A copy, because no model can be trained on what was made in inference mode.
    return codes.to(uniforms.device, copy=True)


def _choose_sampler(weight: Tensor) -> Callable[[GatedPixelCNN, Drawing], Tensor]:
    if weight.device.type == "cpu" and weight.dtype == torch.float32:
        return sample_pixelcnn_cpu
    return sample_pixelcnn_graph if weight.device.type == "cuda" else sample_pixelcnn_torch


def _check_given(model: GatedPixelCNN, uniforms: Tensor, given: Tensor) -> None:
    if given.shape != uniforms.shape:
        raise ValueError(
            f"given codes of shape {tuple(given.shape)}; {tuple(uniforms.shape)} is wanted"
        )
    if given.is_floating_point() or given.is_complex():
        raise ValueError(f"given codes are {given.dtype}; int64 is wanted")
    if given.numel() and not -1 <= int(given.min()) <= int(given.max()) < model.num_codes:
        raise ValueError(f"given codes beyond -1 (to be drawn) to {model.num_codes - 1}")


def _check_values(model: GatedPixelCNN, classes: Tensor | None, spatial: Tensor | None) -> None:
    if classes is not None and (
        classes.is_floating_point() or not ((classes >= 0) & (classes < model.num_classes)).all()
    ):
        raise ValueError(f"classes {classes.tolist()}; 0 to {model.num_classes - 1} are wanted")
    if spatial is not None and not torch.isfinite(spatial).all():
        raise ValueError("the spatial condition holds NaN or infinity")
