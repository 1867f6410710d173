"""The report of a tiny run: whole, with nothing but a log, and with material that does not fit."""

import json
import runpy
import shlex
from pathlib import Path

import numpy as np
import pytest
from made_up_scores import conversion_scores, write_scores

from vqspeech.checkpoint import save_checkpoint
from vqspeech.data.codes import read_code_dir, write_code_dir
from vqspeech.data.data_dir import DataDir
from vqspeech.errors import InputError, UsageError, WriteError
from vqspeech.files import replace_link
from vqspeech.models.build import model_config
from vqspeech.report.similarity import Similarities
from vqspeech.stages.encode import hash_model
from vqspeech.stages.report import make_report
from vqspeech.stages.report_codes import run_lengths
from vqspeech.stages.report_conversion import draw_similarity_file, with_genders

_reader = runpy.run_path(Path(__file__).parents[1] / "report" / "page_reader.py")
PageReader, faults = _reader["PageReader"], _reader["faults"]
_prior = runpy.run_path(Path(__file__).parent / "prior_stand_in.py")
LOG = (
    '{"step": 10, "learning_rate": 0.1, "loss": 2.0, "nll": 1.5, "skipped": 0}\n'
    '{"step": 10, "valid": {"nll": 2.1, "bits": 3.0296, "swap_gap": 0.2, "codes_used": 9.0,'
    ' "perplexity": 7.5}}\n'
)
EVIL = "<script>x'\"$&"


