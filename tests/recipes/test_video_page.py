"""The page of the video recipe: every picture once, nothing fetched, what is missing named."""

import base64
import json
import runpy
from pathlib import Path

import numpy as np
import pytest
from small_video import ACTIONS
from video_facts import clip_facts, video_facts

from recipes.frames.grids import write_png
from recipes.frames.npz_arrays import write_arrays
from recipes.video.draw_clips import DrawnClips
from recipes.video.drawn_files import Drawing, drawn_files, write_drawn
from recipes.video.page import chief_figures, figure_section, video_page
from recipes.video.report import app
from recipes.video.training_curves import judge_curves, prior_curves
from vqspeech.cli.leave import run_for_status
from vqspeech.errors import InputError

_reader = runpy.run_path(str(Path(__file__).parents[1] / "report" / "page_reader.py"))
faults, PageReader = _reader["faults"], _reader["PageReader"]
FIRST_STAGE = {"nll": 3.0, "valid": {"pixel_bits": 4.0, "psnr": 20.0, "codes_used": 5}}
LOGS = {
    "vqvae": FIRST_STAGE,
    "clips": FIRST_STAGE,
    "prior": {"nll": 4.0, "valid": {"bits": 3.0}},
    "without": {"nll": 4.0, "valid": {"bits": 3.5}},
    "alone": {"nll": 4.0, "valid": {"bits": 5.5}},
    "judge": {"nll": 1.0, "accuracy": 0.25, "valid": {"accuracy": 0.75}},
}
PICTURES = ("figure/drawn.webp", "figure/drawn.png", "clip_scores/clips.png")


def draw(folder, actions=((0, 0), (1, 1))):
    """Files as recipes.video.sample writes them, of 2 frames that go on from 2."""
    rng = np.random.default_rng(0)
    rows = len(actions)
    drawn = DrawnClips(
        rng.integers(256, size=(2, 16, 16, 3), dtype=np.uint8),
        np.zeros((2, 4, 4), np.int32),
        np.zeros((rows, 2, 4, 4), np.int32),
        rng.integers(256, size=(rows, 2, 16, 16, 3), dtype=np.uint8),
        np.array(actions),
        0.5,
    )
    folder.mkdir(parents=True)
    files = drawn_files(folder / "drawn", overwrite=False)
    write_drawn(files, drawn, Drawing("a", "b", ACTIONS, 0, 1.0, 0))


@pytest.fixture
def exp(tmp_path):
    """All that the recipe makes."""
    exp = tmp_path / "exp"
    for name, entry in LOGS.items():
        (exp / name).mkdir(parents=True)
        train = {key: value for key, value in entry.items() if key != "valid"}
        lines = [{"step": 10, **train}, {"step": 20, "valid": entry["valid"]}]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (exp / name / "log.jsonl").write_text(text, encoding="utf-8")
    draw(exp / "figure")
    (exp / "figure" / "clip.npz").write_bytes(b"frames")
    for name, facts in (("scores/video", video_facts()), ("clip_scores/clips", clip_facts())):
        (exp / name).parent.mkdir()
        (exp / f"{name}.json").write_text(json.dumps(facts), encoding="utf-8")
    write_png(exp / "clip_scores" / "clips.png", np.zeros((10, 20, 3), np.uint8))
    return exp


def test_the_page_holds_each_picture_once_and_is_the_same_made_again(exp):
    html = video_page(exp)
    assert video_page(exp) == html
    for name in PICTURES:
        assert html.count(base64.b64encode((exp / name).read_bytes()).decode()) == 1
    page = PageReader(html)
    kinds = [image["src"].split(";")[0] for image in page.all("img")]
    assert kinds == ["data:image/webp", "data:image/png", "data:image/png"]
    assert 'class="missing"' not in html
    assert faults(html) == []
    assert "Made by python -m recipes.video.report" in page.words
    assert page.words.count("Told, clip by clip: forward*2; right*2.") == 1


def test_the_header_has_the_chief_figures_and_what_they_are_to_be_compared_with(exp):
    words = PageReader(video_page(exp)).words
    for told in (
        "bits a frame and its action share 0.62 of 0.81 that it has; 95 %: 0.50 to 0.75",
        "action fidelity 75.0 % of real frames 93.8 %",
        "PSNR of the first drawn frame 20.2 dB the last one seen, repeated: 18.0 dB",
        "for a clip of 4 frames 2.3 s on one core",
        "data vizdoom hardware a processor (1 thread) commit 0123456789",
    ):
        assert told in words


