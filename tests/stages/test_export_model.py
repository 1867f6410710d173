"""An exported model: smaller, complete, and the same voice up to the rounding of its weights."""

import json

import numpy as np
import pytest
import torch

import vqspeech
from vqspeech.checkpoint import MANIFEST, load_tensors, save_folder, verify_folder
from vqspeech.errors import InputError, UsageError, WriteError
from vqspeech.models.build import model_config
from vqspeech.stages.encode import hash_model
from vqspeech.stages.export_model import export_model
from vqspeech.stages.list_models import list_models


@pytest.fixture
def trained(make_model, tmp_path):
    """A checkpoint whose average differs from its weights, with a guide."""
    model, average = make_model(guide_mels=20), make_model(guide_mels=20, seed=1)
    information = {"p901": {"gender": "f", "accent": "American"}}
    files = {
        "config.json": model_config(model, speaker_information=information),
        "model.safetensors": model.state_dict(),
        "average.safetensors": average.state_dict(),
    }
    save_folder(tmp_path / "run", files)
    return tmp_path / "run", average


@pytest.mark.parametrize(("precision", "dtype"), [("float16", torch.float16), ("float32", None)])
def test_it_holds_the_running_average_in_the_precision_asked_for(
    trained, tmp_path, precision, dtype
):
    path, average = trained
    folder = export_model(path, tmp_path / "out", precision=precision)
    verify_folder(folder)
    found = load_tensors(folder / "model.safetensors")
    expected = {k: v for k, v in average.state_dict().items() if not k.startswith("guide.")}
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if value.is_floating_point() and value.dim() > 1 and dtype is not None:
            value = value.to(dtype)
        assert torch.equal(found[name], value)


