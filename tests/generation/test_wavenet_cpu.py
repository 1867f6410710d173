"""The compiled sampler: the torch sampler as referee, independence of batch, order and threads."""

import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from vqspeech.generation import wavenet_cpu
from vqspeech.generation.matrix_packing import pack
from vqspeech.generation.wavenet_cpu import CpuStreams, sample_wavenet_cpu
from vqspeech.generation.wavenet_torch import TorchStreams, sample_wavenet
from vqspeech.nn.wavenet import WaveNet

ODD = dict(
    layers=4,
    dilation_cycle=3,
    residual_channels=6,
    gate_channels=10,
    skip_channels=7,
    head_channels=9,
)
# 14 inputs and 48 skips fill 62 of 64 columns: padding makes the tile that is read whole.
UNEVEN = dict(
    layers=7,
    dilation_cycle=5,
    residual_channels=14,
    gate_channels=60,
    skip_channels=48,
    head_channels=100,
)
WIDE = dict(
    layers=11,
    dilation_cycle=10,
    residual_channels=32,
    gate_channels=64,
    skip_channels=128,
    head_channels=130,
)
ONE = dict(layers=1, residual_channels=16, gate_channels=32, skip_channels=16, head_channels=16)


def make(classes=256, *, local_channels=5, global_channels=3, hop=16, **sizes):
    """A network whose logits are far from flat, so that a draw depends on those before it."""
    torch.manual_seed(0)
    net = WaveNet(
        classes,
        local_channels=local_channels,
        global_channels=global_channels,
        hop=hop,
        **(ODD | sizes),
    ).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(2)
        net.logits.weight.mul_(4)
        net.gate_bias.normal_()
    return net


