"""What a prior over frames is told of the frames before: a map that is aligned with the next one.

A turn moves everything by some codes, a step forward pushes it outwards. Convolutions would carry
each code there layer by layer; so every place looks for itself where in the last frame, around it,
what it shows next stood before.

Shapes: B frames, T frames before each, h x w codes of K, D numbers a code in the first stage, E of
them after a linear layer, C channels, N = h w places.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recipes.video.settings import ContextSettings
from vqspeech.nn.pixelcnn import gate

KEY = 8  # numbers of a query and of a key


class LocalAttention(nn.Module):
    """Each place attends to the last frame around it: (B, C, h, w) to the same.

    Each head weighs the places of a window by what is there (a query of the place, a key of the
    code) and by where it is: a table of the action, since that says where things come from.

    Args:
        channels: C.
        settings: heads and reach.
        num_actions: that it may be told; 0 for none.
        code_channels: D.
    """

    def __init__(
        self, channels: int, settings: ContextSettings, num_actions: int, code_channels: int
    ):
        super().__init__()
        self.heads, self.values = settings.heads, settings.embedding_channels
        self.reach = settings.reach_down, settings.reach_across
        self.window = tuple(2 * reach + 1 for reach in self.reach)
        self.query = nn.Conv2d(channels, settings.heads * KEY, 1)
        self.key = nn.Linear(code_channels, KEY)
        self.value = nn.Linear(code_channels, self.values)
        offsets = self.window[0] * self.window[1]
        self.offset = nn.Embedding(max(1, num_actions), settings.heads * offsets)
        self.output = nn.Conv2d(settings.heads * self.values, channels, 1)

    def forward(self, x: Tensor, last: Tensor, embedding: Tensor, actions: Tensor | None) -> Tensor:
        """Look from x (B, C, h, w) at codes `last` (B, h, w), given the table (K, D)."""
        batch, height, width = last.shape
        keys = self._around(F.embedding(last, self.key(embedding)))
        values = self._around(F.embedding(last, self.value(embedding)))
        queries = self.query(x).view(batch, self.heads, KEY, height * width)
        if actions is None:
            actions = torch.zeros(batch, dtype=torch.int64, device=last.device)
        where = self.offset(actions).view(batch, self.heads, -1, 1)
        logits = torch.einsum("bhdn,bdon->bhon", queries, keys) / KEY**0.5 + where
        found = torch.einsum("bhon,bdon->bhdn", logits.softmax(2), values)
        return self.output(found.reshape(batch, -1, height, width))

    def _around(self, frame: Tensor) -> Tensor:
        """The window of each place of (B, h, w, E), zero beyond the edge: (B, E, offsets, N)."""
        batch, height, width, channels = frame.shape
        windows = F.unfold(frame.movedim(-1, 1), self.window, padding=self.reach)
        return windows.view(batch, channels, -1, height * width)


class ContextBlock(nn.Module):
    """x + conv1(gate(conv3(x) + action)), (B, C, h, w) to the same."""

    def __init__(self, channels: int, num_actions: int):
        super().__init__()
        self.wide = nn.Conv2d(channels, 2 * channels, 3, padding=1)
        self.action = nn.Embedding(num_actions, 2 * channels) if num_actions else None
        self.narrow = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor, actions: Tensor | None) -> Tensor:
        wide = self.wide(x)
        if self.action is not None:
            wide = wide + self.action(actions)[:, :, None, None]
        return x + self.narrow(gate(wide))


class ContextNetwork(nn.Module):
    """Codes of the frames before (B, T, h, w), and an action, to a map (B, map_channels, h, w).

    Args:
        settings: its sizes.
        context: T.
        num_actions: that it may be told; 0 for none.
        embedding: (K, D), what the first stage's decoder takes for each of its codes: how alike
            they are. It is not trained.
    """

    def __init__(
        self, settings: ContextSettings, context: int, num_actions: int, embedding: Tensor
    ):
        super().__init__()
        # Of one scale, whatever that of the first stage is.
        self.register_buffer("embedding", embedding / embedding.std().clamp_min(1e-9))
        self.code = nn.Linear(embedding.shape[1], settings.embedding_channels)
        # Beside the codes two maps that say where a place is: things ahead grow, those beside move.
        inputs = context * settings.embedding_channels + 2
        self.input = nn.Conv2d(inputs, settings.channels, 5, padding=2)
        self.attention = LocalAttention(
            settings.channels, settings, num_actions, embedding.shape[1]
        )
        self.blocks = nn.ModuleList(
            ContextBlock(settings.channels, num_actions) for _ in range(settings.blocks)
        )
        self.output = nn.Conv2d(settings.channels, settings.map_channels, 1)

    def forward(self, before: Tensor, actions: Tensor | None) -> Tensor:
        # The table is small: each code goes through the linear layer once, not each place.
        codes = F.embedding(before, self.code(self.embedding))  # (B, T, h, w, E)
        batch, _, height, width, _ = codes.shape
        frames = codes.movedim(-1, 2).flatten(1, 2)  # (B, T E, h, w)
        down = torch.linspace(-1, 1, height, device=codes.device, dtype=codes.dtype)
        across = torch.linspace(-1, 1, width, device=codes.device, dtype=codes.dtype)
        places = torch.stack(torch.meshgrid(down, across, indexing="ij"))
        x = self.input(torch.cat([frames, places.expand(batch, -1, -1, -1)], 1))
        x = x + self.attention(x, before[:, -1], self.embedding, actions)
        for block in self.blocks:
            x = block(x, actions)
        return self.output(F.relu(x))
