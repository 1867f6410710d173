"""Disturbances: each changes what it is named after, by as much as it says, and nothing else."""

import numpy as np
import pytest

from vqspeech.audio.disturbances import (
    add_noise,
    change_gain,
    list_disturbances,
    room_db,
    shift_pitch,
    shift_time,
)

RATE = 16000


def tone(hz=200.0, seconds=1.0, amplitude=0.2):
    time = np.arange(round(seconds * RATE)) / RATE
    return (amplitude * np.sin(2 * np.pi * hz * time)).astype(np.float32)


def level(waveform):
    return 10 * np.log10(np.mean(np.square(waveform, dtype=np.float64)))


@pytest.mark.parametrize("snr_db", [20.0, 10.0])
def test_noise_is_as_loud_as_its_snr_says_and_white(snr_db):
    heard = add_noise(tone(), snr_db, np.random.default_rng(0))
    noise = heard - tone()
    assert level(tone()) - level(noise) == pytest.approx(snr_db, abs=0.2)
    assert abs(np.corrcoef(noise[1:], noise[:-1])[0, 1]) < 0.03
    assert heard.dtype == np.float32


def test_noise_stays_within_full_scale_and_silence_stays_silent():
    assert np.abs(add_noise(tone(amplitude=1.0), 0.0, np.random.default_rng(0))).max() == 1
    assert not add_noise(np.zeros(9, np.float32), 10.0, np.random.default_rng(0)).any()


def test_gain_changes_the_level_and_nothing_else():
    for decibels in (-6.0, 6.0):
        louder = change_gain(tone(), decibels)
        np.testing.assert_allclose(louder, tone() * 10 ** (decibels / 20), rtol=1e-5)
        assert level(louder) - level(tone()) == pytest.approx(decibels, abs=1e-3)


def test_a_gain_that_would_clip_stops_at_full_scale():
    assert room_db(tone(amplitude=0.5)) == pytest.approx(6.02, abs=0.01)
    louder = change_gain(tone(amplitude=0.8), 6.0)
    np.testing.assert_allclose(np.abs(louder).max(), 1.0, rtol=1e-5)
    np.testing.assert_allclose(louder, tone(amplitude=1.0), atol=1e-5)
    assert room_db(np.full(3, 1.2, np.float32)) == 0  # resampling ripples: never made softer
    assert room_db(np.zeros(3, np.float32)) == np.inf
    assert not change_gain(np.zeros(3, np.float32), 6.0).any()


def test_a_shift_cuts_the_start_and_leaves_at_least_a_sample():
    ramp = np.arange(10, dtype=np.float32)
    np.testing.assert_array_equal(shift_time(ramp, 4), [4, 5, 6, 7, 8, 9])
    np.testing.assert_array_equal(shift_time(ramp, 30), [9])
    assert len(shift_time(ramp[:0], 30)) == 0


@pytest.mark.parametrize("semitones", [-1.0, 1.0])
def test_pitch_moves_by_semitones_and_the_length_stays(semitones):
    shifted = shift_pitch(tone(400.0), RATE, semitones)
    assert (shifted.shape, shifted.dtype) == ((RATE,), np.float32)
    middle = shifted[2000:14000] * np.hanning(12000)
    peak = np.abs(np.fft.rfft(middle, 1 << 17)).argmax() * RATE / (1 << 17)
    assert peak == pytest.approx(400 * 2 ** (semitones / 12), rel=0.003)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("samples", [1, 100, 1500])
def test_short_recordings_pass_through_all(samples):
    for disturbance in list_disturbances(RATE, 640):
        heard = disturbance.apply(tone()[-samples:], np.random.default_rng(0))
        assert 1 <= len(heard) <= samples
        assert np.isfinite(heard).all()


def test_names_say_kind_and_strength():
    names = [disturbance.name for disturbance in list_disturbances(RATE, 640)]
    assert names == [
        "noise, SNR 20 dB",
        "noise, SNR 10 dB",
        "gain -6 dB",
        "gain +6 dB",
        "shift 5 ms",
        "shift half a code, 20 ms",
        "pitch -1 semitone",
        "pitch +1 semitone",
    ]


def test_each_name_does_what_it_says():
    by_name = {item.name: item.apply for item in list_disturbances(RATE, 640)}
    rng = np.random.default_rng(0)
    lengths = {name: len(change(tone(), rng)) for name, change in by_name.items()}
    assert lengths["shift 5 ms"] == RATE - 80
    assert lengths["shift half a code, 20 ms"] == RATE - 320
    assert {n for name, n in lengths.items() if "shift" not in name} == {RATE}
    noise = by_name["noise, SNR 10 dB"](tone(), rng) - tone()
    assert level(tone()) - level(noise) == pytest.approx(10, abs=0.2)
    np.testing.assert_array_equal(by_name["gain -6 dB"](tone(), rng), change_gain(tone(), -6.0))
