"""Sampling a PixelCNN position by position with cached steps: the reference for faster samplers.

What a layer computes at a position depends on earlier codes alone, so it is computed once. The
vertical stack runs once a row, on the rows above it; the horizontal stack once a position, as
products of a matrix and the few vectors beside it.

Shapes: B maps of H x W, N layers, C channels, S spatial channels, K codes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from vqspeech.nn.pixelcnn import GatedLayer, GatedPixelCNN, gate
from vqspeech.nn.sampling import draw


@dataclass(frozen=True)
class Drawing:
    """Maps that are to be drawn: what `vqspeech.generation.pixelcnn_sampling` has checked.

    Attributes:
        uniforms: (B, H, W) float64; like all tensors, on the device of the model.
        given: (B, H, W) int64, -1 where a code is to be drawn.
        classes, spatial: (B,) int64 and (B, S, H, W), as the model wants them.
        temperature, top_k: of `vqspeech.nn.sampling.draw`.
        progress: told after each row how many positions of each map are done.
        logits: (B, K, H, W), to be filled with what the codes are drawn from.
    """

    uniforms: Tensor
    given: Tensor
    classes: Tensor | None = None
    spatial: Tensor | None = None
    temperature: float = 1.0
    top_k: int = 0
    progress: Callable[[int], None] | None = None
    logits: Tensor | None = None


@torch.inference_mode()
def sample_pixelcnn_torch(model: GatedPixelCNN, drawing: Drawing) -> Tensor:
    """Codes (B, H, W) int64, computed in the model's own dtype, wherever it is."""
    steps = CachedSteps(model, drawing)
    return draw_rows(drawing, steps, steps.begin_row, steps.step)


