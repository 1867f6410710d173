"""WaveNet: a plain Conv1d stack as referee, causality by gradient, stepping, gradients."""

import pytest
import torch
import torch.nn.functional as F

from vqspeech.nn import gated_stack
from vqspeech.nn.gated_stack import GatedStack
from vqspeech.nn.wavenet import WaveNet


def small_wavenet(**changes):
    torch.manual_seed(0)
    sizes = dict(
        layers=4,
        dilation_cycle=3,
        residual_channels=6,
        gate_channels=10,
        skip_channels=7,
        head_channels=9,
        local_channels=3,
        global_channels=2,
        hop=4,
    )
    net = WaveNet(11, **(sizes | changes))
    torch.nn.init.normal_(net.gate_bias)
    return net


def small_inputs(net, batch=2, frames=6):
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(net.num_classes, (batch, frames * net.hop), generator=generator)
    local = torch.randn(batch, net.local_channels, frames, generator=generator)
    speaker = torch.randn(batch, net.global_channels, generator=generator)
    return tokens, local, speaker


def plain_stack(x, taps, residual, condition, dilations, hop):
    """The textbook form on (B, C, T): dilated Conv1d, tanh, sigmoid, 1x1 convolutions."""
    width, half = x.shape[2], taps.shape[1] // 2
    x, units = x.transpose(1, 2), []
    for i, d in enumerate(dilations):
        kernel = torch.stack([taps[i, :, :width], taps[i, :, width:]], dim=2)
        gate = F.conv1d(F.pad(x, (d, 0)), kernel, dilation=d)
        gate = gate + condition[:, :, i].transpose(1, 2).repeat_interleave(hop, dim=2)
        units.append(torch.tanh(gate[:, :half]) * torch.sigmoid(gate[:, half:]))
        if i + 1 < len(dilations):
            x = x + F.conv1d(units[i], residual[i][:, :, None])
    return torch.cat(units, dim=1).transpose(1, 2)


@pytest.mark.parametrize("piece", [4, 32, 2048])
def test_fast_stack_and_all_its_gradients_equal_the_conv1d_form(monkeypatch, piece):
    monkeypatch.setattr(gated_stack, "CPU_ROWS", piece)
    torch.manual_seed(0)
    dilations, hop = (1, 2, 4, 16, 1), 4

    def tensors():
        torch.manual_seed(0)
        shapes = ((2, 40, 6), (5, 8, 12), (4, 6, 4), (2, 10, 5, 8))
        return [torch.randn(*s, dtype=torch.float64).requires_grad_() for s in shapes]

    weights = torch.randn(2, 40, 20, dtype=torch.float64)
    results = []
    for stack in (plain_stack, GatedStack.apply):
        inputs = tensors()
        z = stack(*inputs, dilations, hop)
        (z * weights).sum().backward()
        results.append([z.detach(), *(tensor.grad for tensor in inputs)])
    for plain, fast in zip(*results, strict=True):
        torch.testing.assert_close(fast, plain, rtol=1e-12, atol=1e-12)


def test_no_logit_depends_on_its_own_element_or_a_later_one():
    net = small_wavenet().double()
    tokens, local, speaker = small_inputs(net)
    before = net(tokens, local.double(), speaker.double())
    for t in (0, 5, 23):
        changed = tokens.clone()
        changed[:, t] = (changed[:, t] + 1) % net.num_classes
        after = net(changed, local.double(), speaker.double())
        assert torch.equal(after[..., : t + 1], before[..., : t + 1])
        if t + 1 < tokens.shape[1]:
            assert not torch.allclose(after[..., t + 1], before[..., t + 1])


def test_receptive_field_is_exactly_what_it_says():
    net = small_wavenet(layers=5, dilation_cycle=3, hop=1, local_channels=0, global_channels=0)
    assert net.receptive_field == 1 + (1 + 2 + 4 + 1 + 2)
    x = torch.randn(1, 24, 6, dtype=torch.float64, requires_grad=True)  # (B, T, R)
    condition = net.condition(batch=1).double()
    z = GatedStack.apply(x, net.taps.double(), net.residual.double(), condition, net.dilations, 24)
    z[0, 20].sum().backward()
    seen = x.grad[0].abs().sum(-1) > 0
    # Input t of the stack is element t - 1: elements 20 - 11 to 19, that is inputs 10 to 20.
    assert seen.nonzero().flatten().tolist() == list(range(20 + 1 - net.receptive_field, 21))


