"""Maps drawn with cached steps, held against the whole model run once for every position."""

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from vqspeech.generation.pixelcnn_cpu import sample_pixelcnn_cpu
from vqspeech.generation.pixelcnn_sampling import map_uniforms, sample_pixelcnn
from vqspeech.generation.pixelcnn_torch import (
    CachedSteps,
    Drawing,
    draw_rows,
    sample_pixelcnn_torch,
)
from vqspeech.nn.pixelcnn import GatedPixelCNN
from vqspeech.nn.sampling import draw

CODES, HEIGHT, WIDTH = 11, 5, 7
MODELS = {
    "narrow": dict(kernel_size=3, first_kernel_size=3),
    "first wider": dict(kernel_size=5, first_kernel_size=7, num_classes=3),
    "first narrower": dict(kernel_size=7, first_kernel_size=3, spatial_channels=5),
    "conditions": dict(channels=20, head_channels=40, num_classes=2, spatial_channels=17),
    "one layer": dict(layers=1),
    "whole tiles": dict(channels=32, head_channels=64, codes=64),
}
SAMPLERS = [sample_pixelcnn_torch, sample_pixelcnn_cpu]


def make(*, codes=CODES, channels=6, layers=3, head_channels=9, **settings):
    """A model whose logits are far from flat, so that a draw depends on those before it."""
    torch.manual_seed(0)
    model = GatedPixelCNN(codes, channels, layers, head_channels=head_channels, **settings).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
        model.head[3].weight.mul_(2)
    return model


def inputs(model, batch, height=HEIGHT, width=WIDTH):
    """Uniform numbers, and the conditions that the model wants."""
    torch.manual_seed(1)
    conditions = {}
    if model.num_classes:
        conditions["classes"] = torch.randint(model.num_classes, (batch,))
    if model.spatial_channels:
        conditions["spatial"] = torch.randn(batch, model.spatial_channels, height, width)
    return torch.rand(batch, height, width, dtype=torch.float64), conditions


def some_given(model, uniforms):
    """Codes known here and there, in a whole row, and at the end of a row."""
    generator = torch.Generator().manual_seed(2)
    codes = torch.randint(model.num_codes, uniforms.shape, generator=generator)
    is_known = torch.rand(uniforms.shape, generator=generator) < 0.3
    is_known[:, 2] = is_known[:, 3, 3:] = True
    return torch.where(is_known, codes, -1)


def none_given(uniforms):
    return torch.full(uniforms.shape, -1)


@torch.no_grad()
def naive(model, uniforms, given, conditions, **choice):
    """Codes by a pass over the whole map for each, and the logits (B, H, W, K) of all."""
    codes = given.clamp(min=0)
    for row in range(uniforms.shape[1]):
        for column in range(uniforms.shape[2]):
            logits = model(codes, **conditions)[:, :, row, column]
            drawn = draw(logits, uniforms[:, row, column], **choice)
            known = given[:, row, column]
            codes[:, row, column] = torch.where(known < 0, drawn, known)
    return codes, model(codes, **conditions).permute(0, 2, 3, 1)


def middle(codes, logits):
    """The numbers in the middle of each draw, which rounding moves to no other code."""
    shares = logits.double().softmax(-1)
    above = shares.cumsum(-1).gather(-1, codes[..., None])
    return (above - shares.gather(-1, codes[..., None]) / 2)[..., 0]


@pytest.mark.parametrize("is_given", [False, True])
@pytest.mark.parametrize("batch", [1, 3, 5])
@pytest.mark.parametrize("settings", MODELS.values(), ids=MODELS)
def test_codes_and_logits_are_those_of_the_whole_model_at_every_position(settings, batch, is_given):
    model = make(**settings)
    uniforms, conditions = inputs(model, batch)
    given = some_given(model, uniforms) if is_given else none_given(uniforms)
    codes, expected = naive(model, uniforms, given, conditions)
    uniforms = torch.where(given < 0, middle(codes, expected), uniforms)
    assert codes.unique().numel() > 4
    for sample in SAMPLERS:
        logits = torch.empty(batch, model.num_codes, HEIGHT, WIDTH)
        found = sample(model, Drawing(uniforms, given, **conditions, logits=logits))
        assert torch.equal(found, codes)
        torch.testing.assert_close(logits.permute(0, 2, 3, 1), expected, rtol=0, atol=1e-5)
        assert torch.equal(sample(model, Drawing(uniforms, given, **conditions)), codes)


