"""Exports as files: all of it or nothing, never over something else, never of another model."""

import json

import numpy as np
import parselmouth
import pytest
import torch
from typer import Typer
from typer.testing import CliRunner

from vqspeech.analysis.phoneme_mapping import PhonemeMapping
from vqspeech.cli import exports
from vqspeech.data.codes import read_code_dir, write_code_dir
from vqspeech.data.data_dir import DataDir, Utterance, write_data_dir
from vqspeech.errors import InputError, UsageError, WriteError
from vqspeech.generation.voice import Voice
from vqspeech.stages.export_codes import FORMATS, export_codes
from vqspeech.stages.mapping_file import save_mapping

PHONES = "".join(
    f"{utterance} 1 {start:.2f} 0.10 {label}\n"
    for utterance in ("p901-1", "p907-1")
    for start, label in [(0.0, "SIL"), (0.1, "HH"), (0.2, "AH"), (0.3, "L"), (0.4, "OW")]
)
CODES = {
    "p901-1": np.array([0, 0, 1, 1, 1, 2, 2, 3, 3, 3]),
    "p907-1": np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
    "p907-2": np.array([7, 7, 7]),
}
MAP = {
    "kind": "phoneme-mapping",
    "version": 1,
    "phones": ["AH", "SIL"],
    "num_codes": 16,
    "rate": 20,
    "model_hash": "5eed",
    "context": 1,
    "min_count": 5,
    "code_frames": [9] * 16,
    "code_phones": ["SIL"] + ["AH"] * 15,
    "contexts": {},
}


@pytest.fixture
def make_codes(tmp_path):
    """A function that writes a code directory of 50 ms a code, with an alignment or without."""

    def make(name="codes", codes=CODES, *, aligned=True, groups=1, hop=800, **settings):
        rows = [Utterance(key, key.split("-")[0], tmp_path / f"{key}.wav") for key in codes]
        durations = {key: len(values) * hop / 16000 for key, values in codes.items() if len(values)}
        write_data_dir(tmp_path / "data", rows, durations=durations)
        (tmp_path / "data" / "phones.ctm").write_text(PHONES if aligned else "")
        facts = {"sample_rate": 16000, "num_codes": 16, "model_hash": "5eed"} | settings
        data = DataDir.read(tmp_path / "data")
        write_code_dir(tmp_path / name, codes, data, hop=hop, groups=groups, **facts)
        return tmp_path / name

    return make


@pytest.fixture
def mapping(tmp_path):
    save_mapping(tmp_path / "map.json", PhonemeMapping.from_json(MAP))
    return tmp_path / "map.json"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_discophon_fills_a_folder_file_by_file(make_codes, tmp_path):
    codes, out = make_codes(), tmp_path / "units"
    for split in ("dev", "test"):
        written = export_codes(codes, out, file_format="discophon", language="deu", split=split)
        assert written.path == out / f"units-deu-{split}.jsonl"
    assert names(out) == ["units-deu-dev.jsonl", "units-deu-test.jsonl"]
    lines = [json.loads(line) for line in written.path.read_text().splitlines()]
    assert lines == [{"file": key, "units": values.tolist()} for key, values in CODES.items()]
    assert (written.utterances, written.frames, written.step_seconds) == (3, 23, 0.05)


def test_codes_of_four_milliseconds_are_pooled_when_told(make_codes, tmp_path):
    codes = make_codes(hop=64, aligned=False)
    with pytest.raises(UsageError, match=r"codes: units every 4 ms, .* --pool 5 takes 5 frames"):
        export_codes(codes, tmp_path / "units", file_format="discophon")
    assert not (tmp_path / "units").exists()
    written = export_codes(codes, tmp_path / "units", file_format="discophon", pool=5)
    units = [json.loads(line)["units"] for line in written.path.read_text().splitlines()]
    assert units == [[1, 3], [0, 5], [7]]
    assert (written.frames, written.step_seconds) == (5, 0.02)