def test_frame_floor_t_over_hop_conditions_element_t_and_no_other_does():
    net = small_wavenet(layers=1).double()
    tokens, local, speaker = small_inputs(net)
    local = local.double().requires_grad_()
    for t in (0, 3, 4, 23):
        (gradient,) = torch.autograd.grad(
            net(tokens, local, speaker.double())[..., t].pow(2).sum(), local
        )
        frames = gradient.abs().sum((0, 1)).nonzero().flatten().tolist()
        assert frames == [t // net.hop]


def test_stepping_equals_the_whole_signal():
    net = small_wavenet().double().eval()
    tokens, local, speaker = small_inputs(net)
    local, speaker = local.double(), speaker.double()
    whole = net(tokens, local, speaker)
    condition = net.condition(local, speaker)
    state, token = net.start(2), None
    for t in range(tokens.shape[1]):
        logits, state = net.step(token, state, condition[:, t // net.hop])
        torch.testing.assert_close(logits, whole[..., t], rtol=1e-10, atol=1e-10)
        token = tokens[:, t]


def test_without_conditions_it_is_a_prior_over_any_length():
    net = small_wavenet(local_channels=0, global_channels=0, hop=1)
    for length in (0, 1, 7):
        assert net(torch.zeros(2, length, dtype=torch.int64)).shape == (2, 11, length)


def test_speaker_reaches_every_layer():
    net = small_wavenet()
    condition = [net.condition(torch.zeros(1, 3, 2), torch.full((1, 2), s)) for s in (0.0, 1.0)]
    changed = (condition[0] - condition[1]).abs().sum((0, 1, 3))  # (N,)
    assert (changed > 0).all()


def test_lengths_that_do_not_fit_name_both_numbers():
    net = small_wavenet()
    tokens, local, speaker = small_inputs(net)
    with pytest.raises(ValueError, match=r"23 elements for 6 frames of 4"):
        net(tokens[:, :-1], local, speaker)


def test_bfloat16_autocast_stays_near_float32():
    net = small_wavenet()
    inputs = small_inputs(net)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        low = net(*inputs)
    torch.testing.assert_close(low.float(), net(*inputs), rtol=0.1, atol=0.05)
    low.float().sum().backward()
    assert net.taps.grad.dtype == torch.float32
    assert torch.isfinite(net.taps.grad).all()


def test_it_learns_a_short_sequence_by_heart():
    net = small_wavenet(residual_channels=16, gate_channels=32, hop=4)
    tokens, local, speaker = small_inputs(net, batch=1)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(150):
        loss = F.cross_entropy(net(tokens, local, speaker), tokens)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.05


def lagged_wavenet():
    """A network that sees 4 elements back through its layers and further along a lag."""
    net = small_wavenet(layers=2, has_levels=True, lag_taps=1, longest_lag=12).double().eval()
    with torch.no_grad():
        net.lag_weight.normal_(generator=torch.Generator().manual_seed(5))
    tokens, local, speaker = small_inputs(net)
    lag = torch.tensor([[[0, 6, 9, 0, 12, 2]], [[3, 0, 0, 5, 7, 99]]])
    return net, tokens, torch.cat([local, lag], 1).double(), speaker.double()


def test_lags_show_the_elements_a_period_ago_and_nothing_that_is_to_come():
    net, tokens, local, speaker = lagged_wavenet()
    assert net.lags(local).tolist() == [[0, 6, 9, 0, 12, 2], [3, 0, 0, 5, 7, 12]]  # none beyond 12
    assert net.receptive_field == 4 + 12 + 1 - 1
    embedded = []
    hook = net.scaled  # the numbers that lags show; their gradient tells which are used

    def watched(tokens):
        embedded.append(hook(tokens).double().requires_grad_())
        return embedded[-1]

    net.scaled = watched
    lags = net.lags(local)
    for row, t in [(0, 0), (0, 5), (0, 11), (0, 13), (0, 19), (1, 23), (1, 15)]:
        logits = net(tokens, local, speaker)
        (gradient,) = torch.autograd.grad(logits[row, :, t].pow(2).sum(), embedded[-1])
        used = set(gradient[row].nonzero().flatten().tolist())
        wanted = set()
        for element in range(max(0, t - 3), t + 1):  # whose inputs the layers see
            lag = int(lags[row, element // net.hop])
            if lag:
                wanted |= {element - lag + j for j in (-1, 0, 1)}
        assert used == {place for place in wanted if place >= 0}
        assert max(used, default=-1) < t


def test_stepping_with_lags_equals_the_whole_signal():
    net, tokens, local, speaker = lagged_wavenet()
    whole = net(tokens, local, speaker)
    condition, lags = net.condition(local, speaker), net.lags(local)
    state, token = net.start(2), None
    for t in range(tokens.shape[1]):
        frame = t // net.hop
        logits, state = net.step(token, state, condition[:, frame], lags[:, frame])
        torch.testing.assert_close(logits, whole[..., t], rtol=1e-6, atol=1e-6)
        token = tokens[:, t]


def test_without_any_lag_it_is_the_network_without():
    net, tokens, local, speaker = lagged_wavenet()
    plain = small_wavenet(layers=2, has_levels=True).double().eval()
    plain.load_state_dict({k: v for k, v in net.state_dict().items() if k != "lag_weight"})
    local[:, -1] = 0
    assert torch.equal(net(tokens, local, speaker), plain(tokens, local[:, :-1], speaker))
    with pytest.raises(ValueError, match="lag_taps"):
        small_wavenet(lag_taps=3)
