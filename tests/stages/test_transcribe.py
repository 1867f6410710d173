"""Recordings read as phones, through a map that knows whose codes it reads."""

import json

import numpy as np
import parselmouth
import pytest
from typer import Typer
from typer.testing import CliRunner

from vqspeech.analysis.phoneme_mapping import PhonemeMapping
from vqspeech.audio.waveform import read_waveform, write_waveform
from vqspeech.checkpoint import save_folder
from vqspeech.cli import exports
from vqspeech.data.alignment import read_phones
from vqspeech.errors import InputError, UsageError, VQSpeechError, WriteError
from vqspeech.generation.voice import Voice
from vqspeech.models.build import model_config
from vqspeech.stages.encode import hash_model
from vqspeech.stages.mapping_file import check_mapping, load_mapping, save_mapping
from vqspeech.stages.transcribe import check_output, transcribe_files

# Of the 16 codes of the tiny model, at 1000 a second: a row of three phones.
MAP = {
    "kind": "phoneme-mapping",
    "version": 1,
    "phones": ["AH", "M", "SIL"],
    "num_codes": 16,
    "rate": 1000.0,
    "model_hash": "",
    "context": 1,
    "min_count": 5,
    "code_frames": [9] * 16,
    "code_phones": (["AH", "M", "SIL"] * 6)[:16],
    "contexts": {},
}
CODES = np.array([2, 2, 5, 0, 3, 3, 1, 2])  # SIL SIL SIL AH AH AH M SIL


def make_mapping(**changes):
    return PhonemeMapping.from_json(MAP | changes)


def save_model(path, model):
    files = {"config.json": model_config(model), "model.safetensors": model.state_dict()}
    save_folder(path, files)


@pytest.fixture
def voice(make_model, monkeypatch):
    """A model that hears the same codes in everything: 8 frames of 16 samples."""
    voice = Voice(make_model(), name="tiny")
    monkeypatch.setattr(voice, "encode", lambda samples: CODES)
    return voice


@pytest.fixture
def recordings(tmp_path):
    paths = [tmp_path / name for name in ("one.wav", "two.wav")]
    for path in paths:
        write_waveform(path, (0.3 * np.sin(np.arange(120) / 5)).astype(np.float32), 16000)
    return paths


@pytest.fixture
def model(make_model, tmp_path):
    """A model in a folder, and a map that was fitted on its codes."""
    save_model(tmp_path / "model", make_model())
    found = hash_model(tmp_path / "model")
    save_mapping(tmp_path / "map.json", make_mapping(model_hash=found))
    return tmp_path / "model"


def test_runs_of_one_phone_are_one_word_with_times_worked_by_hand(voice, recordings):
    (first, second), failures = transcribe_files(voice, recordings, make_mapping())
    assert not failures
    assert first.text() == "one: SIL AH M SIL"
    assert second.text() == "two: SIL AH M SIL"
    # A millisecond a code; 120 samples at 16 kHz end at 7.5 ms, within the last one.
    assert [tuple(run) for run in first.phones] == [
        (0, 0.003, "SIL"),
        (0.003, 0.006, "AH"),
        (0.006, 0.007, "M"),
        (0.007, 0.0075, "SIL"),
    ]
    assert first.text(with_times=True).startswith("one: SIL 0.00-0.00 AH 0.00-0.01 M 0.01-0.01")


def test_a_line_of_json_holds_phones_and_the_codes_they_were_read_from(voice, recordings):
    (first, _), _ = transcribe_files(voice, recordings, make_mapping())
    assert "\n" not in first.json()
    facts = json.loads(first.json())
    assert facts["file"] == str(recordings[0])
    assert (facts["seconds"], facts["rate"], facts["model"]) == (0.0075, 1000, "tiny")
    assert facts["units"] == CODES.tolist()
    assert facts["phones"][2] == {"start_seconds": 0.006, "end_seconds": 0.007, "label": "M"}