def test_a_prior_without_actions_has_no_figures_of_them():
    facts = video_facts()
    facts["bits"]["told"] = facts["drawn"]["fidelity"] = None
    labels = [label for label, _, _ in chief_figures(facts)]
    assert labels == ["PSNR of the first drawn frame", "for a clip of 4 frames"]


def test_of_one_episode_no_interval_is_told():
    facts = video_facts()
    facts["bits"]["told"] |= {"low": None, "high": None}
    assert chief_figures(facts)[0][2] == "of 0.81 that it has"


def test_priors_stand_in_one_picture_and_the_judge_in_per_cent(exp):
    (priors,) = prior_curves({name: exp / name for name in ("prior", "without", "alone")})
    for told in ("with actions goes from 3 ", "without goes from 3.5 ", "nothing before goes"):
        assert told in priors.alt
    (judge,) = judge_curves(exp / "judge")
    assert "training goes from 25 at step 10" in judge.alt
    assert "validation goes from 75 at step 20" in judge.alt


LOST = {
    "figure/drawn.png": "sample --context",
    "figure/clip.npz": "cut --data FRAMES.npz",
    "scores/video.json": "examine --model",
    "vqvae/log.jsonl": "train CONFIG",
    "without/log.jsonl": "train_prior CONFIG",
    "judge/log.jsonl": "train_judge CONFIG",
    "clip_scores/clips.png": "examine_clips --model",
    "clips/log.jsonl": "train CONFIG",
}


def test_what_is_missing_is_named_with_the_command_that_makes_it(exp):
    for name in LOST:
        (exp / name).unlink()
    commands = PageReader(video_page(exp)).commands
    assert len(commands) == len(LOST)
    for command in LOST.values():
        told = [each for each in commands if each.startswith(f"python -m recipes.video.{command} ")]
        assert len(told) == list(LOST.values()).count(command)
    (without,) = [each for each in commands if "train_prior" in each]
    assert without.endswith("without --set model.actions=false")


def test_a_folder_with_nothing_yet_makes_a_page_that_names_every_command(tmp_path):
    html = video_page(tmp_path)
    page = PageReader(html)
    assert len(page.commands) == 10
    assert "Not there yet: drawn.webp, drawn.png." in page.words
    assert "<img" not in html
    assert faults(html) == []


def test_the_gif_is_shown_where_there_is_no_webp(exp):
    (exp / "figure" / "drawn.webp").unlink()
    moving, strip = figure_section(exp).blocks
    assert (moving.mime, moving.is_moving, strip.is_moving) == ("image/gif", True, False)


def test_of_many_clips_only_the_first_actions_are_told(tmp_path):
    draw(tmp_path / "figure", actions=[(0, 1)] * 11)
    _, strip = figure_section(tmp_path).blocks
    assert strip.caption.endswith("; forward,right; and 3 more.")
    assert strip.caption.count("forward") == 8


@pytest.mark.parametrize("name", ["drawn.webp", "drawn.png"])
def test_a_picture_of_another_kind_is_named(exp, name):
    (exp / "figure" / name).write_bytes((exp / "figure" / "drawn.gif").read_bytes())
    with pytest.raises(InputError, match=rf"{name}: no (WebP|PNG); make it again with recipes"):
        video_page(exp)


def test_actions_that_have_no_names_are_refused(exp):
    path = exp / "figure" / "drawn.npz"
    names = np.array(ACTIONS[:1], dtype=str)
    write_arrays(path, {"actions": np.ones((2, 2), np.uint8), "action_names": names})
    with pytest.raises(InputError, match=r"drawn\.npz: actions without names"):
        video_page(exp)


def test_the_command_writes_the_page_or_says_why_not(tmp_path, capsys):
    out = tmp_path / "page.html"
    assert run_for_status(lambda: app(["--exp", str(tmp_path), "--out", str(out)])) == 0
    assert out.read_text(encoding="utf-8") == video_page(tmp_path)
    assert run_for_status(lambda: app(["--exp", str(tmp_path), "--out", "page"])) == 2
    nowhere = tmp_path / "nowhere"
    assert run_for_status(lambda: app(["--exp", str(nowhere), "--out", str(out)])) == 3
    assert f"{nowhere}: no folder of experiments" in capsys.readouterr().err
