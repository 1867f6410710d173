"""Gated PixelCNN: the distribution of each code of a map given all codes before it.

Follows van den Oord et al. 2016, "Conditional Image Generation with PixelCNN Decoders", section 2:
a vertical stack sees all rows above, a horizontal stack the rest of the row, and there is no blind
spot. In the VQ-VAE paper it is the prior over images' codes (section 4.2) and a decoder.

No kernel is masked. Each covers only what it may see, and the first layer's outputs are shifted by
one instead, so there is no weight that training could bring back to life.

Shapes: B batch, K codes, C channels, H x W the map; reach = kernel_size // 2.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def gate(x: Tensor) -> Tensor:
    """tanh(a) sigmoid(b) of the two halves of the channels, (B, 2C, ...) to (B, C, ...)."""
    a, b = x.chunk(2, dim=1)
    return torch.tanh(a) * torch.sigmoid(b)


class GatedLayer(nn.Module):
    """One layer of both stacks.

    With v and h the inputs of the layer and c the condition:

        above = vertical(v)                 rows r - reach .. r, columns within reach
        v' = gate(above + c_v)
        h' = output(gate(horizontal(h) + vertical_to_horizontal(above) + c_h)) + h

    The first layer sees rows r - reach .. r - 1 and columns x - reach .. x - 1 (mask A), and has no
    `+ h`, which would hand the code itself to its own prediction.

    Attributes:
        reach: rows above and columns beside a position that the layer sees.
        is_first: whether the row and the column of the position itself are left out.
    """

    def __init__(
        self,
        channels: int,
        kernel_size: int,
        *,
        is_first: bool = False,
        num_classes: int = 0,
        spatial_channels: int = 0,
    ):
        super().__init__()
        self.reach, self.is_first = kernel_size // 2, is_first
        seen = self.reach if is_first else self.reach + 1  # rows and columns under the kernels
        self.vertical = nn.Conv2d(channels, 2 * channels, (seen, kernel_size))
        self.horizontal = nn.Conv2d(channels, 2 * channels, (1, seen))
        self.vertical_to_horizontal = nn.Conv2d(2 * channels, 2 * channels, 1)
        self.output = nn.Conv2d(channels, channels, 1)
        # Both stacks' conditions side by side: 2C channels of c_v, then 2C of c_h.
        self.class_condition = nn.Embedding(num_classes, 4 * channels) if num_classes else None
        self.spatial_condition = (
            nn.Conv2d(spatial_channels, 4 * channels, 1, bias=False) if spatial_channels else None
        )

    def condition(self, classes: Tensor | None, spatial: Tensor | None) -> Tensor | None:
        """c_v and c_h side by side, (B, 4C, H or 1, W or 1); None without any condition."""
        total = None
        if self.class_condition is not None:
            total = self.class_condition(classes)[:, :, None, None]
        if self.spatial_condition is not None:
            mapped = self.spatial_condition(spatial)  # (B, 4C, H, W)
            total = mapped if total is None else total + mapped
        return total

    def forward(self, v: Tensor, h: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        """Both stacks (B, C, H, W) one layer further."""
        # Padding by -1 cuts: the last row or column of the input would be the position itself.
        end = -1 if self.is_first else 0
        above = self.vertical(F.pad(v, (self.reach, self.reach, self.reach, end)))
        beside = self.horizontal(F.pad(h, (self.reach, end, 0, 0)))
        beside = beside + self.vertical_to_horizontal(above)  # (B, 2C, H, W)
        if condition is not None:
            for_above, for_beside = condition.chunk(2, dim=1)
            above, beside = above + for_above, beside + for_beside
        out = self.output(gate(beside))
        return gate(above), out if self.is_first else out + h


class GatedPixelCNN(nn.Module):
    """p(codes) = product over positions, row by row, of p(code | all before it, conditions).

    Attributes:
        embedding: K to C, the input of both stacks.
        layers: the `GatedLayer`s; only the first is `is_first`.
        head: 1x1 convolutions and ReLUs from the horizontal stack to K logits.

    Args:
        num_codes: K.
        channels: C of both stacks.
        layers: how many, the first included. The paper's own size was 15 to 20.
        kernel_size: odd, from the second layer on.
        first_kernel_size: odd.
        head_channels: between the two convolutions of the head.
        num_classes: of a class condition in every layer; 0 for none.
        spatial_channels: of a condition map in every layer, seen at its own position alone; 0 for
            none. A wider view is the business of whoever makes the map.

    Raises:
        ValueError: no layers, or a kernel size that is even or below 3.
    """

    def __init__(
        self,
        num_codes: int,
        channels: int,
        layers: int,
        *,
        kernel_size: int = 3,
        first_kernel_size: int = 7,
        head_channels: int = 512,
        num_classes: int = 0,
        spatial_channels: int = 0,
    ):
        super().__init__()
        for size in (kernel_size, first_kernel_size):
            if size < 3 or size % 2 == 0:
                raise ValueError(f"kernel size {size}; an odd number of at least 3 is wanted")
        if layers < 1:
            raise ValueError(f"{layers} layers; at least 1 is wanted")
        self.num_codes, self.num_classes = num_codes, num_classes
        self.spatial_channels = spatial_channels
        self.embedding = nn.Embedding(num_codes, channels)
        self.layers = nn.ModuleList(
            GatedLayer(
                channels,
                kernel_size if index else first_kernel_size,
                is_first=index == 0,
                num_classes=num_classes,
                spatial_channels=spatial_channels,
            )
            for index in range(layers)
        )
        self.head = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(channels, head_channels, 1),
            nn.ReLU(),
            nn.Conv2d(head_channels, num_codes, 1),
        )

    def forward(
        self, codes: Tensor, classes: Tensor | None = None, spatial: Tensor | None = None
    ) -> Tensor:
        """Logits (B, K, H, W); those at a position do not depend on its code or any later one.

        Args:
            codes: (B, H, W) int64.
            classes: (B,) int64, wanted exactly when there are classes.
            spatial: (B, spatial_channels, H, W), wanted exactly when there are such channels.

        Raises:
            ValueError: a condition is missing or unasked for, or a shape does not fit.
        """
        self.check(codes, classes, spatial)
        v = h = self.embedding(codes).permute(0, 3, 1, 2)  # (B, C, H, W)
        for layer in self.layers:
            v, h = layer(v, h, layer.condition(classes, spatial))
        return self.head(h)

    def check(self, codes: Tensor, classes: Tensor | None, spatial: Tensor | None) -> None:
        """Refuse shapes that `forward` cannot take.

        Raises:
            ValueError: as `forward` does.
        """
        if codes.dim() != 3:
            raise ValueError(f"codes of shape {tuple(codes.shape)}; (B, H, W) is wanted")
        batch, height, width = codes.shape
        for name, value, wanted in (
            ("classes", classes, (batch,) if self.num_classes else None),
            (
                "spatial",
                spatial,
                (batch, self.spatial_channels, height, width) if self.spatial_channels else None,
            ),
        ):
            found = None if value is None else tuple(value.shape)
            if found != wanted:
                raise ValueError(f"{name} of shape {found}; {wanted} is wanted")
