import librosa
import numpy as np
import pytest
import torch

from vqspeech.audio.mulaw import LEVELS, MU, SILENCE, mulaw_decode, mulaw_encode


def test_every_level_survives_decoding_and_encoding():
    levels = torch.arange(LEVELS)
    assert torch.equal(mulaw_encode(mulaw_decode(levels)), levels)


def test_the_curve_is_librosas():
    waveform = torch.linspace(-1, 1, 4001)
    curved = librosa.mu_compress(waveform.numpy(), mu=MU, quantize=False)
    levels = np.floor((curved + 1) / 2 * MU + 0.5)
    differing = mulaw_encode(waveform).numpy() != levels
    assert differing.mean() < 1e-3  # a value on the border of two levels may round either way
    points = np.linspace(-1, 1, LEVELS)
    expected = librosa.mu_expand(points, mu=MU, quantize=False)
    np.testing.assert_allclose(mulaw_decode(torch.arange(LEVELS)).numpy(), expected, atol=1e-6)


def test_the_levels_are_torchaudios():
    try:
        from torchaudio.functional import mu_law_decoding, mu_law_encoding
    except (ImportError, OSError):
        pytest.skip("torchaudio cannot be imported here")
    waveform = torch.linspace(-1, 1, 4001)
    assert torch.equal(mulaw_encode(waveform), mu_law_encoding(waveform, LEVELS))
    levels = torch.arange(LEVELS)
    torch.testing.assert_close(mulaw_decode(levels), mu_law_decoding(levels, LEVELS))


def test_the_error_is_small_near_silence_and_bounded_everywhere():
    waveform = torch.linspace(-1, 1, 20001)
    error = (mulaw_decode(mulaw_encode(waveform)) - waveform).abs()
    assert error.max() < 0.0222
    assert error[waveform.abs() < 1e-4].max() < 1e-4


def test_silence_and_overloads_have_their_levels():
    waveform = torch.tensor([[0.0, -0.0], [1.0, -1.0], [7.0, -7.0]], dtype=torch.float16)
    expected = torch.tensor([[SILENCE, SILENCE], [255, 0], [255, 0]])
    assert torch.equal(mulaw_encode(waveform), expected)
    assert mulaw_decode(expected).dtype == torch.float32
