"""The page of the images recipe: every picture once, nothing fetched, what is missing named."""

import base64
import io
import json
import runpy
import shutil
from pathlib import Path

import pytest
from images_facts import bits_facts, first_stage_facts, second_stage_facts
from PIL import Image

from recipes.frames.result_files import Results
from recipes.images.bits_picture import draw_bits
from recipes.images.page import PHOTOS, first_stage_section, images_page
from recipes.images.report import app
from recipes.images.training_curves import comparison_curves
from vqspeech.cli.leave import run_for_status
from vqspeech.errors import InputError

_reader = runpy.run_path(str(Path(__file__).parents[1] / "report" / "page_reader.py"))
faults = _reader["faults"]
LOGS = {
    "bits/vae-seed0": {"nll": 3.0, "valid": {"bits_per_dim": 4.5}},
    "bits/vqvae-seed0": {"nll": 3.0, "valid": {"pixel_bits": 4.0, "psnr": 20.0}},
    "bits/vqvae-seed0-prior": {"nll": 4.0, "valid": {"bits": 5.0}},
    "photos128/vqvae": {"nll": 3.0, "valid": {"pixel_bits": 4.0, "psnr": 20.0, "codes_used": 5}},
    "photos128/prior": {"nll": 4.0, "valid": {"bits": 5.0}},
    "frames84/vqvae": {"nll": 3.0, "valid": {"pixel_bits": 4.0, "psnr": 20.0}},
    "frames84/prior": {"nll": 4.0, "valid": {"bits": 5.0}},
    "frames84/second": {"nll": 4.0, "valid": {"bits": 5.0}},
}
SHEETS = (
    "photos128/pictures/reconstructions.png",
    "photos128/pictures/samples.png",
    "frames84/pictures/reconstructions.png",
    "frames84/pictures/samples.png",
    "frames84/pictures/second.png",
)


def png(grey):
    buffer = io.BytesIO()
    Image.new("RGB", (20, 10), (grey, grey, grey)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def exp(tmp_path):
    """All that the recipe makes."""
    exp = tmp_path / "exp"
    for name, entry in LOGS.items():
        (exp / name).mkdir(parents=True)
        lines = [{"step": step, "nll": entry["nll"]} for step in (10, 20)]
        lines.append({"step": 20, "valid": entry["valid"]})
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (exp / name / "log.jsonl").write_text(text, encoding="utf-8")
    for number, name in enumerate(SHEETS):
        (exp / name).parent.mkdir(exist_ok=True)
        (exp / name).write_bytes(png(number))
    for name, facts in (
        ("bits/bits.json", bits_facts()),
        ("photos128/pictures/scores.json", first_stage_facts()),
        ("frames84/pictures/scores.json", first_stage_facts() | {"prior": None}),
        ("frames84/pictures/second.json", second_stage_facts()),
    ):
        (exp / name).write_text(json.dumps(facts), encoding="utf-8")
    return exp


def test_the_page_holds_each_picture_once_and_is_the_same_made_again(exp):
    html = images_page(exp)
    assert images_page(exp) == html
    for number in range(len(SHEETS)):
        assert html.count(base64.b64encode(png(number)).decode()) == 1
    assert html.count("<img ") == len(SHEETS)
    assert 'class="missing"' not in html
    assert faults(html) == []
    assert "27 bits for a frame" in html
    assert "near, far" in html


def test_samples_of_many_classes_are_not_said_to_be_of_all(exp):
    facts = first_stage_facts()
    facts["prior"]["classes"] = [f"n{number}" for number in range(1000)]
    results = Results(facts, [])
    blocks = first_stage_section(exp, PHOTOS, results).blocks
    (samples,) = [block for block in blocks if block.kind == "raster" and block.title == "Samples"]
    assert samples.caption == (
        "Drawn by the prior: some of its 1000 classes, first to last, a row each."
    )


def test_training_curves_of_a_vqvae_have_the_bits_of_its_codes(exp):
    # 1536 bits of codes over 3072 levels are half a bit for each, beside the 4 of the pixels.
    training, valid = comparison_curves(exp / "bits", bits_facts())
    assert "vqvae goes from 4.5 at step 20 to 4.5 at step 20" in valid.alt
    assert training.name == "bits-training"
    # Without the results nobody knows what its codes cost.
    assert not any("vqvae goes" in curve.alt for curve in comparison_curves(exp / "bits", None))


LOST = {
    "bits/bits.json": "bits_per_dim --data photos",
    "photos128/pictures/samples.png": "examine --data photos:scales --size 128",
    "photos128/vqvae/log.jsonl": "train CONFIG --data photos:scales",
    "frames84/pictures/scores.json": "examine --data frames:FRAMES.npz --size 84",
    "frames84/prior/log.jsonl": "train_prior CONFIG",
    "frames84/pictures/second.png": "examine_second",
    "frames84/second/log.jsonl": "train_second CONFIG",
}


def test_what_is_missing_is_named_with_the_command_that_makes_it(exp):
    for name in LOST:
        (exp / name).unlink()
    html = images_page(exp)
    assert html.count('class="missing"') == len(LOST)
    for command in LOST.values():
        assert html.count(f"<code>python -m recipes.images.{command} ") == 1
    assert "Not there yet: samples." in html


def test_a_folder_with_nothing_yet_makes_a_page_that_names_every_command_once(tmp_path):
    html = images_page(tmp_path)
    assert html.count('class="missing"') == 9
    assert "Not there yet: reconstructions, samples, scores." in html
    assert "<img" not in html


def test_the_papers_figures_are_marked_in_the_picture_on_cifar10_alone():
    assert ">the paper</text>" not in draw_bits(bits_facts("photos")).svg
    assert ">the paper</text>" in draw_bits(bits_facts("cifar10")).svg


@pytest.mark.parametrize("content", [b"", b"GIF89a" + bytes(40), png(0)[:20]])
def test_a_sheet_that_is_no_png_is_named(exp, content):
    shutil.rmtree(exp / "bits")
    (exp / SHEETS[1]).write_bytes(content)
    with pytest.raises(InputError, match=r"samples.png: no PNG; make it again"):
        images_page(exp)


def test_the_command_writes_the_page_or_says_why_not(tmp_path, capsys):
    out = tmp_path / "page.html"
    assert run_for_status(lambda: app(["--exp", str(tmp_path), "--out", str(out)])) == 0
    assert out.read_text(encoding="utf-8") == images_page(tmp_path)
    assert (
        run_for_status(lambda: app(["--exp", str(tmp_path), "--out", str(tmp_path / "page")])) == 2
    )
    nowhere = tmp_path / "nowhere"
    assert run_for_status(lambda: app(["--exp", str(nowhere), "--out", str(out)])) == 3
    assert f"{nowhere}: no folder of experiments" in capsys.readouterr().err