@pytest.mark.parametrize("choice", [dict(temperature=0), dict(temperature=0.6, top_k=4)])
def test_temperature_and_top_k_choose_as_they_do_in_the_whole_model(choice):
    model = make(num_classes=2).double()  # so exact that no two codes are as likely
    uniforms, conditions = inputs(model, 3)
    codes, _ = naive(model, uniforms, none_given(uniforms), conditions, **choice)
    assert torch.equal(sample_pixelcnn(model, uniforms, **conditions, **choice), codes)
    model.float()
    found = sample_pixelcnn(model, uniforms, **conditions, **choice)
    assert torch.equal(found, codes)
    assert not torch.equal(sample_pixelcnn(model, uniforms, **conditions), codes)


def test_a_map_has_the_same_bits_alone_and_among_others():
    model = make(**MODELS["conditions"])
    uniforms, conditions = inputs(model, 6)
    given = some_given(model, uniforms)

    def run(rows):
        chosen = {name: value[rows] for name, value in conditions.items()}
        logits = torch.empty(len(rows), CODES, HEIGHT, WIDTH)
        drawing = Drawing(uniforms[rows], given[rows], **chosen, logits=logits)
        return sample_pixelcnn_cpu(model, drawing), logits

    codes, logits = run(list(range(6)))
    for rows in ([0], [5], [3, 1], [2, 4, 0, 5]):
        its_codes, its_logits = run(rows)
        assert torch.equal(its_codes, codes[rows])
        assert torch.equal(its_logits, logits[rows])


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (9, 1), (2, 40)])
def test_any_size_of_map_is_drawn(height, width):
    model = make(**MODELS["first wider"]).double()
    uniforms, conditions = inputs(model, 2, height, width)
    codes, _ = naive(model, uniforms, none_given(uniforms), conditions)
    assert torch.equal(sample_pixelcnn(model, uniforms, **conditions), codes)
    assert torch.equal(sample_pixelcnn(model.float(), uniforms, **conditions), codes)


def test_a_prompt_is_kept_and_gone_on_from_as_if_it_had_been_drawn():
    model = make()
    uniforms, _ = inputs(model, 2)
    drawn = sample_pixelcnn(model, uniforms)
    prompt = none_given(uniforms)
    prompt[:, :3] = drawn[:, :3]
    unused = uniforms.clone()
    unused[:, :3] = 0.5
    assert torch.equal(sample_pixelcnn(model, unused, given=prompt), drawn)
    prompt[:, :3] = (drawn[:, :3] + 1) % CODES
    other = sample_pixelcnn(model, uniforms, given=prompt)
    assert torch.equal(other[:, :3], prompt[:, :3])
    assert (other[:, 3:] != drawn[:, 3:]).any()


def test_numbers_of_a_map_depend_on_its_seed_and_stream_alone():
    maps = map_uniforms(5, [3, 0, 9], 4, 6)
    assert maps.shape == (3, 4, 6)
    assert maps.dtype == torch.float64
    assert torch.equal(map_uniforms(5, [9], 4, 6)[0], maps[2])
    # The rows of one stream follow one another: a taller map begins as a lower one does.
    assert torch.equal(map_uniforms(5, [3], 8, 6)[0, :4], maps[0])
    assert not torch.equal(map_uniforms(6, [3], 4, 6)[0], maps[0])
    assert not torch.equal(maps[0], maps[1])
    assert map_uniforms(5, [], 4, 6).shape == (0, 4, 6)


class Recorder(TorchDispatchMode):
    """Repeats operations on the memory that they had, as a CUDA graph does.

    What Python computed meanwhile is not computed again, and where an operation made a new tensor,
    its result goes there again.
    """

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        # The host reads a value here, which no graph can wait for.
        assert function is not torch.ops.aten._local_scalar_dense.default
        self.calls.append((function, args, kwargs or {}, result))
        return result

    def replay(self):
        for function, args, kwargs, result in self.calls:
            again = function(*args, **kwargs)
            for old, new in zip(tree_leaves(result), tree_leaves(again), strict=True):
                if old.data_ptr() != new.data_ptr():
                    old.copy_(new)


