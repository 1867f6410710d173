"""Unconditional speech: what is drawn, in whose voice, and what is refused before any work."""

import os

import numpy as np
import pytest
from matplotlib.image import imread
from small_priors import save_model, save_prior

from vqspeech.audio.waveform import read_waveform, write_waveform
from vqspeech.data.code_file import load_codes
from vqspeech.errors import InputError, UsageError, WriteError
from vqspeech.generation.code_sampling import sample_codes
from vqspeech.generation.voice import load_voice
from vqspeech.models.build import load_speech_prior
from vqspeech.stages import sample as module
from vqspeech.stages.convert import decode_file
from vqspeech.stages.encode import hash_model
from vqspeech.stages.sample import draw_samples, read_prompt
from vqspeech.stages.speaker_choice import take_turns

SHORT = {"seconds": 0.02, "device": "cpu"}  # 20 codes, 320 samples


@pytest.fixture
def pair(make_model, tmp_path):
    """A model of 1000 codes a second and two voices, and its prior, as keywords."""
    model = make_model()
    information = {"p901": {"gender": "f", "accent": "American"}, "p907": {"gender": "m"}}
    save_model(tmp_path / "model", model, speaker_information=information)
    save_prior(tmp_path / "prior", model, tmp_path / "model")
    return {"prior": tmp_path / "prior", "model": tmp_path / "model"}


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "hum.wav"
    write_waveform(path, 0.3 * np.sin(np.arange(1000) ** 1.3 / 20), 16000)
    return path


@pytest.fixture
def panels(monkeypatch):
    """The panels in place of the picture, which takes longer than all the rest."""
    drawn = []

    def draw(path, panels, sample_rate):
        path.write_text(str([panel.title for panel in panels]))
        drawn[:] = panels

    monkeypatch.setattr(module, "draw_spectrograms", draw)
    return drawn


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_voices_take_turns_and_the_codes_lie_beside_the_speech(pair, tmp_path):
    told = []
    out = tmp_path / "out"
    made = draw_samples(out, **pair, **SHORT, count=3, progress=lambda *n: told.append(n))
    stems = ["sample-001-p901", "sample-002-p907", "sample-003-p901"]
    names = [f"{stem}{suffix}" for stem in stems for suffix in (".npz", ".wav")]
    assert sorted(os.listdir(out)) == [*names, "samples.png"]
    assert [item.description for item in made.files] == [
        "female, American",
        "male",
        "female, American",
    ]
    recorded = [load_codes(item.codes) for item in made.files]
    # By the sampler itself: speakers are rows of the prior's table.
    prior = load_speech_prior(pair["prior"])
    expected = sample_codes(prior, 20, [0, 1, 0], seed=0)
    np.testing.assert_array_equal([item.codes for item in recorded], expected)
    assert made.codes_used == len(np.unique(expected)) > 3
    for item in recorded:
        assert (item.hop, item.sample_rate, item.samples) == (16, 16000, 320)
        assert item.model_hash == hash_model(pair["model"])
    steps = [n for n, _ in told]
    assert steps == sorted(steps)
    assert told[-1] == (1020, 1020)  # 3 times 20 codes and 320 samples
    assert imread(made.picture).shape[1] == 1000
    assert made.speech_seconds == pytest.approx(0.06)


@pytest.mark.usefixtures("panels")
def test_the_files_are_what_decode_makes_of_the_codes(pair, tmp_path):
    options = {"seed": 4, "decoder_temperature": 0.7}
    made = draw_samples(tmp_path / "out", **pair, **SHORT, count=2, **options)
    voice = load_voice(pair["model"])
    for item in made.files:
        target = tmp_path / "again.wav"
        decode_file(
            *(voice, item.codes, item.speaker, target),
            **{"seed": 4, "temperature": 0.7, "overwrite": True},
        )
        assert target.read_bytes() == item.path.read_bytes()


@pytest.mark.usefixtures("panels")
def test_the_same_seed_makes_the_same_files_whatever_the_count(pair, tmp_path):
    many = draw_samples(tmp_path / "many", **pair, **SHORT, count=7)
    draw_samples(tmp_path / "few", **pair, **SHORT, count=2)
    draw_samples(tmp_path / "again", **pair, **SHORT, count=7)
    draw_samples(tmp_path / "other", **pair, **SHORT, count=7, seed=1)
    assert contents(tmp_path / "again") == contents(tmp_path / "many")
    few = contents(tmp_path / "few")
    few.pop("samples.png")
    assert len(few) == 4
    assert few.items() <= contents(tmp_path / "many").items()
    other = contents(tmp_path / "other")
    assert all(other[item.codes.name] != item.codes.read_bytes() for item in many.files)