def inputs(net, batch, length, seed=1):
    """Uniforms (B, T) and conditions for them."""
    generator = torch.Generator().manual_seed(seed)
    uniforms = torch.rand(batch, length, generator=generator, dtype=torch.float64)
    frames = -(-length // net.hop)
    local = torch.randn(batch, net.local_channels, frames, generator=generator)
    speaker = torch.randn(batch, net.global_channels, generator=generator)
    conditions = {
        "local": local if net.local_channels else None,
        "global_": speaker if net.global_channels else None,
    }
    return uniforms, conditions


def sample_with_logits(net, uniforms, local=None, global_=None, **choice):
    """Samples, and the logits (B, T, K) that they were drawn from."""
    logits = np.empty((*uniforms.shape, net.num_classes), np.float32)
    streams = CpuStreams(net, len(uniforms), global_)
    tokens = streams.advance(uniforms, local, logits=logits, **choice)
    return tokens, torch.from_numpy(logits)


def reference(net, uniforms, conditions, temperature):
    """Samples and logits of the torch network, and the uniforms in the middle of each draw.

    A number that falls within a rounding error of the border between two levels may draw either;
    one in the middle of the level's interval has to draw that level, and on every processor.
    """
    tokens = sample_wavenet(net, uniforms, **conditions, temperature=temperature)
    with torch.inference_mode():
        logits = net(tokens, **conditions).transpose(1, 2)  # (B, T, K)
    steps = (logits.double() / max(temperature, 1e-9)).softmax(-1)
    above = steps.cumsum(-1).gather(-1, tokens[..., None])[..., 0]
    return tokens, logits, above - steps.gather(-1, tokens[..., None])[..., 0] / 2


@pytest.mark.parametrize(
    ("batch", "temperature", "net"),
    [
        (1, 1.0, dict(WIDE, hop=64)),
        (3, 0.7, dict(ODD, classes=11, hop=4)),
        (5, 1.0, dict(UNEVEN, hop=300)),
        (1, 0.7, dict(UNEVEN, classes=100, local_channels=0)),
        (3, 1.0, dict(WIDE, classes=256, global_channels=0, hop=1)),
        (2, 1.0, dict(ONE, local_channels=0, global_channels=0)),
        (5, 0.0, dict(WIDE, hop=7)),
    ],
)
def test_samples_and_logits_are_those_of_the_torch_network(batch, temperature, net):
    net = make(**net)
    uniforms, conditions = inputs(net, batch, -(-1050 // net.hop) * net.hop)
    tokens, logits, uniforms = reference(net, uniforms, conditions, temperature)
    found, its_logits = sample_with_logits(net, uniforms, **conditions, temperature=temperature)
    assert torch.equal(found, tokens)
    torch.testing.assert_close(its_logits, logits, rtol=0, atol=1e-4)
    assert logits.std() > 0.5
    assert all(row.unique().numel() > 3 for row in tokens)


@pytest.mark.parametrize(("classes", "top_k"), [(11, 3), (100, 20)])
def test_top_k_draws_what_the_torch_sampler_draws(classes, top_k):
    net = make(**UNEVEN, classes=classes)
    uniforms, conditions = inputs(net, 3, 320)
    tokens = sample_wavenet(net, uniforms, **conditions, top_k=top_k, temperature=0.9)
    found, logits = sample_with_logits(net, uniforms, **conditions, top_k=top_k, temperature=0.9)
    descending = logits.sort(-1, descending=True).values
    # Far from where rounding could exchange the last level that is kept with the next one.
    assert (descending[..., top_k - 1] - descending[..., top_k]).min() > 1e-5
    assert torch.equal(found, tokens)
    ranks = (logits > logits.gather(-1, found[..., None])).sum(-1)
    assert ranks.max() == top_k - 1
    assert not torch.equal(sample_wavenet_cpu(net, uniforms, **conditions, temperature=0.9), found)


def test_of_one_level_the_likeliest_is_drawn_and_of_all_any():
    net = make(**ODD, classes=7)
    uniforms, conditions = inputs(net, 2, 64)
    for sample in (sample_wavenet, sample_wavenet_cpu):
        likeliest = sample(net, uniforms, **conditions, temperature=0)
        assert torch.equal(sample(net, uniforms, **conditions, top_k=1), likeliest)
        everything = sample(net, uniforms, **conditions)
        for top_k in (7, 100):
            assert torch.equal(sample(net, uniforms, **conditions, top_k=top_k), everything)


def test_levels_as_likely_as_the_last_of_the_top_stay():
    net = make(classes=5, local_channels=0, global_channels=0)
    with torch.no_grad():
        net.logits.weight.zero_()
        net.logits.bias.copy_(torch.tensor([0.0, 1.0, 0.0, -1.0, 1.0]))
    uniforms = torch.arange(100, dtype=torch.float64)[None] / 100
    for top_k, kept in ((1, {1, 4}), (2, {1, 4}), (3, {0, 1, 2, 4}), (4, {0, 1, 2, 4})):
        for sample in (sample_wavenet, sample_wavenet_cpu):
            assert set(sample(net, uniforms, top_k=top_k)[0].tolist()) == kept


@pytest.mark.parametrize("sample", [sample_wavenet, sample_wavenet_cpu])
def test_given_elements_are_gone_on_from_as_if_they_had_been_drawn(sample, monkeypatch):
    net = make(**ODD, classes=30)
    uniforms, conditions = inputs(net, 2, 272)
    drawn = sample(net, uniforms, **conditions)
    unused = uniforms.clone()
    for known in (0, 1, 256, 272):
        unused[:, :known] = 0.5
        again = sample(net, unused, **conditions, given=drawn[:, :known])
        assert torch.equal(again, drawn)
    other = (drawn[:, :90] + 1) % 30
    continued = sample(net, uniforms, **conditions, given=other)
    assert torch.equal(continued[:, :90], other)
    assert (continued[:, 90:] != drawn[:, 90:]).any()


@pytest.mark.parametrize("make_streams", [TorchStreams, CpuStreams])
def test_pieces_one_after_another_are_the_whole(make_streams):
    net = make(**UNEVEN, classes=30, hop=10)
    uniforms, conditions = inputs(net, 2, 400)
    whole = sample_wavenet(net, uniforms, **conditions)
    streams = make_streams(net, 2, conditions["global_"])
    for begin, end in ((0, 10), (10, 270), (270, 280), (280, 400)):
        local = conditions["local"][:, :, begin // 10 : end // 10]
        piece = streams.advance(uniforms[:, begin:end], local)
        assert torch.equal(piece, whole[:, begin:end])


@pytest.mark.parametrize("sample", [sample_wavenet, sample_wavenet_cpu])
def test_given_elements_that_do_not_fit_are_refused(sample):
    net = make(classes=7)
    uniforms, conditions = inputs(net, 2, 32)
    for given, message in [
        (torch.zeros(2, 33, dtype=torch.int64), "given elements of shape"),
        (torch.zeros(1, 3, dtype=torch.int64), "given elements of shape"),
        (torch.zeros(2, dtype=torch.int64), "given elements of shape"),
        (torch.zeros(2, 3), "int64 is wanted"),
        (torch.tensor([[0, 7], [0, 0]]), "beyond 0 to 6"),
        (torch.tensor([[0, 0], [-1, 0]]), "beyond 0 to 6"),
    ]:
        with pytest.raises(ValueError, match=message):
            sample(net, uniforms, **conditions, given=given)
    with pytest.raises(ValueError, match="top_k -1"):
        sample(net, uniforms, **conditions, top_k=-1)


def test_history_and_both_conditions_reach_the_samples():
    net = make(**WIDE)
    uniforms, conditions = inputs(net, 1, 400)
    tokens = sample_wavenet_cpu(net, uniforms, **conditions)
    for name, condition in conditions.items():
        changed = conditions | {name: condition + 1}
        assert not torch.equal(sample_wavenet_cpu(net, uniforms, **changed), tokens)
    first = uniforms.clone()
    first[0, 0] = (uniforms[0, 0] + 0.5) % 1  # only this number: the rest must follow
    again = sample_wavenet_cpu(net, first, **conditions)
    assert (again[0, 200:] != tokens[0, 200:]).any()


def test_a_prefix_of_the_numbers_gives_a_prefix_of_the_samples_however_it_is_cut(monkeypatch):
    net = make(**WIDE, hop=20)
    uniforms, conditions = inputs(net, 3, 600)
    whole = sample_wavenet_cpu(net, uniforms, **conditions)
    for length in (1, 7, 255, 256, 257, 333):
        part = sample_wavenet_cpu(net, uniforms[:, :length], **conditions)
        assert torch.equal(part, whole[:, :length])
    for chunk in (1, 5, 64, 10000):
        monkeypatch.setattr(wavenet_cpu, "CHUNK", chunk)
        assert torch.equal(sample_wavenet_cpu(net, uniforms, **conditions), whole)


@pytest.mark.parametrize("sizes", [UNEVEN, WIDE])
def test_a_stream_has_the_same_bits_alone_and_among_others(sizes):
    net = make(**sizes)
    uniforms, conditions = inputs(net, 7, 300)
    tokens, logits = sample_with_logits(net, uniforms, **conditions)
    for rows in ([0], [4], [6], [1, 5], [6, 2, 0], [0, 1, 2, 3]):
        chosen = {name: condition[rows] for name, condition in conditions.items()}
        alone, its_logits = sample_with_logits(net, uniforms[rows], **chosen)
        assert torch.equal(alone, tokens[rows])
        assert torch.equal(its_logits, logits[rows])
    longer = dict(conditions, local=torch.nn.functional.pad(conditions["local"], (0, 9)))
    assert torch.equal(sample_with_logits(net, uniforms, **longer)[1], logits)


@pytest.mark.parametrize("temperature", [1.0, 0.7, 0.05, 1e-3])
def test_numbers_at_the_edges_draw_what_the_reference_draws(temperature):
    # At 0 the first level with a probability is drawn, be it 1e-45; near 1 the last one.
    net = make(**ODD, local_channels=0, global_channels=0)
    edges = torch.tensor([0.0, 1e-300, 1 - 2**-53, 1.0, 0.5], dtype=torch.float64)
    uniforms = edges.repeat(20)[None]
    expected = sample_wavenet(net, uniforms, temperature=temperature)
    assert torch.equal(sample_wavenet_cpu(net, uniforms, temperature=temperature), expected)
    assert expected.unique().numel() > 1


def test_a_level_far_below_the_likeliest_is_never_drawn_and_the_lowest_of_equals_is():
    net = make(classes=5, local_channels=0, global_channels=0)
    uniforms = torch.tensor([[0.0, 0.3, 0.999999, 1.0]], dtype=torch.float64)
    with torch.no_grad():
        net.logits.weight.zero_()
        net.logits.bias.copy_(torch.tensor([-200.0, 0.0, -1e30, 0.0, -104.5]))
    assert sample_wavenet_cpu(net, uniforms).tolist() == [[1, 1, 3, 3]]
    assert sample_wavenet_cpu(net, uniforms, temperature=0).tolist() == [[1, 1, 1, 1]]
    assert sample_wavenet_cpu(net, uniforms, temperature=1e-7).tolist() == [[1, 1, 1, 1]]
    with torch.no_grad():
        net.logits.bias[0] = -102.0  # smaller than a normal float32, but not nothing
    assert sample_wavenet_cpu(net, uniforms).tolist() == [[0, 1, 3, 3]]
    assert sample_wavenet(net, uniforms).tolist() == [[0, 1, 3, 3]]


def test_gates_far_out_of_range_saturate():
    net = make(**ODD)
    with torch.no_grad():
        net.gate_bias.mul_(1e4)
    uniforms, conditions = inputs(net, 2, 64)
    tokens, logits = sample_with_logits(net, uniforms, **conditions)
    assert torch.isfinite(logits).all()
    assert torch.equal(tokens, sample_wavenet(net, uniforms, **conditions))


def test_no_elements_and_no_streams_are_no_samples():
    net = make()
    for batch, length in ((2, 0), (0, 3)):
        uniforms, conditions = inputs(net, batch, length)
        tokens = sample_wavenet_cpu(net, uniforms, **conditions)
        assert tokens.shape == (batch, length)
        assert tokens.dtype == torch.int64


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("name", ["taps", "skip.bias", "embedding.weight", "logits.weight"])
def test_weights_that_are_no_numbers_are_refused(name, value):
    net = make()
    uniforms, conditions = inputs(net, 1, 8)
    with torch.no_grad():
        net.get_parameter(name).view(-1)[-1] = value
    with pytest.raises(ValueError, match=f"{name} holds NaN or infinity"):
        sample_wavenet_cpu(net, uniforms, **conditions)


def test_conditions_that_are_no_numbers_or_do_not_fit_are_refused():
    net = make()
    uniforms, conditions = inputs(net, 2, 40)
    for name, bad in (("local", float("nan")), ("global_", float("inf"))):
        broken = conditions[name].clone()
        broken.view(-1)[-1] = bad
        with pytest.raises(ValueError, match="condition holds NaN or infinity"):
            sample_wavenet_cpu(net, uniforms, **conditions | {name: broken})
        with pytest.raises(ValueError, match="wanted or not"):
            sample_wavenet_cpu(net, uniforms, **conditions | {name: None})
        with pytest.raises(ValueError, match="is wanted"):
            sample_wavenet_cpu(net, uniforms, **conditions | {name: conditions[name][:1]})
    with pytest.raises(ValueError, match="49 elements for 3 frames of 16"):
        sample_wavenet_cpu(net, torch.rand(2, 49), **conditions)
    with pytest.raises(ValueError, match="temperature"):
        sample_wavenet_cpu(net, uniforms, **conditions, temperature=float("nan"))


def test_progress_is_told_and_an_interrupt_between_chunks_ends_it():
    net = make()
    uniforms, conditions = inputs(net, 2, 1000)
    told = []
    sample_wavenet_cpu(net, uniforms, **conditions, progress=told.append)
    assert told == [256, 512, 768, 1000]

    def interrupt(drawn):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sample_wavenet_cpu(net, uniforms, **conditions, progress=interrupt)


def test_two_threads_at_once_sample_as_one_after_the_other():
    net = make(**WIDE)
    both = [inputs(net, 2, 3000, seed) for seed in (1, 2)]
    expected = [sample_wavenet_cpu(net, u, **conditions) for u, conditions in both]
    found = [None, None]

    def work(i):
        found[i] = sample_wavenet_cpu(net, both[i][0], **both[i][1])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_python_runs_on_while_samples_are_drawn(monkeypatch):
    net = make(**WIDE)
    uniforms, conditions = inputs(net, 4, 20000)
    sample_wavenet_cpu(net, uniforms[:, :1], **conditions)
    monkeypatch.setattr(wavenet_cpu, "CHUNK", 20000)  # one call of the compiled code
    gaps = []

    def sleep_and_wake():
        last = time.perf_counter()
        while not done.is_set():
            time.sleep(0.001)
            now = time.perf_counter()
            gaps.append(now - last)
            last = now

    done = threading.Event()
    other = threading.Thread(target=sleep_and_wake)
    other.start()
    began = time.perf_counter()
    sample_wavenet_cpu(net, uniforms, **conditions)
    spent = time.perf_counter() - began
    done.set()
    other.join()
    # Kept, the GIL would let the other thread wake next to never.
    assert max(gaps) < spent / 2


def test_a_packed_matrix_holds_every_column_once():
    for columns in (1, 16, 60, 62, 64, 70, 160):
        matrix = np.arange(3 * columns, dtype=np.float32).reshape(3, columns) + 1
        flat = pack(matrix)
        assert flat.size == 3 * (-(-columns // 16) * 16)
        assert sorted(flat[flat > 0]) == sorted(matrix.ravel())


@pytest.mark.parametrize("error", [RuntimeError("no locator available"), OSError("disk full")])
def test_where_no_cache_can_be_written_it_compiles_for_the_process(monkeypatch, error):
    from numba.core import caching
    from numba.core.types import int64

    from vqspeech.generation.compilation import compiled

    def refuse(*arguments):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(caching.CompileResultCacheImpl, "__init__", refuse)
        doubled = compiled(lambda x: 2 * x, int64(int64))
    assert doubled(21) == 42


def test_compiled_code_is_kept_under_a_key_that_names_the_version_of_its_parts():
    from numba.core.caching import FunctionCache
    from numba.core.registry import cpu_target

    from vqspeech.generation import compilation
    from vqspeech.generation.wavenet_kernel import _make_run

    codegen = cpu_target.target_context.codegen()
    keys = [FunctionCache(_make_run(v))._index_key(None, codegen) for v in ((1, 5), (2, 5), (1, 5))]
    assert keys[0] == keys[2] != keys[1]
    ((_, size),) = compilation.versions(sys.modules[__name__])
    assert size > 10_000
    assert compilation.versions(SimpleNamespace(__file__="/no/such/file")) == ((0, 0),)


def lagged(batch, length, **sizes):
    """A network with lags, uniforms, and conditions some of whose frames have one."""
    net = make(has_levels=True, lag_taps=2, longest_lag=40, **sizes)
    with torch.no_grad():
        net.lag_weight.normal_(generator=torch.Generator().manual_seed(2))
    uniforms, conditions = inputs(net, batch, length)
    frames = conditions["local"].shape[2]
    lag = torch.randint(3, 41, (batch, 1, frames), generator=torch.Generator().manual_seed(3))
    lag[:, :, ::4] = 0
    conditions["local"] = torch.cat([conditions["local"], lag], 1)
    return net, uniforms, conditions


@pytest.mark.parametrize("batch", [1, 3])
def test_with_lags_it_draws_what_the_torch_sampler_draws(batch):
    net, uniforms, conditions = lagged(batch, 300)
    expected = sample_wavenet(net, uniforms, **conditions)
    found, logits = sample_with_logits(net, uniforms, **conditions)
    assert torch.equal(found, expected)
    with torch.no_grad():
        local = conditions["local"][:, :, :-1]  # whole frames
        length = local.shape[2] * net.hop
        whole = net(found[:, :length], local, conditions["global_"]).transpose(1, 2)
    np.testing.assert_allclose(logits[:, :length], whole.numpy(), atol=2e-4)
    plain = conditions["local"].clone()
    plain[:, -1] = 0
    without = sample_wavenet_cpu(net, uniforms, plain, conditions["global_"])
    assert not torch.equal(without, found)  # they matter here


def test_streams_with_lags_go_on_where_they_were_and_are_alone_as_in_a_batch():
    net, uniforms, conditions = lagged(3, 320)
    whole = sample_wavenet_cpu(net, uniforms, **conditions)
    streams = CpuStreams(net, 3, conditions["global_"])
    local = conditions["local"]
    parts = [
        streams.advance(uniforms[:, a * 16 : b * 16], local[:, :, a:b])
        for a, b in ((0, 3), (3, 11), (11, 20))
    ]
    assert torch.equal(torch.cat(parts, 1), whole)
    one = slice(1, 2)
    alone = sample_wavenet_cpu(net, uniforms[one], local[one], conditions["global_"][one])
    assert torch.equal(alone, whole[one])
