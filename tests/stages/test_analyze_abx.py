"""ABX of a code directory: from its alignment or an item file, by codes or by codebook vectors."""

import json
import sys

import numpy as np
import pytest

from vqspeech import cli
from vqspeech.checkpoint import save_folder
from vqspeech.cli.leave import run_for_status
from vqspeech.data.alignment import Phone, format_phones
from vqspeech.data.codes import write_code_dir
from vqspeech.data.data_dir import DataDir
from vqspeech.data.item_file import Item, write_items
from vqspeech.errors import InputError, UsageError
from vqspeech.models.build import model_config
from vqspeech.stages.analyze_abx import analyze_abx
from vqspeech.stages.encode import hash_model

# An utterance says K AE T, K IY T, K AE T, K IY T with silence between, a phone in 80 ms.
WORDS = ["K AE T", "K IY T"] * 2
LABELS = " SIL ".join(WORDS).split()
CODES = {"K": 1, "T": 2, "SIL": 0, "AE": 3, "IY": 4}


def phones_of(step=0.08):
    return [Phone(i * step, step, label) for i, label in enumerate(LABELS)]


@pytest.fixture
def write_codes(tiny_data, tmp_path):
    """A function that writes a code directory of two speakers, two frames a phone."""

    def write(name="codes", codes=None, phones=None, keep="p", step=0.08, **settings):
        data = tiny_data("data", utterances=1)
        alignment = {key: phones or phones_of(step) for key in DataDir.read(data)}
        (data / "phones.ctm").write_text(format_phones(alignment))
        if codes is None:
            codes = np.repeat([CODES[label] for label in LABELS], 2)
        data_dir = DataDir.read(data)
        rows = {key: codes for key in data_dir if key.startswith(keep)}
        settings = {
            "hop": 640,
            "sample_rate": 16000,
            "num_codes": 16,
            "groups": 1,
            "model_hash": "5eed",
        } | settings
        write_code_dir(tmp_path / name, rows, data_dir, **settings)
        return tmp_path / name

    return write


@pytest.fixture
def model(make_model, tmp_path):
    built = make_model(("p901", "p907"))
    files = {"config.json": model_config(built), "model.safetensors": built.state_dict()}
    save_folder(tmp_path / "model", files)
    return str(tmp_path / "model")


def test_codes_that_are_phones_have_no_errors(write_codes):
    found = analyze_abx(write_codes())
    assert (found["distance"], found["triphones"]) == ("levenshtein", "phones.ctm")
    assert (found["tokens"], found["speakers"], found["rate"]) == (8, 2, 25)
    # Within: each speaker, AE against IY and back, 2 x 1 x 2 triples. Across: 2 x 2 x 2.
    assert found["within"]["error"] == found["across"]["error"] == 0
    assert (found["within"]["cells"], found["within"]["triples"]) == (4, 16)
    assert (found["across"]["cells"], found["across"]["triples"]) == (4, 32)
    assert found["across"]["interval"] is None


def test_codes_that_say_nothing_are_chance(write_codes):
    found = analyze_abx(write_codes(codes=np.zeros(30, int)))
    assert found["within"]["error"] == found["across"]["error"] == 0.5


def test_an_item_file_says_what_is_compared(write_codes, tmp_path):
    path = write_codes()
    keys = ("p901_data_0", "p907_data_0")
    # AE and IY of each utterance, and once AE where IY is: wrong against itself, a tie.
    starts = {"AE": (0.0, 0.64), "IY": (0.32, 0.96)}
    items = [
        Item(key, start, start + 0.24, phone, "K", "T", key[:4])
        for key in keys
        for phone in starts
        for start in starts[phone]
    ]
    write_items(tmp_path / "a.item", items)
    found = analyze_abx(path, items=tmp_path / "a.item")
    assert (found["triphones"], found["tokens"], found["across"]["error"]) == ("a.item", 8, 0)
    swapped = [item._replace(phone="AE" if item.phone == "IY" else "IY") for item in items[:4]]
    write_items(tmp_path / "b.item", swapped + items[4:])
    assert analyze_abx(path, items=tmp_path / "b.item")["across"]["error"] == 1


def test_cosine_is_between_the_vectors_of_the_model(write_codes, model, make_model):
    path = write_codes(model_hash=hash_model(model))
    found = analyze_abx(path, model=model)
    assert (found["distance"], found["across"]["error"]) == ("cosine", 0)
    assert "pi" in found["distance_is"]
    # Two codes whose vectors point the same way are one code to cosine, and two to Levenshtein.
    built = make_model(("p901", "p907"))
    weights = built.state_dict()
    name = next(key for key in weights if key.endswith("quantizer.codebook"))
    weights[name][0, 4] = 2 * weights[name][0, 3]
    save_folder(
        path.parent / "other", {"config.json": model_config(built)} | {"model.safetensors": weights}
    )
    other = str(path.parent / "other")
    path = write_codes("others", model_hash=hash_model(other))
    assert analyze_abx(path, model=other)["across"]["error"] == 0.5
    assert analyze_abx(path, model=other, distance="levenshtein")["across"]["error"] == 0