def test_the_picture_shows_the_first_eight(pair, panels, tmp_path):
    made = draw_samples(tmp_path / "out", **pair, **SHORT, count=9)
    assert [panel.title for panel in panels][:2] == [
        "sample-001-p901  female, American",
        "sample-002-p907  male",
    ]
    assert len(panels) == 8
    for panel, item in zip(panels, made.files[:8], strict=True):
        written = read_waveform(item.path).samples
        np.testing.assert_allclose(panel.waveform, written, atol=1e-4)


@pytest.mark.usefixtures("panels")
def test_all_samples_are_in_the_voices_that_are_named(pair, tmp_path):
    made = draw_samples(tmp_path / "a", **pair, **SHORT, count=3, speakers=["907"])
    assert [item.speaker for item in made.files] == ["p907"] * 3
    codes = [load_codes(item.codes).codes.tolist() for item in made.files]
    assert len({tuple(row) for row in codes}) == 3  # each is drawn for itself
    made = draw_samples(tmp_path / "b", **pair, **SHORT, count=3, speakers=["p907", "p901"])
    assert [item.speaker for item in made.files] == ["p907", "p901", "p907"]


@pytest.mark.usefixtures("panels")
def test_the_prior_is_told_of_nobody_where_it_knows_no_such_speaker(make_model, tmp_path):
    model = make_model()
    save_model(tmp_path / "model", model)
    save_prior(tmp_path / "prior", model, tmp_path / "model", speakers=("x", "p907", "z"))
    pair = {"prior": tmp_path / "prior", "model": tmp_path / "model"}
    made = draw_samples(tmp_path / "out", **pair, **SHORT, count=2, speakers=["p901", "p907"])
    expected = sample_codes(load_speech_prior(pair["prior"]), 20, [3, 1], seed=0)
    found = [load_codes(item.codes).codes for item in made.files]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.usefixtures("panels")
def test_temperature_and_top_k_reach_the_prior(pair, tmp_path):
    def draw(name, **options):
        made = draw_samples(tmp_path / name, **pair, **SHORT, count=2, **options)
        return [load_codes(item.codes).codes for item in made.files]

    likeliest = draw("cold", temperature=0.0)
    np.testing.assert_array_equal(draw("one", top_k=1), likeliest)
    plain = draw("plain")
    np.testing.assert_array_equal(draw("all", top_k=16), plain)
    assert not np.array_equal(plain, likeliest)


@pytest.mark.usefixtures("panels")
def test_a_prompt_is_said_first_and_goes_on(pair, recording, tmp_path):
    options = {"prompt": recording, "prompt_seconds": 0.01}
    made = draw_samples(tmp_path / "out", **pair, **SHORT, count=2, **options)
    voice = load_voice(pair["model"])
    said = voice.encode(read_waveform(recording).samples)[:10]
    assert len(set(said.tolist())) > 1
    for item in made.files:
        codes = load_codes(item.codes).codes
        assert len(codes) == 10 + 20
        np.testing.assert_array_equal(codes[:10], said)
        assert len(read_waveform(item.path).samples) == 480
    assert made.prompt_seconds == pytest.approx(0.01)


