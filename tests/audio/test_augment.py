"""Augmentation: what it changes, what it leaves, and where its randomness comes from."""

import math

import pytest
import torch

from vqspeech.audio.augment import LEVEL_DB, NOISE_DB, QUIETEST_RMS, disturb, warp_frequencies


def tones(batch=64, length=2000):
    time = torch.arange(length) / 8000
    pitch = torch.linspace(200, 3000, batch)[:, None]
    return 0.1 * torch.sin(2 * math.pi * pitch * time)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_a_share_of_the_crops_changes_and_the_rest_is_equal_bit_for_bit():
    waveform = tones(400)
    heard = disturb(waveform, 0.3, generator())
    changed = (heard != waveform).any(1)
    assert 0.2 < changed.float().mean() < 0.4
    assert torch.equal(heard[~changed], waveform[~changed])
    assert torch.equal(disturb(waveform, 0.0, generator()), waveform)
    assert (disturb(waveform, 1.0, generator()) != waveform).any(1).all()


def test_the_same_seed_disturbs_alike_and_the_input_stays():
    waveform = tones()
    before = waveform.clone()
    first, second = (disturb(waveform, 1.0, generator(3)) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, disturb(waveform, 1.0, generator(4)))
    assert torch.equal(waveform, before)


def test_the_words_are_still_there():
    waveform = tones()
    heard = disturb(waveform, 1.0, generator())
    assert heard.abs().max() <= 1
    alike = torch.cosine_similarity(heard, waveform).abs()
    assert alike.median() > 0.7  # a tone keeps its frequency, most phases stay within the filter's
    level = 20 * torch.log10(heard.std(1) / waveform.std(1))
    assert level.std() > 3
    assert level.min() > LEVEL_DB[0] - 12
    assert level.max() < LEVEL_DB[1] + 12


def test_silence_gets_the_noise_of_a_room_and_no_more():
    heard = disturb(torch.zeros(50, 1000), 1.0, generator())
    loudest = QUIETEST_RMS * 10 ** ((NOISE_DB[1] + LEVEL_DB[1] + 8) / 20)
    assert heard.std(1).min() > 0
    assert heard.std(1).max() < 1.5 * loudest


@pytest.mark.parametrize("length", [0, 1, 2, 7])
def test_short_crops_pass(length):
    waveform = torch.zeros(2, length)
    heard = disturb(waveform, 1.0, generator())
    assert heard.shape == (2, length)
    assert torch.isfinite(heard).all()


def strongest_hz(waveform, rate=8000):
    spectrum = torch.fft.rfft(waveform * torch.hann_window(waveform.shape[1])).abs()
    return spectrum.argmax(1) * rate / waveform.shape[1]


def test_a_warp_moves_frequencies_by_at_most_its_share_and_nothing_in_time():
    time = torch.arange(8000) / 8000
    clicks = (time * 1000 % 250 < 1).float()  # four a second, of all frequencies
    waveform = 0.1 * torch.sin(2 * math.pi * 1500 * time).expand(64, -1)
    found = strongest_hz(warp_frequencies(waveform, 0.2, generator()))
    assert found.min() > 1500 * 0.77
    assert found.max() < 1500 * 1.23
    assert (found - 1500).abs().median() > 100
    warped = warp_frequencies(clicks[None], 0.2, generator(1))
    loud = warped[0].abs() > 0.3
    assert loud.any()
    assert all(clicks[max(i - 20, 0) : i + 20].any() for i in loud.nonzero()[:, 0].tolist())


def test_no_warp_is_the_input_and_a_seed_warps_alike():
    waveform = tones(8, 2001)
    assert warp_frequencies(waveform, 0.0) is waveform
    first, second = (warp_frequencies(waveform, 0.1, generator(3)) for _ in range(2))
    assert first.shape == waveform.shape
    assert torch.equal(first, second)
    assert not torch.equal(first, warp_frequencies(waveform, 0.1, generator(4)))
    assert torch.isfinite(warp_frequencies(torch.zeros(2, 100), 0.1)).all()
