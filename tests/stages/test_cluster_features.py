"""The k-means baseline: features where they belong, codes that tell sounds apart, refusals."""

import sys

import librosa
import numpy as np
import pytest

from vqspeech import cli
from vqspeech.audio.waveform import write_waveform
from vqspeech.cli.leave import run_for_status
from vqspeech.data.codes import read_code_dir
from vqspeech.data.data_dir import Utterance, write_data_dir
from vqspeech.errors import InputError, UsageError
from vqspeech.stages.cluster_features import cluster_features, mfcc_features

RATE, HOP = 16000, 640


@pytest.fixture
def make_data(tmp_path):
    """A function that writes utterances of hum, hiss and whistle, 0.4 s each."""

    def make(name, *, utterances=4, rate=RATE, seed=0):
        rng = np.random.default_rng([seed, len(name)])
        rows = []
        for number in range(utterances):
            time = np.arange(int(0.4 * rate)) / rate
            hum = 0.3 * np.sin(2 * np.pi * (200 + 5 * number) * time)
            hiss, whistle = 0.1 * rng.normal(size=time.size), 0.3 * np.sin(2 * np.pi * 2500 * time)
            path = tmp_path / "audio" / f"s{number % 2}-{name}-{number}.wav"
            path.parent.mkdir(exist_ok=True)
            write_waveform(path, np.concatenate([hum, hiss, whistle]).astype(np.float32), rate)
            rows.append(Utterance(path.stem, path.stem[:2], path))
        write_data_dir(tmp_path / name, rows)
        return tmp_path / name

    return make


def test_a_frame_is_the_mean_of_its_own_spectra():
    rng = np.random.default_rng(0)
    waveform = rng.normal(size=5 * HOP - 100).astype(np.float32) * 0.1
    found = mfcc_features(waveform, RATE, HOP)
    assert found.shape == (5, 39)
    padded = np.pad(waveform, (1000, 1000 + 100))
    # Frame 2: four windows of 400 samples, centred on steps of 160 from sample 1280 on.
    centres = 1000 + 2 * HOP + 80 + 160 * np.arange(4)
    windows = [padded[centre - 200 : centre + 200] for centre in centres]
    apart = [
        librosa.feature.mfcc(
            y=window, sr=RATE, n_mfcc=13, n_fft=400, hop_length=400, center=False, n_mels=40
        )
        for window in windows
    ]
    np.testing.assert_allclose(found[2, :13], np.mean(apart, axis=0)[:, 0], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(("length", "frames"), [(1, 1), (640, 1), (641, 2), (1280, 2)])
def test_there_are_as_many_frames_as_a_model_has_codes(length, frames):
    features = mfcc_features(np.zeros(length, np.float32), RATE, HOP)
    assert features.shape == (frames, 39)
    assert np.isfinite(features).all()


def test_three_sounds_share_no_code(make_data, tmp_path):
    train, other = make_data("train"), make_data("other", seed=1)
    made = cluster_features([other, train], train, tmp_path / "out", num_codes=8, hop=HOP)
    assert [item.path.name for item in made] == ["other", "train"]
    code_dir = read_code_dir(tmp_path / "out" / "other")
    assert (code_dir.num_codes, code_dir.hop, code_dir.rate) == (8, HOP, 25)
    codes = np.stack(list(code_dir.values()))  # (4, 30)
    assert codes.shape == (4, 30)
    hum, hiss, whistle = (set(codes[:, i + 2 : i + 8].ravel().tolist()) for i in (0, 10, 20))
    assert len(hum | hiss | whistle) == len(hum) + len(hiss) + len(whistle)


def test_rate_and_number_are_taken_from_other_codes_and_the_same_seed_gives_the_same(
    make_data, tmp_path
):
    train = make_data("train")
    cluster_features([train], train, tmp_path / "first", num_codes=4, hop=320, seed=5)
    like = tmp_path / "first" / "train"
    cluster_features([train], train, tmp_path / "second", like=like, seed=5)
    first, second = read_code_dir(like), read_code_dir(tmp_path / "second" / "train")
    assert (second.hop, second.num_codes) == (320, 4)
    np.testing.assert_array_equal(first.codes, second.codes)
    assert first.model_hash == second.model_hash


def test_what_cannot_be_clustered_is_refused_in_one_line(make_data, tmp_path):
    train, out = make_data("train"), tmp_path / "out"
    with pytest.raises(UsageError, match="--like CODES"):
        cluster_features([train], train, out, num_codes=4)
    with pytest.raises(UsageError, match="--like has the number of codes and the hop"):
        cluster_features([train], train, out, like=tmp_path / "codes", num_codes=4)
    with pytest.raises(UsageError, match="two of one name"):
        cluster_features([train, train], train, out, num_codes=4, hop=HOP)
    with pytest.raises(InputError, match="120 frames for 500 clusters"):
        cluster_features([train], train, out, num_codes=500, hop=HOP)
    slower = make_data("slower", rate=8000)
    with pytest.raises(InputError, match="prepare both at one rate"):
        cluster_features([slower], train, out, num_codes=4, hop=HOP)
    assert not out.exists()


def test_the_command_says_what_it_wrote(make_data, tmp_path, monkeypatch, capfd):
    train = make_data("train")
    words = ["cluster", train, "--train", train, "--num-codes", 3, "--hop", HOP]
    monkeypatch.setattr(sys, "argv", ["vqspeech", *map(str, words), "--out", str(tmp_path / "o")])
    assert run_for_status(cli.app) == 0
    assert "4 utterances  120 frames  3 codes used" in capfd.readouterr().out