def test_fairseq_is_one_file_which_never_is_one_of_the_codes(make_codes, tmp_path):
    codes = make_codes()
    written = export_codes(codes, tmp_path / "train.km", file_format="fairseq")
    assert written.path.read_text().splitlines()[2] == "p907-2|7 7 7"
    with pytest.raises(WriteError, match=r"train\.km: is there already; give --overwrite"):
        export_codes(codes, tmp_path / "train.km", file_format="fairseq")
    with pytest.raises(UsageError, match=r"codes\.npy: is the source itself"):
        export_codes(codes, codes / "codes.npy", file_format="fairseq", overwrite=True)


def test_fastabx_gets_units_and_the_triphones_that_hold_one(make_codes, tmp_path):
    written = export_codes(make_codes(), tmp_path / "abx", file_format="fastabx")
    assert names(tmp_path / "abx") == ["triphones.item", "units.jsonl"]
    # HH AH L and AH L OW of both; silence is no context.
    assert (tmp_path / "abx" / "triphones.item").read_text().splitlines() == [
        "#file onset offset #phone prev-phone next-phone speaker",
        "p901-1 0.1000 0.4000 AH HH L p901",
        "p901-1 0.2000 0.5000 L AH OW p901",
        "p907-1 0.1000 0.4000 AH HH L p907",
        "p907-1 0.2000 0.5000 L AH OW p907",
    ]
    first, *_ = (tmp_path / "abx" / "units.jsonl").read_text().splitlines()
    assert json.loads(first) == {"audio": "p901-1.wav", "units": CODES["p901-1"].tolist()}
    assert not written.notes


def test_triphones_without_a_unit_are_counted(make_codes, tmp_path):
    # Frames of 0.4 s: the centre at 0.2 is in both triphones, where the second one starts.
    codes = make_codes(hop=1600)
    written = export_codes(codes, tmp_path / "abx", file_format="fastabx", pool=4)
    assert not written.notes
    # Frames of 0.9 s: the centre at 0.45 is in the second one only.
    written = export_codes(codes, tmp_path / "nine", file_format="fastabx", pool=9)
    assert written.notes == ("triphones.item: 2 of 4 triphones hold no unit",)
    _, *tokens = (tmp_path / "nine" / "triphones.item").read_text().splitlines()
    assert [token.split()[1:4] for token in tokens] == [["0.2000", "0.5000", "L"]] * 2


def test_codes_without_an_alignment_are_exported_without_triphones(make_codes, tmp_path):
    codes = make_codes(aligned=False)
    written = export_codes(codes, tmp_path / "abx", file_format="fastabx")
    assert names(tmp_path / "abx") == ["units.jsonl"]
    assert "so no triphones.item; give fastabx an .item file of your own" in written.notes[0]


def test_zerospeech_has_a_line_a_frame(make_codes, tmp_path):
    export_codes(make_codes(), tmp_path / "test", file_format="zerospeech")
    assert names(tmp_path / "test") == ["p901-1.txt", "p907-1.txt", "p907-2.txt"]
    for key, codes in CODES.items():
        found = np.loadtxt(tmp_path / "test" / f"{key}.txt")
        assert found.shape == (len(codes), 16)
        assert found.argmax(axis=1).tolist() == codes.tolist()
        assert (found.sum(axis=1) == 1).all()


def test_latents_are_rows_of_the_codebook_of_the_model_that_made_the_codes(
    make_codes, make_model, tmp_path
):
    voice, codes = Voice(make_model(), name="tiny"), make_codes()
    codebook = voice.model.quantizer.codebook[0].detach()  # (K, D)
    options = {"voice": voice, "model_hash": "5eed"}
    export_codes(codes, tmp_path / "pt", file_format="fastabx", **options)
    export_codes(codes, tmp_path / "txt", file_format="zerospeech", **options)
    for key, values in CODES.items():
        tensor = torch.load(tmp_path / "pt" / f"{key}.pt", weights_only=True)
        assert torch.equal(tensor, codebook[torch.from_numpy(values)])
        text = np.loadtxt(tmp_path / "txt" / f"{key}.txt", dtype=np.float32)
        np.testing.assert_array_equal(text, tensor.numpy())
    assert "units.jsonl" not in names(tmp_path / "pt")
    fewer = {"num_codes": 8, "dim": 4, "decay": 0.9, "restart_below": 0.1}
    for other, model_hash in (
        (voice, "other"),
        (Voice(make_model(quantizer=fewer), name="tiny"), ""),
    ):
        with pytest.raises(InputError, match=r"codes: made by the model 5eed, not by tiny \("):
            export_codes(
                codes, tmp_path / "no", file_format="fastabx", voice=other, model_hash=model_hash
            )