def test_a_ctm_is_an_alignment_that_reads_back(voice, recordings, tmp_path):
    transcripts, _ = transcribe_files(voice, recordings, make_mapping())
    lines = [transcript.format("ctm") for transcript in transcripts]
    (tmp_path / "phones.ctm").write_text("\n".join(lines) + "\n")
    phones = read_phones(tmp_path / "phones.ctm")
    assert list(phones) == ["one", "two"]
    assert phones["one"] == phones["two"]
    assert phones["one"][1] == (0.003, 0.003, "AH")


def test_praat_opens_the_tiers(voice, recordings, tmp_path):
    (first, _), _ = transcribe_files(voice, recordings, make_mapping())
    (tmp_path / "one.TextGrid").write_text(first.format("textgrid") + "\n")
    grid = parselmouth.Data.read(str(tmp_path / "one.TextGrid"))
    ask = parselmouth.praat.call
    assert [ask(grid, "Get tier name", tier) for tier in (1, 2)] == ["codes", "mapped phones"]
    assert [ask(grid, "Get number of intervals", tier) for tier in (1, 2)] == [6, 4]
    assert ask(grid, "Get label of interval", 2, 3) == "M"
    assert ask(grid, "Get starting point", 2, 3) == 0.006
    assert grid.xmax == 0.0075


def test_a_recording_that_cannot_be_read_is_named_and_the_others_go_on(voice, recordings, tmp_path):
    heard = []
    sources = [recordings[0], tmp_path / "missing.wav", recordings[1], recordings[0]]
    transcripts, failures = transcribe_files(voice, sources, make_mapping(), done=heard.append)
    assert [transcript.name for transcript in heard] == ["one", "two"]
    assert heard == transcripts
    assert len(failures) == 1
    assert "missing.wav: no such file" in failures[0]


