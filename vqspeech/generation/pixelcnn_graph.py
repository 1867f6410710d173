"""Sampling a PixelCNN on a CUDA device: the steps of `pixelcnn_torch`, recorded once and repeated.

A step is some hundred small kernels, and launching each from Python takes longer than running it.
A CUDA graph launches all of them at once.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from vqspeech.generation.pixelcnn_torch import CachedSteps, Drawing, draw_rows
from vqspeech.nn.pixelcnn import GatedPixelCNN


@torch.inference_mode()
def sample_pixelcnn_graph(model: GatedPixelCNN, drawing: Drawing) -> Tensor:
    """Codes (B, H, W) int64, computed in the model's own dtype on a CUDA device."""
    with torch.cuda.device(drawing.given.device):
        steps = CachedSteps(model, drawing)
        return draw_rows(drawing, steps, *_repeated(steps))


def _repeated(steps: CachedSteps) -> tuple[Callable[[], None], Callable[[], None]]:
    """`begin_row` and `step` as graphs, or as they are where the device cannot record them."""
    # Libraries allocate and choose kernels when they are first called, which no graph can hold.
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        steps.begin_row()
        steps.step()
    torch.cuda.current_stream().wait_stream(aside)
    try:
        actions = _record(steps.begin_row), _record(steps.step)
    except RuntimeError:  # the same codes, only slower
        actions = steps.begin_row, steps.step
    steps.reset()
    return actions


def _record(action: Callable[[], None]) -> Callable[[], None]:
    graph = torch.cuda.CUDAGraph()
    # Thread by thread: a loader that copies in another thread is no business of the recording.
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        action()
    return graph.replay