class FakeVoice:
    """Speaks codes as a tone a speaker: the sampler itself is tested elsewhere."""

    def __init__(self, model):
        self.model, self.sample_rate, self.speakers = model, model.sample_rate, model.speakers
        self.hop = model.hop

    def speaker_index(self, name):
        if name not in self.speakers:
            raise UsageError(f"--speaker {name}: unknown")
        return self.speakers.index(name)

    def encode(self, samples):
        return np.zeros(-(-len(samples) // self.model.hop), np.int64)

    def decode_batch(self, codes, speakers, *, seed, temperature=None, progress=None):
        rate = self.model.hop
        return [
            np.sin(np.arange(len(c) * rate) * (0.1 + self.speakers.index(s))).astype(np.float32)
            for c, s in zip(codes, speakers, strict=True)
        ]


def draw_steps(prior, frames, speakers, *, seed):
    """Codes that are no one's: the sampler itself is tested elsewhere."""
    return np.tile(np.arange(frames) % 16, (len(speakers), 1))


@pytest.fixture
def make_run(tmp_path, make_model):
    """A function that makes a run with one checkpoint in `tmp_path/exp`, named as it is told."""

    def make(name="vqvae", speakers=("p901", "p907"), seed=0):
        run = tmp_path / "exp" / name
        model = make_model(speakers, seed=seed)
        state = {"step": 10, "best_step": 10, "seconds": 61.0}
        files = {"config.json": model_config(model), "state.json": state}
        save_checkpoint(run, 10, {**files, "model.safetensors": model.state_dict()})
        replace_link(run / "best", "step-00000010")
        (run / "log.jsonl").write_text(LOG)
        (run / "config.yaml").write_text(f"text: {EVIL}\n")
        made = {"gpus": [], "processor": "a core", "threads": 1, "commit": EVIL, "command": EVIL}
        (run / "environment.json").write_text(json.dumps(made))
        return run, model

    return make


def write_codes(path, data, model, model_hash):
    data_dir = DataDir.read(data)
    (data / "phones.ctm").write_text(
        "".join(f"{key} 1 0.0000 0.1000 AA\n{key} 1 0.1000 0.1000 SIL\n" for key in data_dir)
    )
    rng = np.random.default_rng(0)
    codes = {key: rng.integers(0, 16, 250) for key in data_dir}
    facts = {"hop": model.hop, "sample_rate": 16000, "num_codes": 16, "groups": 1}
    write_code_dir(path, codes, data_dir, **facts, model_hash=model_hash)


def phoneme_scores(model_hash):
    counts = np.tile([[3, 1], [0, 4]], (8, 1))  # (K, P)
    return {
        "kind": "phonemes",
        "model_hash": model_hash,
        "codes": f"elsewhere/{EVIL}",
        "phones": ["AA", "SIL"],
        "code_phones": ["AA", "SIL"] * 8,
        "counts": counts.tolist(),
        "confusion": [[24, 8], [0, 32]],
        "per_phone": [{"phone": "AA", "frames": 32, "accuracy": 0.75}],
        "majority": {"phone": "SIL", "accuracy": 0.625},
        "systems": [
            {"name": "codes", "measures": {"accuracy": {"value": 0.875}}},
            {"name": EVIL, "measures": {EVIL: {"value": 1.0}}},
        ],
    }


@pytest.fixture
def whole(tmp_path, make_run, tiny_data, monkeypatch):
    """A run with codes, scores and data beside it, all with names that need escaping."""
    run, model = make_run(EVIL)
    model_hash = hash_model(run)
    data = tiny_data("test")
    write_codes(tmp_path / "exp" / "codes" / EVIL, data, model, model_hash)
    folder = tmp_path / "exp" / "analysis"
    folder.mkdir()
    (folder / "phonemes.json").write_text(json.dumps(phoneme_scores(model_hash)))
    abx = {"kind": "abx", "model_hash": model_hash, "across": {EVIL: 0.123456}}
    (folder / "abx.json").write_text(json.dumps(abx))
    for make in (_prior["likelihood_scores"], _prior["samples_scores"]):
        scores = make(model_hash, codes=EVIL)
        (folder / f"{scores['kind']}.json").write_text(json.dumps(scores))
    prior = _prior["make_prior"](model_hash, speakers=("p901", "p907"))
    _prior["save_prior_run"](tmp_path / "exp" / f"prior{EVIL}", prior)
    conversions = conversion_scores(model_hash=model_hash, data=f"elsewhere/{EVIL}", model=EVIL)
    (folder / "conversion.json").write_text(json.dumps(conversions))
    monkeypatch.setattr("vqspeech.generation.voice.load_voice", lambda *arguments: FakeVoice(model))
    monkeypatch.setattr("vqspeech.generation.code_sampling.sample_codes", draw_steps)
    monkeypatch.setattr("vqspeech.stages.report_prior.SAMPLE_COUNT", 1)
    return run, data


def test_a_whole_report_has_every_section_and_fetches_nothing(tmp_path, whole):
    run, data = whole
    out = make_report(run, tmp_path / "a.html", data=data)
    html = out.read_text(encoding="utf-8")
    page = PageReader(html)
    assert faults(html) == []
    assert "<script>" not in html
    assert "missing" not in [a.get("class") for a in page.all("p")]
    assert "87.5 % of frames right; always SIL 62.5 %" in page.words
    assert "0.1235" in page.words  # of the other kind of scores
    assert "1 min 1 s" in page.words
    assert len(page.csv("code-phone-matrix-1").splitlines()) == 1 + 16
    # Of two speakers: source, reconstruction, conversion; and what the prior said unasked.
    assert len(page.all("audio")) == 2 * 3 + 1
    assert f"Likelihood: {EVIL}" in page.words
    assert f"likelihood: {EVIL}" not in page.words  # it is of the prior, not of the phones
    assert "bits a code, prior 2.50 validation; trigram: 2.00" in page.words
    assert f"Conversions: {EVIL}" in page.words
    assert f"conversion-scores: {EVIL}" not in page.words  # it is not among the phones too
    assert "word error rate, % ↓ 25.0 20.0 to 31.2 0.0 0.0 to 0.0 0.0 0.0 to 0.0" in page.words
    assert len(page.csv("similarity-1").splitlines()) == 1 + 4
    assert all(a["src"].startswith("data:audio/flac;base64,ZkxhQ") for a in page.all("audio"))


def test_sources_are_a_woman_and_a_man_and_say_different_sentences(tmp_path, whole):
    run, data = whole
    words = ("one", "two", "three")
    lines = [f"{key} said {words[int(key[-1])]}\n" for key in DataDir.read(data)]
    (data / "text").write_text("".join(lines))  # both speakers say all three
    page = PageReader(make_report(run, tmp_path / "a.html", data=data).read_text("utf-8"))
    for title in ("p901_test_0, p901: said one", "p907_test_1, p907: said two"):
        assert title in page.words


def test_scores_without_recordings_are_shown_and_those_of_no_form_are_refused(tmp_path, make_run):
    run, _ = make_run()
    scores = write_scores(tmp_path / "scores.json", conversion_scores(model_hash=hash_model(run)))
    page = PageReader(make_report(run, tmp_path / "a.html", scores=[scores]).read_text("utf-8"))
    assert "--src AUDIO" in page.words
    assert "word error rate, test 25.0 % recordings 0.0 %" in " ".join(page.words.split())
    assert "evaluate conversion --model" not in page.words
    write_scores(scores, conversion_scores(model_hash=hash_model(run), format=3))
    with pytest.raises(InputError, match=r"scores\.json: format 3, 1 was wanted"):
        make_report(run, tmp_path / "a.html", scores=[scores])


def test_genders_are_those_of_the_model_where_no_pair_tells_them():
    found = Similarities(("a",), ("a", "b", "c"), np.ones((1, 3)), {"a": "f"})
    rows = [{"speaker": "b", "gender": "m"}, {"speaker": "c", "gender": None}]
    assert with_genders(found, rows).genders == {"a": "f", "b": "m"}


def test_the_similarity_picture_is_drawn_from_a_file(tmp_path):
    scores = write_scores(tmp_path / "scores.json", conversion_scores())
    assert draw_similarity_file(scores, tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    write_scores(scores, conversion_scores(similarity_matrix=None))
    with pytest.raises(InputError, match="no similarity matrix"):
        draw_similarity_file(scores, tmp_path / "b.png")
    write_scores(scores, {"kind": "abx"})
    with pytest.raises(InputError, match="abx; give one of"):
        draw_similarity_file(scores, tmp_path / "b.png")


def test_the_same_material_makes_the_same_bytes(tmp_path, whole):
    run, _ = whole
    pages = [make_report(run, tmp_path / name).read_bytes() for name in ("a.html", "b.htm")]
    assert pages[0] == pages[1]


def test_audio_can_be_left_out(tmp_path, whole):
    run, data = whole
    source = DataDir.read(data)["p901_test_0"].audio
    listening = {"src": [source], "speakers": ["p907"], "codes": [], "scores": []}
    (tmp_path / "exp" / "analysis" / "phonemes.json").unlink()
    html = make_report(run, tmp_path / "a.html", **listening, has_audio=False).read_text("utf-8")
    assert "conversion: p907" in html
    assert "<audio" not in html


def test_without_material_each_section_names_the_command_that_makes_it(tmp_path, make_run):
    run, _ = make_run()
    page = PageReader(make_report(run, tmp_path / "a.html").read_text(encoding="utf-8"))
    for command in ("vqspeech encode", "vqspeech analyze phonemes", "--src AUDIO", "train prior"):
        assert command in page.words
    assert [a["id"] for a in page.all("section")] == [
        *("run", "training", "codebook", "phones", "utterances", "listening", "prior"),
    ]


def shown_commands(html):
    """The words of each command on the page, as a shell takes them."""
    return [shlex.split(text) for text in PageReader(html).commands]


def test_the_commands_shown_survive_a_shell_and_write_where_the_report_looks(
    tmp_path, make_run, monkeypatch
):
    run, _ = make_run("a run; it's 1")
    commands = shown_commands(make_report(run, tmp_path / "a.html").read_text(encoding="utf-8"))
    assert [command[1] for command in commands] == [
        *("encode", "analyze", "encode", "report", "evaluate", "train"),
    ]
    assert [command.count(str(run)) for command in commands] == [1, 0, 1, 1, 1, 0]
    assert commands[-2][-1] == str(tmp_path / "exp" / "analysis" / "conversion.json")
    assert commands[-1][-1] == str(tmp_path / "exp" / "prior")
    monkeypatch.chdir(run)
    commands = shown_commands(make_report(".", tmp_path / "a.html").read_text(encoding="utf-8"))
    assert commands[0][-1] == str(tmp_path / "exp" / "codes" / "NAME")
    assert commands[1][-1] == str(tmp_path / "exp" / "analysis" / "phonemes.json")


def test_the_analysis_shown_fits_and_scores_on_two_parts_with_phones(tmp_path, make_run, tiny_data):
    run, model = make_run()
    model_hash = hash_model(run)
    for part in ("dev", "train", "zz"):
        write_codes(tmp_path / "exp" / "codes" / part, tiny_data(part), model, model_hash)
    (tmp_path / "exp" / "codes" / "zz" / "phones.ctm").unlink()
    page = make_report(run, tmp_path / "a.html").read_text(encoding="utf-8")
    (command, *_) = [words for words in shown_commands(page) if words[1] == "analyze"]
    parts = [Path(word).name for word in command[3:6]]
    assert parts == ["dev", "--fit-on", "train"]


def test_a_run_of_codes_ends_where_its_utterance_does(tmp_path, tiny_data):
    data = DataDir.read(tiny_data("test"))
    first, second, *rest = data
    codes = {key: np.array([7]) for key in rest}
    codes |= {first: np.array([3, 3, 1]), second: np.array([1, 1])}
    facts = {"hop": 640, "sample_rate": 16000, "num_codes": 16, "groups": 1}
    write_code_dir(tmp_path / "codes", codes, data, **facts, model_hash="5eed")
    lengths = run_lengths(read_code_dir(tmp_path / "codes"))
    assert lengths.tolist() == [2, 1, 2] + [1] * len(rest)


def test_scores_are_named_by_the_part_they_are_of_and_have_readable_names(tmp_path, make_run):
    run, _ = make_run()
    stability = {
        "kind": "stability",
        "model_hash": hash_model(run),
        "data": ["some/where/unseen"],
        "disturbances": [{"name": "gain -6 dB", "ued": 0.25, "low": 0.2, "high": 0.3}],
    }
    scores = tmp_path / "numbers.json"
    scores.write_text(json.dumps(stability))
    page = PageReader(make_report(run, tmp_path / "a.html", scores=[scores]).read_text("utf-8"))
    assert "Stability of the codes: unseen" in page.words
    assert "unit edit distance after gain -6 dB 0.250 0.200 to 0.300" in page.words


def test_a_run_without_a_checkpoint_shows_its_curves_and_says_so(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "log.jsonl").write_text(LOG)
    notes = []
    page = make_report(run, tmp_path / "a.html", note=notes.append).read_text(encoding="utf-8")
    assert faults(page) == []
    assert "10, not finished" in PageReader(page).words
    assert any("no summary" in text for text in notes)


def test_codes_and_scores_of_another_model_are_refused_or_left_out(tmp_path, make_run, tiny_data):
    run, _ = make_run()
    other, model = make_run("other", seed=1)
    codes = tmp_path / "exp" / "codes" / "test"
    write_codes(codes, tiny_data("test"), model, hash_model(other))
    scores = tmp_path / "phonemes.json"
    scores.write_text(json.dumps(phoneme_scores(hash_model(other))))
    with pytest.raises(InputError, match="codes of another model"):
        make_report(run, tmp_path / "a.html", codes=[codes])
    with pytest.raises(InputError, match="scores of another model"):
        make_report(run, tmp_path / "a.html", scores=[scores])
    notes = []
    make_report(run, tmp_path / "a.html", note=notes.append)
    assert any("left out codes of other models" in text and text.endswith(": 1") for text in notes)


def test_what_cannot_be_is_refused_before_the_work(tmp_path, make_run):
    run, _ = make_run()
    with pytest.raises(UsageError, match=r"\.html"):
        make_report(run, run / "config.yaml")
    with pytest.raises(InputError, match=r"log\.jsonl"):
        make_report(tmp_path / "nowhere", tmp_path / "a.html")
    with pytest.raises(UsageError, match="--speaker"):
        make_report(run, tmp_path / "a.html", speakers=["p901"])
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError):
        make_report(run, tmp_path / "file" / "a.html")
    assert not (tmp_path / "a.html").exists()