def test_the_codes_of_a_prompt_do_not_depend_on_where_it_is_cut(pair, recording):
    voice = load_voice(pair["model"])
    whole = voice.encode(read_waveform(recording).samples)
    told = []
    for frames in (1, 2, 30, 61):
        found = read_prompt(voice, recording, frames / 1000, told.append)
        np.testing.assert_array_equal(found, whole[:frames])
    assert told == []
    # 1000 samples are 62 codes and a half.
    np.testing.assert_array_equal(read_prompt(voice, recording, 1.0, told.append), whole[:62])
    assert told == [
        f"{recording}: 0.06 s, shorter than --prompt-seconds 1; all of it is the prompt"
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, "--count 0"),
        ({"count": 10**11}, "--count 100000000000: at most 10000"),
        ({"seconds": 0.0}, "--seconds 0:"),
        ({"seconds": float("nan")}, "--seconds nan"),
        ({"seconds": float("inf")}, "--seconds inf"),
        ({"seconds": 0.0009}, r"--seconds 0\.0009: shorter than one code, which lasts 0\.001 s"),
        ({"temperature": -0.1}, r"--temperature -0\.1"),
        ({"temperature": float("inf")}, "--temperature inf"),
        ({"decoder_temperature": -1.0}, "--decoder-temperature -1"),
        ({"top_k": -1}, "--top-k -1"),
        ({"top_k": 17}, "--top-k 17: .* has 16 codes"),
        ({"speakers": ["p999"]}, "--speaker p999"),
        ({"prompt": "{rec}", "prompt_seconds": 0.0005}, r"--prompt-seconds 0\.0005: shorter than"),
        ({"prompt": "{rec}", "prompt_seconds": float("nan")}, "--prompt-seconds nan"),
    ],
)
def test_numbers_out_of_range_are_refused_before_any_work(
    pair, recording, tmp_path, monkeypatch, options, message
):
    monkeypatch.setattr(module, "sample_codes", lambda *_, **__: pytest.fail("worked"))
    if "prompt" in options:
        options = options | {"prompt": recording}
    with pytest.raises(UsageError, match=message):
        draw_samples(tmp_path / "out", **pair, **(SHORT | options))
    assert not (tmp_path / "out").exists()


def test_a_prompt_that_holds_no_code_is_refused(pair, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "sample_codes", lambda *_, **__: pytest.fail("worked"))
    short, text = tmp_path / "short.wav", tmp_path / "text.wav"
    write_waveform(short, np.full(15, 0.1), 16000)
    text.write_text("no audio")
    for path, message in (
        (short, r"short\.wav: 15 samples at 16000 Hz, shorter than one code \(16 samples\)"),
        (text, r"text\.wav: "),
        (tmp_path / "nowhere.wav", r"nowhere\.wav: no such file"),
    ):
        with pytest.raises(InputError, match=message):
            draw_samples(tmp_path / "out", **pair, **SHORT, prompt=path)
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("panels")
def test_what_is_there_is_replaced_only_when_that_was_said(pair, tmp_path, monkeypatch):
    out = tmp_path / "out"
    draw_samples(out, **pair, **SHORT, count=1)
    before = contents(out)
    (out / "mine.txt").write_text("mine")
    draw_samples(out, **pair, **SHORT, count=1, overwrite=True)
    assert contents(out) == before | {"mine.txt": b"mine"}
    monkeypatch.setattr(module, "sample_codes", lambda *_, **__: pytest.fail("worked"))
    for name in before:
        left = {other: data for other, data in before.items() if other != name}
        for other in left:
            (out / other).unlink()
        with pytest.raises(WriteError, match=f"{name}: is there already"):
            draw_samples(out, **pair, **SHORT, count=1)
        for other, data in left.items():
            (out / other).write_bytes(data)


def test_a_prompt_is_never_replaced(pair, recording, tmp_path):
    (tmp_path / "out").mkdir()
    inside = recording.rename(tmp_path / "out" / "sample-001-p901.wav")
    before = inside.read_bytes()
    with pytest.raises(UsageError, match="is the source itself"):
        draw_samples(tmp_path / "out", **pair, **SHORT, count=1, prompt=inside, overwrite=True)
    assert inside.read_bytes() == before


def rows(text):
    """Rows of words such as `b:f:Irish`; what is left out is not known."""
    keys = ("speaker", "gender", "accent")
    return [dict(zip(keys, [*word.split(":"), None, None], strict=False)) for word in text.split()]


@pytest.mark.parametrize(
    ("known", "turns"),
    [
        ("a:f:X b:f:X c:f:Y d:m:X e:m:Z f:m:X", "a d c e b f"),
        ("a:f:X b:f:X c:f:Y d:m:X", "a d c b"),
        ("z y:m x:f w", "x y w z"),
        ("", ""),
    ],
)
def test_turns_go_from_women_to_men_and_from_accent_to_accent(known, turns):
    assert take_turns(rows(known)) == turns.split()
    assert take_turns(rows(known)[::-1]) == turns.split()
