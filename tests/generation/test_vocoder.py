"""The vocoder: what is measured of its speech is what it was given."""

import pytest
import torch

from vqspeech.audio.envelope import Envelope
from vqspeech.audio.pitch_track import PitchTracker
from vqspeech.audio.waveform import read_waveform
from vqspeech.generation.revoicing import held, revoice
from vqspeech.generation.vocoder import vocode
from vqspeech.stages.demo import packaged_recording


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def person():
    """Envelope, pitch and waveform of a person, two seconds at 8 kHz."""
    waveform = torch.from_numpy(read_waveform(packaged_recording(), 8000).samples[4000:20000])
    measured = Envelope(8000, 80, 40)(waveform[None])[0], PitchTracker(8000, 80)(waveform[None])[0]
    return *measured, waveform


def test_speech_that_is_taken_apart_and_put_together_measures_the_same(person):
    envelope, hz, waveform = person
    speech = vocode(envelope, held(hz), (hz > 0).float(), 8000, 80, seeded())
    assert speech.shape == waveform.shape
    again = Envelope(8000, 80, 40)(speech[None])[0]
    assert (again - envelope).abs().mean() < 0.2  # 0.66 nepers of power, under 3 dB
    pitch = PitchTracker(8000, 80)(speech[None])[0]
    assert ((pitch > 0) == (hz > 0)).float().mean() > 0.9
    both = (pitch > 0) & (hz > 0)
    assert (12 * (pitch / hz)[both].log2()).abs().median() < 0.5


@pytest.mark.parametrize("rate", [8000, 16000])
def test_noise_has_the_level_of_the_envelope_it_is_given(rate):
    noise = 0.1 * torch.randn(rate, generator=seeded())
    envelope = Envelope(rate, rate // 100, 40)(noise[None])[0]
    frames = envelope.shape[1]
    speech = vocode(
        envelope, torch.full((frames,), 100.0), torch.zeros(frames), rate, rate // 100, seeded(1)
    )
    assert 0.8 < float(speech.std() / noise.std()) < 1.25


def test_equal_seeds_give_equal_speech_and_no_frames_none(person):
    envelope, hz, _ = person
    arguments = (envelope, held(hz), (hz > 0).float(), 8000, 80)
    assert torch.equal(vocode(*arguments, seeded(3)), vocode(*arguments, seeded(3)))
    assert not torch.equal(vocode(*arguments, seeded(3)), vocode(*arguments, seeded(4)))
    assert vocode(envelope[:, :0], hz[:0], hz[:0], 8000, 80).shape == (0,)


def test_a_change_reaches_no_further_than_its_windows(person):
    envelope, hz, _ = person
    voiced, pitch = (hz > 0).float(), torch.full_like(hz, 120.0)
    other = envelope.clone()
    other[:, 100] += 1
    a, b = (vocode(e, pitch, voiced, 8000, 80, seeded()) for e in (envelope, other))
    changed = (a != b).nonzero().flatten()
    assert changed.min() >= 99 * 80
    assert changed.max() < 101 * 80 + 80 + 512


def test_revoicing_moves_the_pitch_by_what_was_drawn_and_nothing_without(person):
    envelope, hz, _ = person
    rows = (envelope[None].expand(3, -1, -1), hz[None].expand(3, -1))
    heard = revoice(*rows, 8000, 80, throat=0.0, octaves=0.7, generator=seeded())
    drawn = 0.7 * (2 * torch.rand(2, 3, generator=seeded()) - 1)[1]
    for row, octaves in zip(heard, drawn, strict=True):
        pitch = PitchTracker(8000, 80)(row[None])[0]
        both = (pitch > 0) & (hz > 0)
        assert abs(float((pitch / hz)[both].log2().median() - octaves)) < 0.04
    same = revoice(*rows, 8000, 80, throat=0.0, octaves=0.0, generator=seeded())
    generator = seeded()
    torch.rand(2, 3, generator=generator)
    plain = vocode(envelope, held(hz), (hz > 0).float(), 8000, 80, generator)
    torch.testing.assert_close(same[0], plain.clamp(-1, 1))


def test_another_throat_moves_the_resonances():
    centres = torch.arange(40.0)
    peak = torch.exp(-((centres - 15) ** 2) / 8)[:, None].expand(-1, 100)  # one resonance
    where = []
    for seed in range(4):
        u = 2 * torch.rand(2, 1, generator=seeded(seed)) - 1
        heard = revoice(
            peak[None], torch.zeros(1, 100), 8000, 80, throat=0.3, octaves=0, generator=seeded(seed)
        )
        found = Envelope(8000, 80, 40)(heard)[0, :, 10:-10].mean(1).argmax()
        where.append((float(u[0, 0]), int(found)))
    where.sort()
    places = [place for _, place in where]
    assert places == sorted(places)
    assert places[0] < places[-1]


def test_between_voices_the_pitch_is_held():
    assert held(torch.tensor([0.0, 0, 120, 0, 0, 90, 0])).tolist() == [
        120,
        120,
        120,
        120,
        120,
        90,
        90,
    ]
    assert held(torch.zeros(2)).tolist() == [100, 100]
