import librosa
import numpy as np
import pytest
import soundfile

from vqspeech.audio.stream import MonoStream
from vqspeech.audio.treatment import MARGIN_SECONDS, Treatment, write_treated
from vqspeech.audio.waveform import read_waveform
from vqspeech.errors import InputError

RATE = 16000
MARGIN = round(MARGIN_SECONDS * RATE)


def speech(seconds=1.0, level=0.1, seed=0):
    """Noise that swells and fades, (T,) float."""
    noise = np.random.default_rng(seed).normal(size=round(seconds * RATE))
    return level * noise * (0.6 + 0.4 * np.sin(np.arange(len(noise)) / 1000))


def edged(before=0.7, after=0.4, **options):
    faint = np.random.default_rng(1).normal(scale=1e-5, size=round((before + after) * RATE))
    return np.concatenate(
        (faint[: round(before * RATE)], speech(**options), faint[round(before * RATE) :])
    )


def treat(tmp_path, samples, rate=RATE, **settings):
    source, target = tmp_path / "source.wav", tmp_path / "target.wav"
    soundfile.write(source, samples, rate, subtype="FLOAT")
    done = write_treated(MonoStream(source, RATE), target, Treatment(RATE, **settings))
    return done, soundfile.read(target)[0]


def test_without_settings_a_recording_is_written_as_it_is_read(tmp_path):
    done, samples = treat(tmp_path, speech(), rate=48000)
    assert done.notes == (f"{tmp_path}/source.wav: 48000 Hz mono -> 16000 Hz mono",)
    assert done.length == len(samples) == round(RATE / 3)
    wanted = read_waveform(tmp_path / "source.wav", RATE).samples
    assert np.array_equal(samples, np.rint(wanted * 32768) / 32768)


def test_silent_edges_are_cut_where_librosa_cuts_them(tmp_path):
    signal = edged()
    done, samples = treat(tmp_path, signal, trim=True)
    _, (start, stop) = librosa.effects.trim(signal, top_db=40, frame_length=320, hop_length=160)
    assert done.trimmed_start == pytest.approx(start - MARGIN, abs=320)
    assert len(signal) - done.trimmed_end == pytest.approx(stop + MARGIN, abs=320)
    kept = signal[done.trimmed_start : len(signal) - done.trimmed_end]
    assert np.abs(samples - kept).max() <= 1 / 32768
    assert done.length == len(kept)


def test_speech_to_the_very_edges_is_left_whole(tmp_path):
    done, samples = treat(tmp_path, speech(), trim=True)
    assert (done.trimmed_start, done.trimmed_end, len(samples)) == (0, 0, RATE)


def test_loudness_is_the_level_of_the_speech_and_not_of_the_silence(tmp_path):
    done, samples = treat(tmp_path, edged(before=3, level=0.02), loudness=-26.0)
    loud = samples[3 * RATE : 4 * RATE]
    assert 20 * np.log10(np.sqrt(np.mean(loud**2))) == pytest.approx(-26, abs=0.2)
    assert (done.length, done.notes) == (len(samples), ())


def test_what_would_clip_is_left_softer_and_said(tmp_path):
    signal = edged(level=0.05)
    signal[15000] = 0.9
    done, samples = treat(tmp_path, signal, loudness=-10.0)
    assert np.abs(samples).max() == pytest.approx(1, abs=1e-3)
    assert done.notes == (
        f"{tmp_path}/source.wav: louder would clip; left below the loudness asked for",
    )


def test_a_recording_of_silence_is_refused_only_where_its_edges_are_asked_for(tmp_path):
    with pytest.raises(InputError, match="nothing but silence; leave it out"):
        treat(tmp_path, np.zeros(RATE), trim=True)
    assert not (tmp_path / "target.wav").exists()
    _, samples = treat(tmp_path, np.zeros(RATE), loudness=-26.0)
    assert not samples.any()


def test_a_long_recording_is_decoded_twice_with_the_same_result(tmp_path, monkeypatch):
    _, kept = treat(tmp_path, edged(), rate=24000, trim=True, loudness=-20.0)
    monkeypatch.setattr("vqspeech.audio.treatment.KEPT_SECONDS", 0.5)
    done, again = treat(tmp_path, edged(), rate=24000, trim=True, loudness=-20.0)
    assert np.array_equal(kept, again)
    assert done.notes == (f"{tmp_path}/source.wav: 24000 Hz mono -> 16000 Hz mono",)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
def test_a_stretch_of_a_recording_is_the_same_samples(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, speech(3), RATE)
    whole = read_waveform(path, RATE).samples
    blocks = list(MonoStream(path, RATE, 0.5, 2.9).blocks())
    assert np.array_equal(np.concatenate(blocks), whole[8000:46400])
    # A table may round the end up a little.
    blocks = list(MonoStream(path, RATE, 2.5, 3.05).blocks())
    assert np.array_equal(np.concatenate(blocks), whole[40000:])


@pytest.mark.parametrize("stretch", [(0.5, 3.2), (3.0, 3.05), (2.0, 2.0)])
def test_a_stretch_that_the_recording_does_not_hold_is_refused(tmp_path, stretch):
    soundfile.write(tmp_path / "a.wav", speech(3), RATE)
    with pytest.raises(InputError, match=r"3\.000 s long, but a segment of it goes from"):
        list(MonoStream(tmp_path / "a.wav", RATE, *stretch).blocks())