def test_groups_are_read_as_one_number(make_model, recordings, monkeypatch):
    quantizer = {"num_codes": 4, "dim": 4, "groups": 2, "decay": 0.9, "restart_below": 0.1}
    voice = Voice(make_model(quantizer=quantizer))
    codes = np.stack([CODES // 4, CODES % 4], axis=1)
    monkeypatch.setattr(voice, "encode", lambda samples: codes)
    (first, _), _ = transcribe_files(voice, recordings, make_mapping())
    assert first.text() == "one: SIL AH M SIL"
    assert 'name = "codes-2"' in first.text_grid()


def test_a_mapping_of_other_codes_is_a_mistake(voice, recordings):
    mapping = make_mapping(num_codes=2, code_frames=[1, 1], code_phones=["AH", "M"])
    with pytest.raises(ValueError, match="a mapping of 2 codes for tiny"):
        transcribe_files(voice, recordings, mapping)


def test_a_mapping_comes_back_from_its_file(tmp_path):
    save_mapping(tmp_path / "map.json", make_mapping(model_hash="5eed"))
    again = load_mapping(tmp_path / "map.json")
    assert again.to_json() == MAP | {"model_hash": "5eed"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "map.json: no such file; 'vqspeech analyze phonemes --save-map' writes one"),
        (b"{", "map.json: no JSON, a map of phones was wanted"),
        (b"\xff\xfe", "map.json: no JSON"),
        (b"[" * 100_000, "map.json: no JSON"),
        (b"[]", r"map.json: no map of phones \(its kind is no phoneme mapping"),
        (json.dumps(MAP | {"rate": "fast"}).encode(), "map.json: no map of phones .*rate 'fast'"),
        (json.dumps(MAP | {"code_phones": ["AH"]}).encode(), "no map of phones .*code_phones"),
    ],
)
def test_a_file_that_holds_no_mapping_is_refused_in_a_line(tmp_path, content, message):
    path = tmp_path / "map.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        load_mapping(path)
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_mapping(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        load_mapping(tmp_path)


def test_only_what_is_known_of_the_model_is_compared():
    facts = {"num_codes": 16, "rate": 1000, "whose": "tiny"}
    check_mapping(make_mapping(model_hash="5eed"), "map.json", model_hash="", **facts)
    check_mapping(make_mapping(), "map.json", model_hash="5eed", **facts)
    check_mapping(make_mapping(model_hash="5eed"), "map.json", model_hash="5eed", **facts)
    with pytest.raises(InputError, match=r"map\.json: fitted on codes of model 5eed, tiny has th"):
        check_mapping(make_mapping(model_hash="5eed"), "map.json", model_hash="other", **facts)


def test_output_is_refused_before_any_work(recordings, tmp_path):
    (tmp_path / "b").mkdir()
    twin = tmp_path / "b" / "one.wav"
    twin.touch()
    with pytest.raises(UsageError, match="--format xml: one of text, json, textgrid, ctm"):
        check_output(recordings, "xml", None)
    with pytest.raises(UsageError, match="--format textgrid: give --out FOLDER"):
        check_output(recordings, "textgrid", None)
    with pytest.raises(UsageError, match="--format ctm: two recordings of one name"):
        check_output([*recordings, twin], "ctm", None)
    with pytest.raises(UsageError, match=r"one\.TextGrid: two recordings of the same name"):
        check_output([*recordings, twin], "textgrid", tmp_path / "out")
    with pytest.raises(InputError, match=r"a b\.wav: 'a b' holds a space .* --format json"):
        check_output([tmp_path / "a b.wav"], "ctm", None)
    assert check_output([*recordings, twin, twin], "text", None) == {}
    targets = check_output(recordings, "json", tmp_path / "out")
    assert targets == {path: tmp_path / "out" / f"{path.stem}.json" for path in recordings}
    (tmp_path / "one.ctm").touch()
    with pytest.raises(WriteError, match=r"one\.ctm: is there already"):
        check_output(recordings, "ctm", tmp_path)


@pytest.fixture
def run():
    """A function that runs `transcribe` as the command line does; errors are raised."""
    app, group = Typer(), Typer()
    exports.register(group, app)
    app.add_typer(group, name="export")

    def run(*words):
        result = CliRunner().invoke(app, ["transcribe", *map(str, words)])
        if isinstance(result.exception, VQSpeechError):
            raise result.exception
        return result

    return run


def test_the_command_prints_a_line_a_recording_of_what_the_model_hears(
    run, model, recordings, make_model, tmp_path
):
    result = run(*recordings, "--map", tmp_path / "map.json", "--model", model)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert [line.split(": ")[0] for line in lines] == ["one", "two"]
    codes = Voice(make_model()).encode(read_waveform(recordings[0]).samples)
    phones = [MAP["code_phones"][code] for code in codes]
    merged = [p for i, p in enumerate(phones) if i == 0 or phones[i - 1] != p]
    assert lines[0] == f"one: {' '.join(merged)}"


def test_the_command_writes_files(run, model, recordings, tmp_path):
    options = ("--map", tmp_path / "map.json", "--model", model, "--out", tmp_path / "out")
    result = run(*recordings, *options, "--format", "textgrid")
    assert result.exit_code == 0, result.output
    grid = parselmouth.Data.read(str(tmp_path / "out" / "two.TextGrid"))
    assert grid.xmax == 0.0075
    run(*recordings, *options, "--format", "json")
    assert json.loads((tmp_path / "out" / "one.json").read_text())["seconds"] == 0.0075
    with pytest.raises(WriteError, match=r"one\.json: is there already; give --overwrite"):
        run(*recordings, *options, "--format", "json")


def test_the_command_refuses_the_codes_of_another_model(
    run, model, recordings, make_model, tmp_path
):
    save_model(tmp_path / "other", make_model(seed=1))
    with pytest.raises(InputError, match=r"map\.json: fitted on codes of model [0-9a-f]{16}, "):
        run(*recordings, "--map", tmp_path / "map.json", "--model", tmp_path / "other")
    with pytest.raises(UsageError, match="--with-times: json has times without it"):
        run(*recordings, "--map", tmp_path / "map.json", "--with-times", "--format", "json")
