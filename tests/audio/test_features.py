from importlib import resources

import librosa
import numpy as np
import pytest
import torch

from vqspeech.audio.features import FLOOR, MEAN, STD, LogMel, mel_filters
from vqspeech.audio.waveform import read_waveform


@pytest.mark.parametrize(("low", "high"), [(0.0, None), (50.0, None), (1200.0, 7600.0)])
def test_the_filters_are_librosas(low, high):
    expected = librosa.filters.mel(sr=16000, n_fft=512, n_mels=40, fmin=low, fmax=high)
    filters = mel_filters(16000, 512, 40, low, high)
    np.testing.assert_allclose(filters.numpy(), expected, atol=1e-7)


@pytest.mark.parametrize("hop", [64, 160, 512])
def test_the_features_are_librosas_around_the_middle_of_each_hop(hop):
    waveform = torch.randn(2, 8 * hop, generator=torch.Generator().manual_seed(0)) * 0.1
    padded = np.pad(waveform.numpy(), ((0, 0), (512, 512)))
    # Frame i is centred on sample i * hop + hop // 2; librosa's window begins 256 before.
    padded = padded[:, 512 + hop // 2 - 256 :]
    mel = librosa.feature.melspectrogram(
        y=padded,
        n_fft=512,
        hop_length=hop,
        win_length=400,
        center=False,
        n_mels=80,
        fmin=50,
        sr=16000,
    )[..., :8]
    expected = (np.log(np.maximum(mel / 1e4, FLOOR)) - MEAN) / STD
    features = LogMel(hop=hop)(waveform)
    assert features.shape == (2, 80, 8)
    np.testing.assert_allclose(features.numpy(), expected, atol=2e-4)


def test_a_click_is_loudest_in_the_frame_that_contains_it():
    waveform = torch.zeros(1, 1600)
    waveform[0, 5 * 160 + 80] = 1.0
    energy = LogMel()(waveform)[0].mean(0)
    assert energy.argmax() == 5
    torch.testing.assert_close(energy[4], energy[6])  # the window is symmetrical about the middle


def test_speech_has_about_zero_mean_and_unit_variance():
    recording = resources.files("vqspeech") / "assets" / "recording" / "librivox.flac"
    samples = torch.from_numpy(read_waveform(recording).samples)
    features = LogMel()(samples[None, : len(samples) // 160 * 160])
    assert abs(features.mean()) < 0.3
    assert 0.7 < features.std() < 1.3


def test_no_samples_give_no_frames_and_a_part_of_a_hop_is_refused():
    assert LogMel()(torch.zeros(3, 0)).shape == (3, 80, 0)
    with pytest.raises(ValueError, match="no multiple of the hop"):
        LogMel()(torch.zeros(1, 161))


def test_autocast_changes_nothing():
    waveform = torch.randn(1, 1600, generator=torch.Generator().manual_seed(0)) * 0.1
    features = LogMel()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = features(waveform)
    assert inside.dtype == torch.float32
    assert torch.equal(inside, features(waveform))


def test_nothing_of_it_is_saved_with_the_weights():
    assert not LogMel().state_dict()


def test_the_gradient_reaches_the_waveform_and_silence_has_none():
    waveform = torch.zeros(1, 320, requires_grad=True)
    LogMel()(waveform).sum().backward()
    assert torch.equal(waveform.grad, torch.zeros(1, 320))


def test_the_window_is_25_ms_at_any_rate():
    assert [LogMel(rate, num_mels=40).window for rate in (8000, 16000)] == [200, 400]
    assert [LogMel(rate, hop=rate // 100).n_fft for rate in (16000, 22050, 48000)] == [
        512,
        1024,
        2048,
    ]
    tone = torch.sin(2 * torch.pi * 500 * torch.arange(16000) / 16000)[None]
    low, high = LogMel(8000, hop=80)(tone[:, ::2]), LogMel(16000, hop=160, high_hz=4000)(tone)
    # The same bands of the same tone: equal but for the width of a bin.
    torch.testing.assert_close(low.argmax(1), high.argmax(1), atol=1, rtol=0)
