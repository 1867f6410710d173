"""The demo: its voices are those of a conversion, and it leaves alone what is not its own."""

import os
import time

import numpy as np
import pytest
from matplotlib.image import imread
from praatio import textgrid
from small_priors import save_prior

from vqspeech.audio.pitch import Pitch
from vqspeech.audio.waveform import read_waveform, write_waveform
from vqspeech.checkpoint import save_folder
from vqspeech.errors import MissingError, UsageError, WriteError
from vqspeech.generation.voice import load_voice
from vqspeech.models.build import model_config
from vqspeech.stages import demo, unconditional
from vqspeech.stages.convert import convert_files
from vqspeech.stages.demo import choose_speakers, describe_speaker, packaged_recording, run_demo

INFORMATION = {
    "d": {"gender": "f", "accent": "Scottish"},
    "a": {"gender": "m"},
    "b": {"gender": "f", "accent": "Irish"},
    "c": {"gender": "f", "accent": "Irish"},
    "e": {"gender": "m"},
}


@pytest.fixture
def model(make_model, tmp_path):
    built = make_model(tuple(INFORMATION))
    config = model_config(built, speaker_information=INFORMATION)
    files = {"config.json": config, "model.safetensors": built.state_dict()}
    save_folder(tmp_path / "model", files)
    return tmp_path / "model"


@pytest.fixture
def recording(tmp_path):
    """A twentieth of a second, which torch speaks in a quarter; the last frame is not whole."""
    path = tmp_path / "rec.wav"
    hum = np.sin(np.arange(801) / 20) * np.linspace(0, 0.5, 801)
    write_waveform(path, hum, 16000)
    return path


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_demo_writes_the_voices_the_codes_and_a_picture(model, recording, tmp_path):
    made = run_demo(tmp_path / "out", model=model, source=recording)
    names = [item.converted.speaker for item in made.voices]
    assert names == ["b", "d", "a", "e"]  # women of two accents, then men
    assert [item.description for item in made.voices][:3] == [
        "female, Irish",
        "female, Scottish",
        "male",
    ]
    voices = [f"rec-{name}.wav" for name in names]
    assert set(os.listdir(tmp_path / "out")) == {
        *("source.wav", "rec.TextGrid", "spectrograms.png"),
        *voices,
    }
    source = read_waveform(recording).samples
    np.testing.assert_array_equal(read_waveform(made.source).samples, source)
    spoken = [read_waveform(tmp_path / "out" / name).samples for name in voices]
    for number, samples in enumerate(spoken):
        assert len(samples) == len(source)
        assert np.isfinite(samples).all()
        assert np.abs(samples).max() > 0.01
        assert all(np.abs(samples - other).max() > 0.01 for other in spoken[:number])
    picture = imread(made.picture)[:, :, :3]
    assert picture.shape[1] == 1000
    assert picture.var() > 0.01


@pytest.mark.parametrize(
    ("named", "voices"), [(None, ["b", "a"]), (["e", "a"], ["a", "e"]), (["c"], ["c", "c"])]
)
def test_a_model_with_a_prior_speaks_without_being_told_what(
    make_model, model, recording, tmp_path, monkeypatch, named, voices
):
    pictures = {}
    monkeypatch.setattr(unconditional, "SECONDS", 0.02)
    monkeypatch.setattr(
        demo, "draw_spectrograms", lambda path, panels, rate: pictures.update({path.name: panels})
    )
    options = {"model": model, "source": recording, "speakers": named}
    plain = run_demo(tmp_path / "plain", **options)
    assert (plain.unconditional, plain.unconditional_picture) == ((), None)
    save_prior(tmp_path / "prior", make_model(tuple(INFORMATION)), model, speakers=voices)
    made = run_demo(tmp_path / "out", **options)
    names = [f"unconditional-{i}-{name}.wav" for i, name in enumerate(voices, 1)]
    assert [item.path.name for item in made.unconditional] == names
    assert [item.speaker for item in made.unconditional] == voices
    assert made.unconditional_picture == tmp_path / "out" / "unconditional.png"
    drawn = [read_waveform(tmp_path / "out" / name).samples for name in names]
    for samples, panel in zip(drawn, pictures["unconditional.png"], strict=True):
        assert len(samples) == 320
        np.testing.assert_allclose(panel.waveform, samples, atol=1e-4)
    assert not np.array_equal(*drawn)
    # The rest is what it is without a prior.
    both = contents(tmp_path / "plain")
    assert both.items() <= contents(tmp_path / "out").items()
    assert set(contents(tmp_path / "out")) == {*both, *names}