def test_praat_shows_codes_mapped_phones_and_reference_phones(make_codes, mapping, tmp_path):
    out = tmp_path / "grids"
    written = export_codes(make_codes(), out, file_format="textgrid", mapping=mapping)
    grid = parselmouth.Data.read(str(out / "p901-1.TextGrid"))

    def labels(tier):
        count = parselmouth.praat.call(grid, "Get number of intervals", tier)
        numbers = range(1, count + 1)
        return [parselmouth.praat.call(grid, "Get label of interval", tier, n) for n in numbers]

    tiers = [parselmouth.praat.call(grid, "Get tier name", tier) for tier in (1, 2, 3)]
    assert tiers == ["codes", "mapped phones", "reference phones"]
    assert labels(1) == ["0", "1", "2", "3"]
    assert labels(2) == ["SIL", "AH"]
    assert labels(3) == ["SIL", "HH", "AH", "L", "OW"]
    assert parselmouth.praat.call(grid, "Get end point", 2, 1) == 0.1
    assert parselmouth.praat.call(grid, "Get total duration") == 0.5
    (note,) = written.notes
    assert note.endswith("phones.ctm: no phones for 1 of 3 utterances: p907-2")


def test_audacity_has_a_track_for_each_tier(make_codes, mapping, tmp_path):
    out = tmp_path / "tracks"
    export_codes(make_codes(), out, file_format="audacity", mapping=mapping)
    ends = ("codes", "mapped-phones", "reference-phones")
    assert names(out)[:3] == [f"p901-1.{end}.txt" for end in ends]
    assert (out / "p901-1.mapped-phones.txt").read_text() == (
        "0.000000\t0.100000\tSIL\n0.100000\t0.500000\tAH\n"
    )


def test_the_map_reads_codes_before_they_are_pooled(make_codes, mapping, tmp_path):
    out = tmp_path / "tracks"
    export_codes(make_codes(), out, file_format="audacity", mapping=mapping, pool=5)
    text = (out / "p907-1.mapped-phones.txt").read_text()
    assert text == "0.000000\t0.050000\tSIL\n0.050000\t0.500000\tAH\n"
    assert (out / "p907-1.codes.txt").read_text() == (
        "0.000000\t0.250000\t0\n0.250000\t0.500000\t5\n"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_hash": "other"}, "fitted on codes of model other, .*codes has those of 5eed"),
        ({"rate": 25}, "fitted at 25 codes a second, .*codes has 20"),
        (
            {"num_codes": 2, "code_frames": [9, 9], "code_phones": ["AH", "SIL"]},
            "fitted on 2 codes",
        ),
        ({"version": 2}, "no map of phones .*version 2"),
    ],
)
def test_a_map_of_other_codes_is_refused_in_a_line(make_codes, tmp_path, change, message):
    (tmp_path / "other.json").write_text(json.dumps(MAP | change))
    with pytest.raises(InputError, match=rf"other\.json: {message}") as caught:
        export_codes(
            make_codes(),
            tmp_path / "grids",
            file_format="textgrid",
            mapping=tmp_path / "other.json",
        )
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "grids").exists()


def test_groups_are_one_unit_or_a_tier_each(make_codes, tmp_path):
    codes = {"p901-1": np.array([[1, 2], [1, 2], [1, 3]])}
    folder = make_codes(codes=codes, groups=2, aligned=False)
    export_codes(folder, tmp_path / "a.km", file_format="fairseq")
    assert (tmp_path / "a.km").read_text() == "p901-1|18 18 19\n"  # 16 x 1 + 2
    export_codes(folder, tmp_path / "tracks", file_format="audacity")
    assert names(tmp_path / "tracks") == ["p901-1.codes-1.txt", "p901-1.codes-2.txt"]
    export_codes(folder, tmp_path / "zs", file_format="zerospeech")
    assert np.loadtxt(tmp_path / "zs" / "p901-1.txt").shape == (3, 32)


