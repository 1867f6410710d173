"""What a prior is told of the frames before: attention against loops over places."""

import math

import pytest
import torch
from torch import nn

from recipes.video.context_network import KEY, ContextNetwork, LocalAttention
from recipes.video.settings import ContextSettings

CHANNELS, NUM_CODES, CODE_CHANNELS, HEADS, VALUES = 5, 7, 3, 2, 4
SIDES = (4, 6)  # h, w


def build(*, actions=3, down=1, across=2):
    """An attention whose weights are all drawn, so that none goes unseen."""
    settings = ContextSettings(
        heads=HEADS, embedding_channels=VALUES, reach_down=down, reach_across=across
    )
    torch.manual_seed(0)
    attention = LocalAttention(CHANNELS, settings, actions, CODE_CHANNELS)
    for parameter in attention.parameters():
        nn.init.normal_(parameter, std=0.5)
    return attention.double()


def an_input(batch=2):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(batch, CHANNELS, *SIDES, generator=generator, dtype=torch.float64)
    last = torch.randint(NUM_CODES, (batch, *SIDES), generator=generator)
    embedding = torch.randn(NUM_CODES, CODE_CHANNELS, generator=generator, dtype=torch.float64)
    return x, last, embedding


def by_loops(attention, x, last, embedding, actions, down, across):
    """The same, place by place and head by head."""
    batch, (height, width) = len(x), SIDES
    output = torch.zeros_like(x)
    query, out = attention.query, attention.output
    for b in range(batch):
        for i in range(height):
            for j in range(width):
                queries = query.weight[:, :, 0, 0] @ x[b, :, i, j] + query.bias
                queries = queries.view(HEADS, KEY)
                table = attention.offset.weight[actions[b]].view(HEADS, -1)
                found = []
                for head in range(HEADS):
                    logits, values, offset = [], [], 0
                    for y in range(i - down, i + down + 1):
                        for z in range(j - across, j + across + 1):
                            key = torch.zeros(KEY, dtype=x.dtype)
                            value = torch.zeros(VALUES, dtype=x.dtype)
                            if 0 <= y < height and 0 <= z < width:
                                code = embedding[last[b, y, z]]
                                key = attention.key.weight @ code + attention.key.bias
                                value = attention.value.weight @ code + attention.value.bias
                            likeness = queries[head] @ key / math.sqrt(KEY)
                            logits.append(likeness + table[head, offset])
                            values.append(value)
                            offset += 1
                    weights = torch.stack(logits).exp()
                    found.append((weights / weights.sum()) @ torch.stack(values))
                output[b, :, i, j] = out.weight[:, :, 0, 0] @ torch.cat(found) + out.bias
    return output


@torch.no_grad()
@pytest.mark.parametrize(("down", "across"), [(1, 2), (0, 0), (2, 1)])
def test_attention_is_that_of_loops_over_places_with_zeros_beyond_the_edge(down, across):
    attention = build(down=down, across=across)
    x, last, embedding = an_input()
    found = attention(x, last, embedding, torch.tensor([2, 0]))
    torch.testing.assert_close(found, by_loops(attention, x, last, embedding, [2, 0], down, across))


@torch.no_grad()
def test_without_actions_there_is_one_table():
    attention = build(actions=0)
    x, last, embedding = an_input()
    assert attention.offset.weight.shape == (1, HEADS * 3 * 5)
    found = attention(x, last, embedding, None)
    torch.testing.assert_close(found, by_loops(attention, x, last, embedding, [0, 0], 1, 2))


def test_a_place_sees_the_last_frame_exactly_as_far_as_it_reaches():
    down, across = 2, 3
    attention = build(actions=0, down=down, across=across)
    height, width, place = 9, 11, (4, 5)
    torch.manual_seed(0)
    x = torch.randn(1, CHANNELS, height, width, dtype=torch.float64)
    # Each place has a code of its own, so that a code's gradient is that of its place.
    embedding = torch.randn(height * width, CODE_CHANNELS, dtype=torch.float64, requires_grad=True)
    last = torch.arange(height * width).view(1, height, width)
    attention(x, last, embedding, None)[..., place[0], place[1]].sum().backward()
    seen = embedding.grad.abs().sum(1).view(height, width) > 0
    wanted = torch.zeros(height, width, dtype=torch.bool)
    wanted[4 - down : 4 + down + 1, 5 - across : 5 + across + 1] = True
    assert torch.equal(seen, wanted)


def test_a_table_that_points_aside_moves_the_frame():
    """An action whose table holds one offset alone shows what stood there: a turn by a code."""
    attention = build(actions=2, down=0, across=1)
    with torch.no_grad():
        nn.init.zeros_(attention.query.weight)
        nn.init.zeros_(attention.query.bias)
        table = torch.full((2, HEADS, 3), -1e9, dtype=torch.float64)
        table[0, :, 2] = table[1, :, 0] = 0  # from the right; from the left
        attention.offset.weight.copy_(table.view(2, -1))
        x, last, embedding = an_input()
        stays = build(actions=0, down=0, across=0)
        for name in ("query", "key", "value", "output"):
            getattr(stays, name).load_state_dict(getattr(attention, name).state_dict())
        unmoved = stays(x, last, embedding, None)
        moved = attention(x, last, embedding, torch.tensor([0, 1]))
    torch.testing.assert_close(moved[0, :, :, :-1], unmoved[0, :, :, 1:])
    torch.testing.assert_close(moved[1, :, :, 1:], unmoved[1, :, :, :-1])


def build_network(scale=1.0):
    settings = ContextSettings(channels=6, blocks=2, embedding_channels=4, map_channels=3, heads=2)
    torch.manual_seed(0)
    return ContextNetwork(settings, 2, 3, scale * torch.randn(NUM_CODES, CODE_CHANNELS)).eval()


@torch.no_grad()
def test_the_map_does_not_depend_on_the_scale_of_the_first_stages_codes():
    before = torch.randint(NUM_CODES, (2, 2, *SIDES))
    actions = torch.tensor([0, 2])
    own = build_network()(before, actions)
    assert own.shape == (2, 3, *SIDES)
    torch.testing.assert_close(build_network(100.0)(before, actions), own)


@torch.no_grad()
def test_the_map_tells_places_apart_where_all_codes_are_alike():
    network = build_network()
    still = torch.zeros(1, 2, 41, 41, dtype=torch.int64)
    found = network(still, torch.tensor([1]))[0]
    # In the middle no edge is within reach, and yet the map is another at each place.
    middle = found[:, 20, 18:23]
    assert (middle.diff(dim=1).abs() > 1e-6).any(0).all()