def test_unconditional_speech_that_cannot_be_written_is_refused_before_any_work(
    make_model, model, recording, tmp_path, monkeypatch
):
    monkeypatch.setattr(demo, "_speak", lambda *_: pytest.fail("worked before checking"))
    save_prior(tmp_path / "prior", make_model(tuple(INFORMATION)), model)
    (tmp_path / "out" / "unconditional-1-b.wav").mkdir(parents=True)
    with pytest.raises(WriteError, match=r"unconditional-1-b\.wav: is a folder"):
        run_demo(tmp_path / "out", model=model, source=recording)


def test_the_text_grid_holds_the_codes(model, recording, tmp_path):
    made = run_demo(tmp_path / "out", model=model, source=recording, speakers=["a"])
    voice = load_voice(model)
    codes = voice.encode(read_waveform(recording).samples)
    grid = textgrid.openTextgrid(str(made.text_grid), True, reportingMode="error")
    tier = grid.getTier("codes")
    assert grid.maxTimestamp == 801 / 16000
    read = np.full(len(codes), -1)
    for start, end, label in tier.entries:
        read[round(start * 1000) : int(np.ceil(end * 1000 - 1e-6))] = int(label)
    np.testing.assert_array_equal(read, codes)  # frames of a millisecond
    assert (made.frames, made.codes_used) == (len(codes), len(set(codes.tolist())))


def test_a_voice_of_the_demo_is_that_of_convert_bit_for_bit(model, recording, tmp_path):
    options = {"seed": 7, "temperature": 0.9}
    for name in ("a", "c"):
        convert_files(load_voice(model), [recording], [name], tmp_path / "alone", **options)
    alone = contents(tmp_path / "alone")
    assert len(set(alone.values())) == 2
    out = tmp_path / "out"
    run_demo(out, model=model, source=recording, speakers=["a", "c"], jobs=2, **options)
    assert {name: (out / name).read_bytes() for name in alone} == alone


def test_a_second_run_writes_the_same_and_leaves_what_is_not_its_own(model, recording, tmp_path):
    out, options = tmp_path / "out", {"model": model, "source": recording, "speakers": ["a", "c"]}
    run_demo(out, **options)
    first = contents(out)
    (out / "rec-a.wav").write_bytes(b"an old one")
    (out / "mine.wav").write_bytes(b"mine")
    run_demo(out, **options)
    assert contents(out) == first | {"mine.wav": b"mine"}


@pytest.mark.parametrize("name", ["source.wav", "rec-a.wav"])
def test_the_recording_itself_is_never_replaced(model, recording, tmp_path, name):
    (tmp_path / "out").mkdir()
    inside = recording.rename(tmp_path / "out" / name)
    before = contents(tmp_path / "out")
    if name == "rec-a.wav":  # reached by another name
        os.symlink(inside, tmp_path / "rec.wav")
        inside = tmp_path / "rec.wav"
    with pytest.raises(UsageError, match=f"{name}: is the source itself"):
        run_demo(tmp_path / "out", model=model, source=inside)
    assert contents(tmp_path / "out") == before


def test_what_cannot_be_written_is_refused_before_any_work(model, recording, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "_speak", lambda *_: pytest.fail("worked before checking"))
    (tmp_path / "out" / "spectrograms.png").mkdir(parents=True)
    with pytest.raises(WriteError, match=r"spectrograms\.png: is a folder"):
        run_demo(tmp_path / "out", model=model, source=recording)
    assert os.listdir(tmp_path / "out") == ["spectrograms.png"]


class SlowVoice:
    """Draws ten samples in a tenth of a second, but for the quick speaker, who needs none."""

    def __init__(self):
        self.finished = []

    def decode_batch(self, codes, speakers, *, seed, temperature, progress):
        for step in range(1 if speakers == ["quick"] else 10):
            time.sleep(0.01)
            progress(step + 1, 10)
        self.finished.append(speakers[0])
        return [np.full(10, seed)]


def test_progress_counts_the_samples_of_all_voices():
    told, spoken = [], {}
    voice = SlowVoice()
    demo._speak(
        *(voice, [0], ["a", "b", "c"], spoken.__setitem__, 5, 1.0, 2),
        lambda done, total: told.append((done, total)),
    )
    assert told == [(count, 30) for count in range(1, 31)]
    assert sorted(spoken) == sorted(voice.finished) == ["a", "b", "c"]


def test_a_stop_ends_the_voices_that_are_being_spoken():
    voice = SlowVoice()

    def stop(speaker, samples):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo._speak(voice, [0], ["quick", "slow", "later"], stop, 0, 1.0, 2, None)
    assert voice.finished == ["quick"]