def test_utterances_without_codes_are_counted_and_named(make_codes, tmp_path):
    codes = make_codes(codes=CODES | {"p907-3": np.zeros(0, int)}, aligned=False)
    for file_format in FORMATS:
        written = export_codes(codes, tmp_path / file_format, file_format=file_format)
        assert written.utterances == 3
        assert written.notes[0] == "skipped 1 of 4 (no codes): p907-3"
    nothing = make_codes("none", {"p901-1": np.zeros(0, int)}, aligned=False)
    with pytest.raises(InputError, match="none: no utterance has codes"):
        export_codes(nothing, tmp_path / "out", file_format="fairseq")


@pytest.mark.parametrize("file_format", ["fastabx", "zerospeech", "textgrid", "audacity"])
def test_a_folder_is_replaced_when_told_and_never_when_it_holds_something_else(
    make_codes, tmp_path, file_format
):
    codes, out = make_codes(), tmp_path / "out"
    out.mkdir()
    export_codes(codes, out, file_format=file_format)  # an empty folder is no obstacle
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(WriteError, match="out: is there already; give --overwrite"):
        export_codes(codes, out, file_format=file_format)
    export_codes(codes, out, file_format=file_format, overwrite=True)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    (out / "thesis.tex").write_text("x")
    with pytest.raises(WriteError, match=r"holds thesis\.tex, which is no file of this export"):
        export_codes(codes, out, file_format=file_format, overwrite=True)
    with pytest.raises(WriteError, match="which is no file of this export"):
        export_codes(codes, codes, file_format=file_format, overwrite=True)
    assert read_code_dir(codes)["p907-2"].tolist() == [7, 7, 7]


def test_a_failure_on_the_way_leaves_nothing(make_codes, tmp_path):
    codes = make_codes()
    (codes / "utt2dur").write_text("p901-1 0.5\np907-1 0.5\np907-2 9\n")
    with pytest.raises(InputError, match=r"utt2dur: p907-2 lasts 9 s"):
        export_codes(codes, tmp_path / "grids", file_format="textgrid")
    assert {path.name for path in tmp_path.iterdir()} == {"codes", "data"}


def test_an_id_that_is_no_file_name_is_refused(make_codes, tmp_path):
    codes = make_codes(aligned=False)
    for table in ("utt2codes", "utt2spk", "utt2dur"):
        path = codes / table
        path.write_text(path.read_text().replace("p901-1", "../p901-1"))
    with pytest.raises(InputError, match=r"'../p901-1' could leave its folder"):
        export_codes(codes, tmp_path / "out" / "txt", file_format="zerospeech")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"file_format": "hdf5"}, "--format hdf5: one of discophon, fastabx"),
        ({"file_format": "fairseq", "mapping": "map.json"}, "fairseq has no phones"),
        ({"file_format": "fairseq", "pool": 0}, "--pool 0: at least 1 frame"),
        ({"file_format": "discophon", "language": "../eng"}, r"--language \.\./eng: letters"),
        ({"file_format": "discophon", "split": "a b"}, "--split a b: letters and digits"),
        ({"file_format": "textgrid", "voice": object()}, "textgrid holds codes, not latents"),
    ],
)
def test_options_that_do_not_fit_are_refused_first(tmp_path, options, message):
    with pytest.raises(UsageError, match=message):
        export_codes(tmp_path / "nowhere", tmp_path / "out", **options)


def test_progress_counts_utterances(make_codes, tmp_path):
    for file_format in FORMATS:
        told = []
        export_codes(
            make_codes(),
            tmp_path / file_format,
            file_format=file_format,
            progress=lambda *counts, told=told: told.append(counts),
        )
        assert told == [(1, 3), (2, 3), (3, 3)]


def test_the_command_says_what_it_wrote(make_codes, tmp_path):
    app, group = Typer(), Typer()
    exports.register(group, app)
    app.add_typer(group, name="export")
    words = ["export", "codes", make_codes(), "--out", tmp_path / "out", "--format", "textgrid"]
    result = CliRunner().invoke(app, [*map(str, words), "--pool", "2"])
    assert result.exit_code == 0, result.output
    assert result.stdout == (
        f"wrote {tmp_path / 'out'}  3 utterances  12 units, one every 100 ms\n"
    )
    assert "no phones for 1 of 3 utterances: p907-2" in result.stderr
    assert len(names(tmp_path / "out")) == 3