def test_the_length_of_a_run_counts_only_among_frames(write_codes):
    # One vowel for both words, which in K IY T begins a frame early: 132 merged is 132; but
    # 113322 is an edit from 133322.
    codes = np.repeat([CODES[label] for label in LABELS], 2)
    early = np.flatnonzero(codes == 4)[::2] - 1
    codes[codes == 4] = 3
    codes[early] = 3
    path = write_codes(codes=codes)
    assert analyze_abx(path, distance="levenshtein")["within"]["error"] == 0.5
    assert analyze_abx(path, distance="levenshtein-frames")["within"]["error"] == 0


def test_several_codes_a_frame_are_one_symbol(write_codes):
    codes = np.repeat([CODES[label] for label in LABELS], 2)
    pairs = np.stack((codes * 0, codes), axis=1)  # they differ in the second group alone
    assert analyze_abx(write_codes(codes=pairs, groups=2))["across"]["error"] == 0


def test_triphones_without_a_frame_are_counted(write_codes):
    notes = []
    phones = [Phone(0.005 * i, 0.005, label) for i, label in enumerate(["K", "AE", "T"])]
    phones += [p._replace(start_seconds=p.start_seconds + 0.08) for p in phones_of()[:-1]]
    found = analyze_abx(write_codes(phones=phones), note=notes.append)
    assert (found["tokens"], found["tokens_without_frame"]) == (6, 2)
    assert notes == ["left out 2 of 8 triphones: no centre of a frame within them"]


def test_a_phone_may_end_where_an_aligner_rounds_it_to(write_codes):
    *phones, last = phones_of()  # 20 ms past the end, where the centre of one more frame would be
    phones.append(last._replace(duration_seconds=last.duration_seconds + 0.02))
    assert analyze_abx(write_codes(phones=phones))["within"]["error"] == 0


def refuse(kind, message, *arguments, **options):
    with pytest.raises(kind, match=message) as error:
        analyze_abx(*arguments, **options)
    assert "\n" not in str(error.value)


def test_what_cannot_be_compared_is_refused_in_one_line(write_codes, tmp_path, model):
    path = write_codes()
    refuse(InputError, "codes of another model", path, model=model)
    refuse(UsageError, "--distance cosine: needs a codebook", path, distance="cosine")
    refuse(UsageError, "--distance hamming: one of auto, cosine", path, distance="hamming")
    refuse(UsageError, "--speakers all: one of both", path, speakers="all")
    alone = write_codes("alone", keep="p901")
    refuse(InputError, "triphones of 1 speaker, 2 are needed", alone)
    assert analyze_abx(alone, speakers="within")["within"]["error"] == 0
    two = [Phone(0, 0.1, "K"), Phone(0.1, 0.1, "AE")]
    refuse(InputError, "no phone between two others", write_codes("two", phones=two))
    once = write_codes("once", phones=phones_of()[:7])
    refuse(InputError, "no triple among 4 triphones", once, speakers="within")
    notes = []
    assert "within" not in analyze_abx(once, note=notes.append)
    assert notes == [f"{once / 'phones.ctm'}: no triple within speakers among 4 triphones"]
    assert analyze_abx(once, speakers="across")["across"]["cells"] == 4
    late = write_codes("late", codes=np.zeros(25, int))
    refuse(InputError, r"triphone until 1.200 s and codes until 1.000 s", late)
    fast = write_codes("fast", step=0.001)
    refuse(InputError, "no triphone has a frame at 25 frames a second", fast)


def test_an_utterance_without_codes_is_named_with_its_line(write_codes, tmp_path):
    path = write_codes()
    items = [Item(key, 0, 0.24, "AE", "K", "T", "s") for key in ("p901_data_0", "x", "y")]
    write_items(tmp_path / "a.item", items)
    message = r"a\.item:3: 2 utterances are not in .*codes: x, y; give the codes"
    refuse(InputError, message, path, items=tmp_path / "a.item")
    with (path / "phones.ctm").open("a") as file:
        file.write("x 1 0 0.1 K\n")
    refuse(InputError, r"phones\.ctm: 1 utterances are not in", path)


def run(monkeypatch, capfd, *arguments):
    monkeypatch.setattr(sys, "argv", ["vqspeech", "analyze", "abx", *map(str, arguments)])
    status = run_for_status(cli.app)
    out, err = capfd.readouterr()
    assert "Traceback" not in err
    return status, out, err


def test_the_command_names_the_distance_in_text_and_json(write_codes, tmp_path, monkeypatch, capfd):
    path = write_codes()
    status, out, _ = run(monkeypatch, capfd, path, "--json", tmp_path / "abx.json")
    assert status == 0
    assert "distance levenshtein" in out
    assert "across speakers   0.00%" in out
    found = json.loads((tmp_path / "abx.json").read_text())
    assert found["distance"] == "levenshtein"
    assert found["across"]["error"] == 0
    status, out, _ = run(monkeypatch, capfd, path, "--distance", "levenshtein-frames")
    assert status == 0
    assert "distance levenshtein-frames" in out


def test_bad_input_of_the_command_is_one_line_and_exit_3(write_codes, tmp_path, monkeypatch, capfd):
    path = write_codes(keep="p901")
    for arguments in (
        (path,),
        (path, "--items", tmp_path / "none.item"),
        (tmp_path / "none",),
    ):
        status, out, err = run(monkeypatch, capfd, *arguments)
        assert (status, out, err.count("\n")) == (3, "", 1)
        assert err.startswith("error: ")
    status, _, err = run(monkeypatch, capfd, path, "--json", path / "codes.npy" / "x.json")
    assert (status, err.count("\n")) == (5, 1)
