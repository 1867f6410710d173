import pytest
import torch

from vqspeech.nn.encoder import ChannelNorm, StridedEncoder

STRIDES = {64: [2] * 6, 128: [2] * 7, 640: [2] * 7 + [5]}


def frame_reach(encoder, frame, frames):
    """First and last sample that output `frame` depends on, by its gradient."""
    length = frames * encoder.hop
    signal = torch.randn(1, encoder.in_channels, length, dtype=torch.float64, requires_grad=True)
    encoder.double()(signal)[0, :, frame].square().sum().backward()
    seen = signal.grad[0].abs().sum(0).nonzero()[:, 0]
    return seen[0].item(), seen[-1].item()


@pytest.mark.parametrize("hop", STRIDES)
def test_strides_give_the_frame_rates_of_the_paper(hop):
    encoder = StridedEncoder(1, 4, 3, STRIDES[hop])
    assert encoder.hop == hop
    for frames in (0, 1, 2, 5):
        assert encoder(torch.zeros(2, 1, frames * hop)).shape == (2, 3, frames)


@pytest.mark.parametrize("strides", [[2, 2, 5], [3, 1], [4, 2]])
def test_a_frame_depends_on_its_receptive_field_centred_on_its_own_samples(strides):
    torch.manual_seed(0)
    encoder = StridedEncoder(2, 6, 3, strides, residual_blocks=1)
    frames, frame = 11, 5
    first, last = frame_reach(encoder, frame, frames)
    assert last - first + 1 == encoder.receptive_field
    assert first == frame * encoder.hop - encoder.context
    assert last == (frame + 1) * encoder.hop - 1 + encoder.context


def test_the_receptive_field_holds_for_the_whole_stack_of_the_paper():
    torch.manual_seed(0)
    encoder = StridedEncoder(1, 16, 3, STRIDES[64], residual_blocks=2)
    first, last = frame_reach(encoder, frame=6, frames=13)
    assert (first, last) == (6 * 64 - encoder.context, 7 * 64 - 1 + encoder.context)
    # Six windows of 4: 1 + 3 (1 + 2 + ... + 32) = 190; two blocks: 2 x 2 x 64 more.
    assert encoder.receptive_field == 190 + 256


@pytest.mark.parametrize(("stride", "window"), [(1, 3), (2, 4), (4, 8), (5, 11)])
def test_a_window_is_twice_the_stride_and_one_more_for_odd_strides(stride, window):
    assert StridedEncoder(1, 4, 2, [stride], residual_blocks=0).receptive_field == window


def test_chunks_with_context_give_the_frames_of_the_whole():
    torch.manual_seed(0)
    encoder = StridedEncoder(1, 8, 4, [2, 2, 2]).double()
    signal = torch.randn(1, 1, 40 * 8, dtype=torch.float64)
    margin = -(-encoder.context // encoder.hop)  # frames
    chunk = encoder(signal[..., (20 - margin) * 8 : (25 + margin) * 8])
    torch.testing.assert_close(chunk[..., margin:-margin], encoder(signal)[..., 20:25])


def test_a_spectrogram_front_end_is_encoded_by_a_single_stride():
    encoder = StridedEncoder(80, 8, 4, [2])
    assert encoder(torch.randn(3, 80, 50)).shape == (3, 4, 25)


def test_normalisation_sees_one_time_step_alone():
    norm = ChannelNorm(5)
    x = torch.randn(2, 5, 7)
    torch.testing.assert_close(norm(x)[..., 3:4], norm(x[..., 3:4]))
    torch.testing.assert_close(norm(x).mean(1), torch.zeros(2, 7), atol=1e-6, rtol=0)


def test_every_weight_is_trained():
    encoder = StridedEncoder(1, 8, 4, [2, 2])
    encoder(torch.randn(2, 1, 16)).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in encoder.parameters())


def test_windows_may_be_chosen_if_they_can_be_centred():
    assert StridedEncoder(1, 4, 2, [5], kernel_sizes=[7])(torch.zeros(1, 1, 15)).shape == (1, 2, 3)
    with pytest.raises(ValueError, match="a window of 10 with stride 5"):
        StridedEncoder(1, 4, 2, [5], kernel_sizes=[10])
    with pytest.raises(ValueError, match="1 kernel sizes for 2 strides"):
        StridedEncoder(1, 4, 2, [2, 2], kernel_sizes=[4])


@pytest.mark.parametrize("strides", [[], [2, 0]])
def test_strides_must_be_positive(strides):
    with pytest.raises(ValueError, match="strides"):
        StridedEncoder(1, 4, 2, strides)


def test_broken_frames_and_other_channels_are_refused():
    encoder = StridedEncoder(1, 4, 2, [2, 2])
    with pytest.raises(ValueError, match="10 samples are no multiple of the hop of 4"):
        encoder(torch.zeros(1, 1, 10))
    with pytest.raises(ValueError, match=r"\(1, 2, 8\); \(B, 1, T\) is wanted"):
        encoder(torch.zeros(1, 2, 8))
