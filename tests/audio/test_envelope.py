"""The envelope says how a sound is coloured and not how high it is."""

import pytest
import scipy.signal
import torch

from vqspeech.audio.envelope import Envelope
from vqspeech.audio.features import LogMel


def vowel(hz, resonances=((500, 80), (1500, 120)), rate=8000):
    """Pulses through two resonances."""
    pulses = torch.zeros(rate)
    pulses[:: round(rate / hz)] = (rate / hz) ** 0.5
    for frequency, width in resonances:
        radius = torch.exp(torch.tensor(-torch.pi * width / rate))
        angle = torch.tensor(2 * torch.pi * frequency / rate)
        a = [1.0, float(-2 * radius * torch.cos(angle)), float(radius**2)]
        pulses = torch.from_numpy(scipy.signal.lfilter([1.0], a, pulses.numpy())).float()
    return pulses / pulses.abs().max() * 0.3


def distance(module, a, b):
    x, y = (module(w[None])[0, :, 20:-20].mean(1) for w in (a, b))
    return float(((x - x.mean()) - (y - y.mean())).abs().mean())  # the colour alone


def test_pitch_changes_it_less_than_a_spectrum_and_less_than_resonances_do():
    envelope, spectrum = Envelope(8000, 80, 40), LogMel(8000, 80, num_mels=40)
    low, high = vowel(100), vowel(160)
    other = vowel(100, ((350, 80), (2200, 120)))
    assert distance(envelope, low, high) < 0.6 * distance(spectrum, low, high)
    assert distance(envelope, low, high) < 0.5 * distance(envelope, low, other)


def test_a_louder_sound_is_louder_in_every_band_by_as_much():
    envelope = Envelope(8000, 80, 20)
    noise = 0.05 * torch.randn(1, 4000, generator=torch.Generator().manual_seed(0))
    quiet, loud = envelope(noise), envelope(2 * noise)
    by = torch.log(torch.tensor(4.0)) / 3.3  # of the power, in the units of LogMel
    torch.testing.assert_close(loud - quiet, by.expand_as(loud), rtol=0, atol=1e-4)


def test_frames_and_sizes():
    envelope = Envelope(16000, 160, 40)
    assert envelope(torch.zeros(2, 480)).shape == (2, 40, 3)
    assert envelope(torch.zeros(2, 0)).shape == (2, 40, 0)
    with pytest.raises(ValueError, match="even"):
        Envelope(8000, 81, 40)


def test_a_click_lies_in_the_frame_that_holds_it():
    click = torch.zeros(1, 1600)
    click[0, 10 * 80 + 40] = 0.5
    assert int(Envelope(8000, 80, 20)(click)[0].mean(0).argmax()) == 10
