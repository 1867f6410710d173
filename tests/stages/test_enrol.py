"""A voice more: what it costs the others (nothing, to the last bit), and that it is learnt."""

import json
import os

import numpy as np
import pytest
import soundfile
import torch

import vqspeech
from vqspeech.audio.mulaw import mulaw_encode
from vqspeech.audio.waveform import write_waveform
from vqspeech.checkpoint import load_tensors, save_folder, verify_folder
from vqspeech.data.data_dir import Utterance, write_data_dir
from vqspeech.errors import InputError, UsageError, WriteError
from vqspeech.models.build import load_speech_vqvae, model_config
from vqspeech.stages.encode import hash_model
from vqspeech.stages.enrol import enrol
from vqspeech.stages.enrolment_fit import FitSettings, Piece, RowFit, cut_pieces, hold_out
from vqspeech.stages.evaluate_likelihood import evaluate_likelihood
from vqspeech.stages.export_model import export_model
from vqspeech.stages.list_models import list_speakers

RATE = 8000
QUICK = FitSettings(guide_steps=2, steps=2, batch_size=4, crop_seconds=0.1, validate_every=2)


def hum(pitch, seconds, seed=0, amplitude=0.3):
    """A voice of two harmonics with breath, which swells and fades three times a second."""
    time = np.arange(round(seconds * RATE)) / RATE
    tone = np.sin(2 * np.pi * pitch * time) + 0.5 * np.sin(4 * np.pi * pitch * time + 1)
    breath = np.random.default_rng(seed).normal(size=time.size)
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * 3 * time + seed)
    return (amplitude * swell * (tone + 0.1 * breath) / 2).astype(np.float32)


def save(model, path, **more):
    information = {"p901": {"gender": "f", "accent": "American"}}
    config = model_config(model, speaker_information=information, **more)
    save_folder(path, {"config.json": config, "model.safetensors": model.state_dict()})
    return path


@pytest.fixture(autouse=True)
def seconds_for_minutes(monkeypatch):
    """Recordings a tenth as long as a voice wants, so that the tests take seconds too."""
    monkeypatch.setattr("vqspeech.stages.enrolment_speech.LEAST_SECONDS", 3.0)
    monkeypatch.setattr("vqspeech.stages.enrolment_speech.POOR_SECONDS", 3.0)
    monkeypatch.setattr("vqspeech.stages.enrolment_fit.PIECE_SECONDS", 0.4)
    monkeypatch.setattr("vqspeech.stages.enrolment_fit.PROBE_SECONDS", 0.15)
    monkeypatch.setattr("vqspeech.stages.enrolment_fit.HELD_OUT_SECONDS", (0.4, 3.0))


@pytest.fixture
def run(make_model, tmp_path):
    """A checkpoint in float32, with a guide."""
    return save(make_model(sample_rate=RATE, guide_mels=20), tmp_path / "run")


@pytest.fixture
def wav(tmp_path):
    """Four recordings of 1 s."""
    for number in range(4):
        path = tmp_path / "wav" / f"{number}.wav"
        path.parent.mkdir(exist_ok=True)
        write_waveform(path, hum(170 + number, 1, seed=number), RATE)
    return tmp_path / "wav"


def add(name, wav, model, out, **options):
    return enrol(name, [wav], model, out, device="cpu", **{"settings": QUICK} | options)


@pytest.mark.parametrize("precision", ["float16", "float32", "bfloat16"])
def test_the_other_voices_are_the_same_bit_for_bit(run, wav, tmp_path, precision):
    source = export_model(run, tmp_path / "source", precision=precision)
    add("mary", wav, source, tmp_path / "out")
    verify_folder(tmp_path / "out")
    old, new = (load_tensors(f / "model.safetensors") for f in (source, tmp_path / "out"))
    assert old.keys() == new.keys()
    for name, value in old.items():
        found = new[name][:-1] if name == "decoder.speaker.weight" else new[name]
        assert found.dtype == value.dtype
        assert found.flatten().view(torch.uint8).equal(value.flatten().view(torch.uint8))
    before, after = (vqspeech.load(f, device="cpu") for f in (source, tmp_path / "out"))
    waveform = torch.from_numpy(hum(140, 0.1))[None]
    codes = before.model.codes(waveform)
    assert torch.equal(codes, after.model.codes(waveform))
    for row, name in enumerate(before.speakers):
        told = [
            v.model.decoder.conditions(v.model.latents(codes), torch.tensor([row]))
            for v in (before, after)
        ]
        assert all(map(torch.equal, *told))
        logits = [
            v.model.decoder.wavenet(mulaw_encode(waveform), *t)
            for v, t in zip((before, after), told, strict=True)
        ]
        assert torch.equal(*logits)
        speech = [v.decode(codes[0], name, seed=3) for v in (before, after)]
        assert speech[0].tobytes() == speech[1].tobytes()
    # In one batch with the new voice, too.
    together = after.decode_batch([codes[0]] * 2, ["mary", "p907"], seed=3)
    assert together[1].tobytes() == before.decode(codes[0], "p907", seed=3).tobytes()