def test_steps_repeated_as_they_were_recorded_draw_the_same_codes():
    model = make(**MODELS["conditions"])
    uniforms, conditions = inputs(model, 3)
    given = some_given(model, uniforms)
    drawing = Drawing(uniforms, given, **conditions, top_k=5)
    expected = sample_pixelcnn_torch(model, drawing)
    with torch.inference_mode():
        steps = CachedSteps(model, drawing)
        replays = []
        for action in (steps.begin_row, steps.step):
            with Recorder() as recorder:
                action()
            replays.append(recorder.replay)
        steps.reset()
        found = draw_rows(drawing, steps, *replays)
    assert torch.equal(found, expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_model_can_be_trained_on_codes_that_it_drew(dtype):
    model = make(num_classes=2).to(dtype)
    uniforms, conditions = inputs(model, 2)
    codes = sample_pixelcnn(model, uniforms, **conditions)
    F.cross_entropy(model(codes, **conditions), codes).backward()
    assert model.embedding.weight.grad.any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_progress_is_told_after_each_row_and_an_interrupt_there_ends_it(dtype):
    model = make().to(dtype)
    uniforms, _ = inputs(model, 2)
    told = []
    sample_pixelcnn(model, uniforms, progress=told.append)
    assert told == [7, 14, 21, 28, 35]

    def interrupt(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sample_pixelcnn(model, uniforms, progress=interrupt)


@pytest.mark.parametrize("shape", [(0, 3, 4), (2, 0, 4), (2, 3, 0)])
def test_no_maps_and_maps_without_positions_are_no_codes(shape):
    codes = sample_pixelcnn(make(), torch.zeros(shape))
    assert codes.shape == shape
    assert codes.dtype == torch.int64


def test_arguments_that_do_not_fit_are_refused():
    model = make(num_classes=2, spatial_channels=3)
    uniforms, conditions = inputs(model, 2)
    codes = none_given(uniforms)
    broken = conditions["spatial"].clone()
    broken[1, 2, 4, 6] = float("nan")
    for change, message in [
        (dict(uniforms=uniforms[0]), r"uniforms of shape \(5, 7\)"),
        (dict(given=codes[:, 1:]), r"given codes of shape \(2, 4, 7\); \(2, 5, 7\) is wanted"),
        (dict(given=codes.float()), "int64 is wanted"),
        (dict(given=codes + CODES + 1), r"beyond -1 \(to be drawn\) to 10"),
        (dict(given=codes - 1), r"beyond -1 \(to be drawn\) to 10"),
        (dict(classes=None), r"classes of shape None; \(2,\) is wanted"),
        (dict(classes=torch.tensor([0, 2])), r"classes \[0, 2\]; 0 to 1 are wanted"),
        (dict(classes=torch.tensor([0.0, 1.0])), "0 to 1 are wanted"),
        (dict(spatial=broken[:1]), r"spatial of shape \(1, 3, 5, 7\)"),
        (dict(spatial=broken), "spatial condition holds NaN or infinity"),
        (dict(temperature=-1.0), "temperature -1.0"),
        (dict(temperature=float("nan")), "temperature nan"),
        (dict(top_k=-1), "top_k -1"),
    ]:
        with pytest.raises(ValueError, match=message):
            sample_pixelcnn(model, **dict(uniforms=uniforms, **conditions) | change)


@pytest.mark.parametrize("name", ["layers.1.output.bias", "head.3.weight"])
def test_weights_that_are_no_numbers_are_refused_and_huge_ones_are_not(name):
    model = make()
    uniforms, _ = inputs(model, 1)
    with torch.no_grad():
        model.get_parameter(name).view(-1)[:2] = 3e38  # their sum is no float32
        sample_pixelcnn(model, uniforms)
        model.get_parameter(name).view(-1)[-1] = float("nan")
    with pytest.raises(ValueError, match=f"{name} holds NaN or infinity"):
        sample_pixelcnn(model, uniforms)