def test_the_picture_says_who_speaks(make_model, recording, tmp_path, monkeypatch):
    built = make_model(("a", "b"))
    information = {"a": {"gender": "f", "accent": "Irish"}}
    config = model_config(built, speaker_information=information)
    files = {"config.json": config, "model.safetensors": built.state_dict()}
    save_folder(tmp_path / "model", files)
    drawn = []
    monkeypatch.setattr(demo, "draw_spectrograms", lambda path, panels, rate: drawn.extend(panels))
    run_demo(tmp_path / "out", model=tmp_path / "model", source=recording)
    assert [panel.title for panel in drawn] == ["source: rec.wav", "a  female, Irish", "b"]
    for panel, name in zip(drawn, ["source.wav", "rec-a.wav", "rec-b.wav"], strict=True):
        written = read_waveform(tmp_path / "out" / name).samples
        np.testing.assert_allclose(panel.waveform, written, atol=1e-4)


def test_measures_are_of_each_voice_and_of_the_source(model, recording, tmp_path, monkeypatch):
    source = np.sin(np.arange(8000) / 20) * np.linspace(0.01, 0.5, 8000)
    write_waveform(recording, source, 16000)
    # What the voices would say: the same rhythm, and the opposite.
    speech = {"a": np.append(0.1 * source, np.zeros(16)), "b": source[::-1]}

    def say(voice, codes, speakers, done, *options):
        for name in speakers:
            done(name, speech[name])

    def pitch(waveform, rate):
        return Pitch(100 * np.abs(waveform).max(), len(waveform) / rate)

    monkeypatch.setattr(demo, "_speak", say)
    monkeypatch.setattr(demo, "median_pitch", pitch)
    options = {"model": model, "source": recording, "speakers": ["b", "a"]}
    made = run_demo(tmp_path / "out", measure=True, **options)
    measured = [made.source_measured, *(item.measured for item in made.voices)]
    assert [found.pitch.median_hz for found in measured] == pytest.approx([50, 50, 5], rel=0.01)
    assert [found.pitch.voiced_share for found in measured] == [0.5, 0.5, 0.5]  # 8000 samples
    correlations = [found.energy_correlation for found in measured]
    assert correlations[::2] == pytest.approx([1.0, 1.0], abs=1e-3)
    assert correlations[1] < 0
    assert run_demo(tmp_path / "out", **options).source_measured is None


def test_without_a_model_the_next_step_is_said(recording, tmp_path, monkeypatch):
    monkeypatch.setattr("vqspeech.generation.voice.packaged_models", dict)
    with pytest.raises(MissingError, match="no model comes with this version"):
        run_demo(tmp_path / "out", source=recording)
    assert not (tmp_path / "out").exists()


def test_the_packaged_recording_is_a_person_of_five_seconds():
    assert len(read_waveform(packaged_recording()).samples) == 84800


def rows(text):
    """Rows of words such as `b:f:Irish`; what is left out is not known."""
    keys = ("speaker", "gender", "accent")
    return [dict(zip(keys, [*word.split(":"), None, None], strict=False)) for word in text.split()]


@pytest.mark.parametrize(
    ("known", "chosen"),
    [
        # Two accents of women; then men, of accents that were not heard yet where there are such.
        ("d:f:X c:f:X b:f:Y h:m:X g:m:Z f:m:Z e:m:W", "b c e f"),
        ("a:f:X b:f:Y c:m:X d:m:Z e:m:W", "a b d e"),
        ("p901:f:US p907:m:US p909:m:GB p910:m:GB p914:f:GB", "p901 p914 p907 p909"),
        ("b:f:X a:f:X d:m:Y c:m:Y", "a b c d"),
        ("z:m y:m x:f w:f v:f", "v w y z"),
        ("e:f d:f c:f b:f a:m", "a b c d"),  # one man only: the first four
        ("c b a", "a b c"),
        ("e d c b a", "a b c d"),
        ("a:f", "a"),
    ],
)
def test_the_chosen_speakers(known, chosen):
    assert choose_speakers(rows(known)) == chosen.split()
    assert choose_speakers(rows(known)[::-1]) == chosen.split()


@pytest.mark.parametrize(
    ("row", "words"),
    [("a:f:Irish", "female, Irish"), ("a:m", "male"), ("a", ""), ("a::Irish", "Irish")],
)
def test_a_speaker_in_words(row, words):
    assert describe_speaker(rows(row)[0]) == words