def test_the_new_voice_is_learnt_and_scored_on_what_it_never_heard(make_model, tmp_path):
    model = make_model(("low", "high"), sample_rate=RATE)
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    known = [torch.from_numpy(hum(*voice)) for voice in ((110, 4, 0, 0.1), (230, 4, 0, 0.5))]
    for _ in range(100):
        starts = torch.randint(len(known[0]) - 800, (8,))
        rows = torch.arange(8) % 2
        crops = torch.stack([known[r][s : s + 800] for r, s in zip(rows, starts, strict=True)])
        loss = model.losses(model.score(crops, rows))["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    source = save(model.eval(), tmp_path / "trained")
    for number in range(4):
        path = tmp_path / "wav" / f"{number}.wav"
        path.parent.mkdir(exist_ok=True)
        write_waveform(path, hum(160, 1, seed=number, amplitude=0.25), RATE)
    settings = FitSettings(steps=40, batch_size=8, crop_seconds=0.1, validate_every=20)
    done = add("mary", tmp_path / "wav", source, tmp_path / "out", settings=settings)
    assert done.after["nll"] < done.before["nll"] - 0.05
    # By another way, on a recording of its own: no known speaker says it as well.
    unheard = tmp_path / "unheard.wav"
    write_waveform(unheard, hum(160, 1, seed=9, amplitude=0.25), RATE)
    voice, nats = vqspeech.load(tmp_path / "out", device="cpu"), {}
    for name in voice.speakers:
        write_data_dir(tmp_path / name, [Utterance(f"{name}_1", name, unheard)])
        nats[name] = evaluate_likelihood(voice, tmp_path / name)["nll"]
    assert nats["mary"] < min(nats["low"], nats["high"]) - 0.05


def test_the_folder_says_who_was_added_and_its_codes_are_those_of_the_source(run, wav, tmp_path):
    source = export_model(run, tmp_path / "source", temperature=0.7)
    done = add("mary", wav, source, tmp_path / "out", gender="f", accent="Scots")
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["speakers"] == ["p901", "p907", "mary"]
    told = config["speaker_information"]
    assert told["p901"] == {"gender": "f", "accent": "American"}
    assert (told["mary"]["gender"], told["mary"]["accent"]) == ("f", "Scots")
    facts = told["mary"]["enrolled"]
    assert (facts["recordings"], facts["seconds"], facts["began_as"]) == (4, 4.0, done.like)
    assert facts["held_out"]["nll"] == [done.before["nll"], done.after["nll"]]
    assert config["temperature"] == 0.7
    rows = list_speakers(tmp_path / "out")
    assert rows[-1] == {"speaker": "mary", "gender": "f", "accent": "Scots"}
    card = (tmp_path / "out" / "README.md").read_text()
    assert "- mary: from 4 s of recordings" in card
    assert "only with that person's consent" in card
    assert "| speakers | 3 |" in card
    assert hash_model(tmp_path / "out") == hash_model(source) == hash_model(run)


def test_voices_are_added_one_after_another_in_any_order_of_names(run, wav, tmp_path):
    add("zoe", wav, run, tmp_path / "one")
    add("adam", wav, tmp_path / "one", tmp_path / "two")
    voice = vqspeech.load(tmp_path / "two", device="cpu")
    assert voice.speakers == ("p901", "p907", "zoe", "adam")
    first = vqspeech.load(tmp_path / "one", device="cpu")
    codes = np.arange(12)
    assert np.array_equal(voice.decode(codes, "zoe"), first.decode(codes, "zoe"))
    card = (tmp_path / "two" / "README.md").read_text()
    assert card.count("## Added voices") == 1
    assert card.index("- zoe: from") < card.index("- adam: from")


def test_a_guide_is_used_while_there_is_one_and_left_out_of_what_is_written(run, wav, tmp_path):
    told = []
    done = add("mary", wav, run, tmp_path / "out", progress=lambda *n: told.append(n))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert set(done.after) == {"guide", "nll"}
    done = add("adam", wav, tmp_path / "out", tmp_path / "more")
    assert (set(done.after), done.steps) == ({"nll"}, 2)
    assert not any(
        key.startswith("guide.") for key in load_tensors(done.path / "model.safetensors")
    )


def test_the_same_seed_gives_the_same_files_and_another_one_another_voice(run, wav, tmp_path):
    weights = {}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        add("mary", wav, run, tmp_path / name, seed=seed)
        weights[name] = (tmp_path / name / "model.safetensors").read_bytes()
    assert weights["a"] == weights["b"] != weights["c"]


def test_what_is_reported_is_what_the_file_says(run, wav, tmp_path):
    source = export_model(run, tmp_path / "source")
    done = add("mary", wav, source, tmp_path / "out")
    model = load_speech_vqvae(tmp_path / "out")
    voice = vqspeech.load(tmp_path / "out", device="cpu")
    recordings = [soundfile.read(wav / f"{number}.wav", dtype="float32")[0] for number in range(4)]
    _, held_out = hold_out(cut_pieces(voice, recordings), RATE)
    nats = samples = 0
    for piece in held_out:
        waveform = model.pad(piece.waveform[None])
        with torch.no_grad():
            nll = model.decoder.nll(
                mulaw_encode(waveform),
                model.latents(piece.codes[None]),
                torch.tensor([2]),
                torch.tensor([len(piece.waveform)]),
            )
        nats, samples = nats + float(nll.nats), samples + int(nll.elements)
    assert done.after["nll"] == pytest.approx(nats / samples, rel=1e-5)


def test_the_row_is_rounded_as_the_file_rounds_it_before_it_is_scored(make_model):
    model = make_model(sample_rate=RATE)
    pieces = [Piece(torch.from_numpy(hum(150, 0.2)), torch.zeros(100, dtype=torch.int64))] * 2
    fit = RowFit(model, "mary", pieces[:1], pieces[1:], QUICK, seed=0)
    others, exact = model.decoder.speaker.weight[:2].detach().clone(), 1 / 3
    with torch.no_grad():
        model.decoder.speaker.weight[2] = exact
    row = fit.rounded_row(torch.float16)
    assert row.tolist() == [float(np.float16(exact))] * 4 != [exact] * 4
    assert torch.equal(model.decoder.speaker.weight, torch.cat((others, row[None])))


def test_a_tenth_is_held_out_spread_over_all():
    second = 800  # samples; a tenth of the rate stands for it, as elsewhere here
    pieces = [Piece(torch.full((second,), float(n)), torch.zeros(50)) for n in range(200)]
    train, held_out = hold_out(pieces, RATE)
    numbers = [int(piece.waveform[0]) for piece in held_out]
    assert numbers == list(range(5, 200, 10))
    assert len(train) == 180
    assert not set(numbers) & {int(piece.waveform[0]) for piece in train}
    few = hold_out(pieces[:30], RATE)[1]  # 3 s: the least, not a tenth
    assert len(few) == 4
    many = hold_out(pieces * 3, RATE)[1]  # a minute: the most, not a tenth
    assert len(many) == 30


def test_no_step_begins_after_the_deadline(run, wav, tmp_path):
    assert add("mary", wav, run, tmp_path / "out", minutes=0.0).steps == 0


def test_who_stops_it_finds_nothing_half_written(run, wav, tmp_path):
    (tmp_path / "place").mkdir()

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add("mary", wav, run, tmp_path / "place" / "out", progress=stop)
    assert os.listdir(tmp_path / "place") == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("p901", "speaks as p901 already; choose another name"),
        ("901", "speaks as p901 already"),
        ("mary ann", "holds a space"),
        ("mary/ann", "could leave its folder"),
        ("", "an empty id"),
        ("-x", "looks like an option"),
    ],
)
def test_a_name_that_is_taken_or_no_id_is_refused_before_any_work(run, tmp_path, name, message):
    with pytest.raises(UsageError, match=message):
        add(name, tmp_path / "no-recordings", run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_place_that_is_taken_is_refused_before_any_work(run, wav, tmp_path):
    with pytest.raises(UsageError, match="is the model itself"):
        add("mary", tmp_path / "no-recordings", run, run)
    add("mary", wav, run, tmp_path / "out")
    with pytest.raises(WriteError, match="--overwrite"):
        add("adam", tmp_path / "no-recordings", run, tmp_path / "out")
    add("adam", wav, run, tmp_path / "out", overwrite=True)
    assert vqspeech.load(tmp_path / "out").speakers == ("p901", "p907", "adam")


def test_a_model_of_another_version_or_kind_is_refused(run, wav, tmp_path):
    config = json.loads((run / "config.json").read_text())
    tensors = load_tensors(run / "model.safetensors")
    for name, change, message in (
        ("newer", {"format": 99}, "format 99, this version reads"),
        ("prior", {"kind": "speech-prior"}, "holds a speech-prior, a speech-vqvae was wanted"),
    ):
        files = {"config.json": config | change, "model.safetensors": tensors}
        save_folder(tmp_path / name, files)
        with pytest.raises(InputError, match=message):
            add("mary", wav, tmp_path / name, tmp_path / "out")
    with pytest.raises(InputError, match="no such folder"):
        add("mary", wav, tmp_path / "nowhere", tmp_path / "out")
    assert not (tmp_path / "out").exists()