class CachedSteps:
    """B maps of one width that are drawn row after row.

    What a step reads and writes stays at one place in memory, and the column is a tensor: so a CUDA
    graph can repeat a step as it was recorded.

    Attributes:
        uniforms, given: (W, B), for the row that is drawn next.
        spatial: (B, S, 1, W), likewise.
        codes: (W, B) int64, of the row as far as it is drawn.
        logits: (B, K), of the last step.

    Args:
        model: of any floating dtype, on any device.
        drawing: its sizes, classes, temperature and top_k.
    """

    def __init__(self, model: GatedPixelCNN, drawing: Drawing):
        self._model, self._classes = model, drawing.classes
        self._choice = drawing.temperature, drawing.top_k
        batch, _, width = drawing.given.shape
        weight, layers = model.embedding.weight, len(model.layers)
        channels = weight.shape[1]
        whole = dict(dtype=torch.int64, device=weight.device)
        self.uniforms = torch.zeros(width, batch, dtype=torch.float64, device=weight.device)
        self.given = torch.zeros(width, batch, **whole)
        self.codes = torch.zeros(width, batch, **whole)
        self.spatial = weight.new_zeros(batch, model.spatial_channels, 1, width)
        self.logits = weight.new_zeros(batch, model.num_codes)
        self._column = torch.zeros(1, **whole)
        # Inputs of the vertical convolutions with their padding: the rows above, this row last.
        self._rows = [
            weight.new_zeros(batch, channels, layer.reach + 1, width + 2 * layer.reach)
            for layer in model.layers
        ]
        # What the rows above, biases and conditions add to the horizontal products: of this row,
        # and of this column.
        self._added = weight.new_zeros(width, layers, batch, 2 * channels)
        self._added_here = weight.new_zeros(1, layers, batch, 2 * channels)
        # Inputs of the horizontal products: what is under the kernels, this position last. The
        # first layer's kernel ends at the position before.
        taps = model.layers[-1].reach + 1
        self._codes_beside = weight.new_zeros(batch, model.layers[0].reach * channels)
        self._beside = weight.new_zeros(layers - 1, batch, taps * channels)
        self._gates = weight.new_zeros(batch, 2 * channels)
        # Views are made once: on a CPU they took a third of the time of a step.
        self._halves = self._gates.chunk(2, dim=1)
        self._layers = [
            _Layer(added, beside, beside[:, -channels:], *_matrices(layer))
            for added, beside, layer in zip(
                self._added_here[0], [self._codes_beside, *self._beside], model.layers, strict=True
            )
        ]
        self._head = [(_matrix(model.head[i].weight), model.head[i].bias) for i in (1, 3)]

    def reset(self) -> None:
        """Go back to before the first row."""
        for rows in self._rows:
            rows.zero_()

    def begin_row(self) -> None:
        """Run the vertical stack for the next row, and go to its first column."""
        for start in (self._column, self._codes_beside, self._beside):
            start.zero_()
        for rows in self._rows:
            rows[:, :, :-1] = rows[:, :, 1:].clone()
        self._rows[0][:, :, -1] = 0  # filled as its codes are drawn
        spatial = self.spatial if self._model.spatial_channels else None
        for i, layer in enumerate(self._model.layers):
            rows = self._rows[i][:, :, :-1] if layer.is_first else self._rows[i]
            above = layer.vertical(rows)  # (B, 2C, 1, W)
            added = layer.vertical_to_horizontal(above) + layer.horizontal.bias[:, None, None]
            condition = layer.condition(self._classes, spatial)
            if condition is not None:
                for_above, for_beside = condition.chunk(2, dim=1)
                above, added = above + for_above, added + for_beside
            self._added[:, i] = added[:, :, 0].permute(2, 0, 1)
            if i + 1 < len(self._rows):
                reach = self._model.layers[i + 1].reach
                self._rows[i + 1][:, :, -1:, reach:-reach] = gate(above)

    def step(self) -> None:
        """Draw the codes of a column, where none are given, and go to the next column."""
        channels = self._gates.shape[1] // 2
        torch.index_select(self._added, 0, self._column, out=self._added_here)
        self._beside[:, :, :-channels] = self._beside[:, :, channels:].clone()
        h, (signal, opening) = None, self._halves
        for layer in self._layers:
            if h is not None:
                layer.newest.copy_(h)
            torch.addmm(layer.added, layer.inputs, layer.horizontal, out=self._gates)
            z = torch.tanh(signal) * torch.sigmoid(opening)
            out = torch.addmm(layer.output_bias, z, layer.output)
            h = out if h is None else out + h
        for matrix, bias in self._head:
            h = torch.addmm(bias, h.relu(), matrix)
        self.logits.copy_(h)
        drawn = draw(h, self.uniforms.index_select(0, self._column)[0], *self._choice)
        given = self.given.index_select(0, self._column)[0]
        self._take(torch.where(given < 0, drawn, given))

    def _take(self, codes: Tensor) -> None:
        """Make codes (B,) those of this column."""
        vectors = self._model.embedding(codes)  # (B, C)
        before = self._codes_beside[:, vectors.shape[1] :]
        self._codes_beside.copy_(torch.cat([before, vectors], dim=1))
        padding = self._model.layers[0].reach
        self._rows[0][:, :, -1].index_copy_(2, self._column + padding, vectors[:, :, None])
        self.codes.index_copy_(0, self._column, codes[None])
        self._column += 1


def draw_rows(
    drawing: Drawing, steps: CachedSteps, begin_row: Callable[[], None], step: Callable[[], None]
) -> Tensor:
    """Codes (B, H, W), by `begin_row` and `step` of the steps or by what repeats them."""
    codes = torch.empty_like(drawing.given)
    height, width = codes.shape[1:]
    for row in range(height):
        steps.uniforms.copy_(drawing.uniforms[:, row].t())
        steps.given.copy_(drawing.given[:, row].t())
        if drawing.spatial is not None:
            steps.spatial.copy_(drawing.spatial[:, :, row : row + 1])
        begin_row()
        for column in range(width):
            step()
            if drawing.logits is not None:
                drawing.logits[:, :, row, column] = steps.logits
        codes[:, row] = steps.codes.t()
        if drawing.progress is not None:
            drawing.progress((row + 1) * width)
    return codes


class _Layer(NamedTuple):
    """What a layer of the horizontal stack reads at a position."""

    added: Tensor  # (B, 2C)
    inputs: Tensor  # (B, taps * C), and the last C of them
    newest: Tensor
    horizontal: Tensor  # (taps * C, 2C)
    output: Tensor  # (C, C)
    output_bias: Tensor  # (C,)


def _matrices(layer: GatedLayer) -> tuple[Tensor, Tensor, Tensor]:
    return _matrix(layer.horizontal.weight), _matrix(layer.output.weight), layer.output.bias


def _matrix(weight: Tensor) -> Tensor:
    """The weight (out, in, 1, taps) of a convolution as a matrix (taps * in, out)."""
    return weight[:, :, 0].permute(2, 1, 0).flatten(0, 1).contiguous()
