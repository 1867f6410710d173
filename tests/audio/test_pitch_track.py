"""The batched pitch tracker: tones of known pitch, silence and noise, and pYIN as referee."""

import librosa
import numpy as np
import pytest
import torch

from vqspeech.audio.pitch_track import PitchTracker
from vqspeech.audio.waveform import read_waveform
from vqspeech.stages.demo import packaged_recording


def buzz(hz, rate=8000, seconds=0.6):
    """A sum of harmonics, the second the strongest, as in many vowels."""
    time = torch.arange(round(rate * seconds)) / rate
    harmonics = range(1, int(rate / 2 / hz))
    return sum(torch.cos(2 * torch.pi * k * hz * time) / (1 + abs(k - 2)) for k in harmonics) * 0.1


@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("hz", [75.0, 110.0, 201.0, 333.0])
def test_a_buzz_has_its_pitch_within_a_third_of_a_semitone(rate, hz):
    found = PitchTracker(rate, rate // 100)(buzz(hz, rate)[None])[0, 5:-5]
    assert (12 * (found / hz).log2()).abs().max() < 1 / 3


def test_silence_noise_and_a_short_signal_have_none():
    tracker = PitchTracker(8000, 80)
    noise = torch.randn(1, 8000, generator=torch.Generator().manual_seed(0)) * 0.1
    assert (tracker(noise) > 0).float().mean() < 0.05
    assert tracker(torch.zeros(2, 800)).tolist() == [[0.0] * 10] * 2
    assert tracker(torch.zeros(2, 0)).shape == (2, 0)
    with pytest.raises(ValueError, match="81 samples"):
        tracker(torch.zeros(1, 81))


def test_rows_do_not_depend_on_each_other():
    tracker = PitchTracker(8000, 80)
    rows = torch.stack([buzz(100.0), buzz(250.0), torch.zeros(4800)])
    alone = torch.cat([tracker(row[None]) for row in rows])
    assert torch.equal(tracker(rows), alone)


def test_a_glide_is_followed():
    time = torch.arange(8000) / 8000
    phase = 2 * torch.pi * (100 * time + 50 * time**2)  # 100 to 200 Hz in a second
    glide = sum(torch.cos(k * phase) for k in (1, 2, 3)) * 0.1
    found = PitchTracker(8000, 80)(glide[None])[0, 10:-10]
    wanted = 100 + 100 * (torch.arange(100)[10:-10] + 0.5) / 100
    assert (12 * (found / wanted).log2()).abs().max() < 0.6


def test_a_person_has_the_pitch_that_pyin_finds():
    rate, hop = 8000, 80
    waveform = read_waveform(packaged_recording(), rate).samples[: 3 * rate]
    found = PitchTracker(rate, hop)(torch.from_numpy(waveform)[None])[0].numpy()
    # pYIN's frame i is centred on sample i * hop, ours half a hop later.
    late = waveform[hop // 2 :]
    hz, is_voiced, _ = librosa.pyin(
        late, fmin=65, fmax=400, sr=rate, frame_length=512, hop_length=hop, resolution=0.25
    )
    hz, is_voiced = hz[: len(found)], is_voiced[: len(found)]
    found = found[: len(hz)]
    assert ((found > 0) == is_voiced).mean() > 0.8
    both = (found > 0) & is_voiced
    assert (np.abs(12 * np.log2(found[both] / hz[both])) < 1).mean() > 0.85