def test_it_speaks_without_the_run_it_came_from(trained, tmp_path):
    path, average = trained
    folder = export_model(path, tmp_path / "out", precision="float32")
    waveform = np.sin(np.arange(320) / 5).astype(np.float32)
    voice = vqspeech.load(folder)
    codes = voice.encode(waveform)
    with torch.no_grad():
        assert codes.tolist() == average.codes(torch.from_numpy(waveform)[None])[0].tolist()
    assert voice.decode(codes, "p907").shape == (320,)
    assert voice.model.guide is None
    again = export_model(folder, tmp_path / "again", precision="float32")
    assert (again / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()


def test_the_card_and_the_list_of_models_show_its_scores(trained, tmp_path):
    about = tmp_path / "about.md"
    about.write_text("# The voice\n\nMade of hums.\n")
    scores = tmp_path / "scores.json"
    scores.write_text(json.dumps([{"data": "test", "bits": 3.25, "codes_used": 16.0, "by": "us"}]))
    export_model(trained[0], tmp_path / "exp" / "a" / "best", about=about, scores=[scores])
    card = (tmp_path / "exp" / "a" / "best" / "README.md").read_text()
    assert "\n---\n\n# The voice\n\nMade of hums.\n" in card
    assert "| test | bits | 3.2500 |" in card
    assert "| codes | 1000 a second, each one of 16 |" in card
    (row,) = (row for row in list_models(tmp_path) if str(tmp_path) in row["model"])
    assert row["scores"] == {"test": {"data": "test", "bits": 3.25, "codes_used": 16.0, "by": "us"}}
    assert row["sample_rate"] == 16000


def test_weights_beyond_half_precision_are_named_and_nothing_is_written(make_model, tmp_path):
    model = make_model()
    with torch.no_grad():
        model.decoder.wavenet.skip.weight[0] = 1e6
    files = {"config.json": model_config(model), "model.safetensors": model.state_dict()}
    save_folder(tmp_path / "run", files)
    with pytest.raises(InputError, match=r"decoder\.wavenet\.skip\.weight: .*export in float32"):
        export_model(tmp_path / "run", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    export_model(tmp_path / "run", tmp_path / "out", precision="bfloat16")


def test_a_large_variance_is_no_obstacle(make_model, tmp_path):
    model = make_model()
    model.encoder.normalize.running_var.fill_(1e6)
    files = {"config.json": model_config(model), "model.safetensors": model.state_dict()}
    save_folder(tmp_path / "run", files)
    found = load_tensors(export_model(tmp_path / "run", tmp_path / "out") / "model.safetensors")
    assert found["encoder.normalize.running_var"].tolist() == [1e6] * 4


def test_other_files_are_never_replaced(trained, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years of work")
    with pytest.raises(WriteError, match=r"thesis\.tex"):
        export_model(trained[0], tmp_path / "out")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["thesis.tex"]
    folder = export_model(trained[0], tmp_path / "twice")
    before = (folder / MANIFEST).read_bytes()
    with pytest.raises(WriteError, match="--overwrite"):
        export_model(trained[0], tmp_path / "twice")
    again = export_model(trained[0], tmp_path / "twice", overwrite=True)
    assert (again / MANIFEST).read_bytes() == before
    with pytest.raises(UsageError, match="the model itself"):
        export_model(folder, folder, overwrite=True)
    assert all(file.stat().st_mode & 0o044 for file in folder.iterdir())  # others may read them


def test_codes_of_the_source_are_codes_of_the_exported_model_with_and_without_scores(
    trained, tmp_path
):
    path, _ = trained
    scores = tmp_path / "scores.json"
    scores.write_text('{"data": "test", "bits": 3.5}')
    first = export_model(path, tmp_path / "a")
    second = export_model(first, tmp_path / "b", scores=[scores])
    assert hash_model(path) == hash_model(first) == hash_model(second)


def test_it_speaks_at_its_own_temperature_unless_told_otherwise(trained, tmp_path):
    plain = vqspeech.load(export_model(trained[0], tmp_path / "plain"))
    cold = export_model(trained[0], tmp_path / "cold", temperature=0.0)
    voice = vqspeech.load(export_model(cold, tmp_path / "again"))
    codes = np.arange(8)
    assert (plain.temperature, voice.temperature) == (1.0, 0.0)
    assert np.array_equal(voice.decode(codes, "p901"), plain.decode(codes, "p901", temperature=0))
    assert np.array_equal(voice.decode(codes, "p901", temperature=1), plain.decode(codes, "p901"))
    assert not np.array_equal(voice.decode(codes, "p901"), plain.decode(codes, "p901"))
    config = json.loads((cold / "config.json").read_text())
    save_folder(
        tmp_path / "bad",
        {
            "config.json": config | {"temperature": "hot"},
            "model.safetensors": load_tensors(cold / "model.safetensors"),
        },
    )
    with pytest.raises(InputError, match="temperature hot"):
        vqspeech.load(tmp_path / "bad")


def test_an_exported_model_keeps_its_card_when_it_is_exported_again(trained, tmp_path):
    about = tmp_path / "about.md"
    about.write_text("# Hums\n\nFrom two throats.\n")
    first = export_model(trained[0], tmp_path / "a", about=about)
    second = export_model(first, tmp_path / "b")
    assert (second / "README.md").read_text() == (first / "README.md").read_text()


def test_scores_that_disagree_or_are_no_numbers_are_refused(trained, tmp_path):
    for name, bits in (("a", "3"), ("b", "4"), ("c", "NaN")):
        (tmp_path / f"{name}.json").write_text(f'{{"data": "test", "bits": {bits}}}')
    with pytest.raises(InputError, match=r"b\.json: another bits of test"):
        export_model(trained[0], tmp_path / "o", scores=[tmp_path / "a.json", tmp_path / "b.json"])
    with pytest.raises(InputError, match=r"c\.json: holds NaN"):
        export_model(trained[0], tmp_path / "o", scores=[tmp_path / "c.json"])


@pytest.mark.parametrize("content", ["no json", "[1]", '{"bits": 3}', '{"data": 3}'])
def test_scores_of_another_kind_are_refused(trained, tmp_path, content):
    path = tmp_path / "scores.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"scores\.json: "):
        export_model(trained[0], tmp_path / "out", scores=[path])


def test_an_unknown_precision_is_refused(trained, tmp_path):
    with pytest.raises(UsageError, match="int4"):
        export_model(trained[0], tmp_path / "out", precision="int4")


def test_voices_that_are_not_named_stay_behind(make_model, tmp_path):
    model = make_model(("p901", "p907", "reader7", "reader9"))
    information = {name: {"gender": "f"} for name in model.speakers}
    files = {
        "config.json": model_config(model, speaker_information=information),
        "model.safetensors": model.state_dict(),
    }
    save_folder(tmp_path / "run", files)
    options = {"precision": "float32", "overwrite": True}
    folder = export_model(
        tmp_path / "run", tmp_path / "out", speakers=["reader9", "p9*"], **options
    )
    config = json.loads((folder / "config.json").read_text())
    assert config["speakers"] == ["p901", "p907", "reader9"]
    assert sorted(config["speaker_information"]) == ["p901", "p907", "reader9"]
    whole, part = vqspeech.load(tmp_path / "run"), vqspeech.load(folder)
    waveform = np.sin(np.arange(320) / 5).astype(np.float32)
    for speaker in part.speakers:
        assert np.array_equal(whole.convert(waveform, speaker), part.convert(waveform, speaker))
    with pytest.raises(UsageError, match="--speaker p8\\*: none of the 4 speakers"):
        export_model(tmp_path / "run", tmp_path / "out", speakers=["p8*"], **options)


def test_it_keeps_by_what_it_speaks(make_model, tmp_path):
    sizes = make_model().settings.decoder.model_dump() | {"acoustic_bands": 20}
    model = make_model(sample_rate=8000, decoder=sizes)
    files = {"config.json": model_config(model), "model.safetensors": model.state_dict()}
    save_folder(tmp_path / "run", files)
    folder = export_model(tmp_path / "run", tmp_path / "out", through="vocoder")
    assert vqspeech.load(folder).through == "vocoder"
    again = export_model(folder, tmp_path / "again")
    assert vqspeech.load(again).through == "vocoder"
    assert vqspeech.load(tmp_path / "run").through == "wavenet"
    plain = make_model()
    files = {"config.json": model_config(plain), "model.safetensors": plain.state_dict()}
    save_folder(tmp_path / "plain", files)
    with pytest.raises(UsageError, match="acoustic_bands"):
        export_model(tmp_path / "plain", tmp_path / "no", through="vocoder")
    assert not (tmp_path / "no").exists()


def test_what_the_voices_are_like_is_measured_and_goes_along(make_model, tiny_data, tmp_path):
    sizes = make_model().settings.decoder.model_dump() | {"acoustic_bands": 20}
    model = make_model(decoder=sizes)
    files = {"config.json": model_config(model), "model.safetensors": model.state_dict()}
    save_folder(tmp_path / "run", files)
    data, said = tiny_data("voices", utterances=3, samples=16000 * 2), []
    folder = export_model(
        tmp_path / "run", tmp_path / "out", voices=[data], through="vocoder", note=said.append
    )
    voice = vqspeech.load(folder)
    # Hums of 120 and 240 Hz and a little above, as they were written.
    pitches = {name: 150 * 2**profile.octaves for name, profile in voice.profiles.items()}
    assert pitches["p901"] == pytest.approx(130, rel=0.03)
    assert pitches["p907"] == pytest.approx(250, rel=0.03)
    again = vqspeech.load(export_model(folder, tmp_path / "again"))
    assert again.profiles.keys() == voice.profiles.keys()
    waveform = np.sin(np.arange(3200) / 5).astype(np.float32)
    assert np.array_equal(voice.convert(waveform, "p901"), again.convert(waveform, "p901"))
    plain = make_model()
    files = {"config.json": model_config(plain), "model.safetensors": plain.state_dict()}
    save_folder(tmp_path / "plain", files)
    with pytest.raises(UsageError, match="--measure-voices"):
        export_model(tmp_path / "plain", tmp_path / "no", voices=[data])
