"""Learning on codes: pictures that are one of eight are three bits, and latents say which."""

import itertools
import json

import numpy as np
import pytest
from PIL import Image
from small_pictures import (
    SMALL_PIXELCNN,
    noise,
    noise_data,
    save_vqvae,
    small_second_stage,
)

from recipes.frames.command import RunOptions
from recipes.frames.pictures import PictureData, PictureSet
from recipes.images import first_stage_scores
from recipes.images.code_prior import load_prior
from recipes.images.first_stage_scores import examine_first_stage, format_first_stage, spread
from recipes.images.second_stage_scores import examine_second_stage
from recipes.images.train_on_codes import train_picture_prior, train_second_stage
from vqspeech.config.schema import QuantizerSettings
from vqspeech.errors import InputError

LEARNER = SMALL_PIXELCNN.model_copy(update={"channels": 16, "head_channels": 32})
QUIET = RunOptions(quiet=True, device="cpu")
TRAINING = {
    **{"steps": 120, "batch_size": 16, "learning_rate": 1e-2, "final_learning_rate": 1e-3},
    **{"warmup_steps": 5, "average_decay": 0.8, "checkpoint_every": 120, "threads": 1},
}


def write_settings(path, model, **training):
    fields = {"model": model.model_dump(mode="json"), "training": TRAINING | training}
    path.write_text(json.dumps(fields))  # which is YAML as well
    return path


def eight_colours(class_names=()):
    """Every part shows eight plain pictures equally often; each is a source, and a class."""
    index = np.arange(64) % 8
    colours = np.array(list(itertools.product((0, 255), repeat=3)), np.uint8)
    pixels = np.broadcast_to(colours[:, None, None], (8, 16, 16, 3))[index]
    labels = index if class_names else None
    part = PictureSet(pixels, index, labels, tuple(f"walk{i}" for i in range(8)))
    return PictureData("eight", dict.fromkeys(("train", "valid", "test"), part), class_names)


@pytest.fixture(scope="module")
def walks(tmp_path_factory):
    """A folder with a first stage, a prior and a second stage over its 4 x 4 codes, both learnt."""
    folder = tmp_path_factory.mktemp("walks")
    data = eight_colours()
    save_vqvae(folder / "vqvae", size=16, seen=data.part("train").pixels)
    prior = write_settings(folder / "prior.yaml", LEARNER)
    train_picture_prior(prior, folder / "vqvae", data, folder / "prior", QUIET)
    second = small_second_stage(
        **{"pixelcnn": LEARNER, "channels": 16, "condition_channels": 8},
        quantizer=QuantizerSettings(num_codes=32, groups=3, dim=12, decay=0.9),
    )
    longer = {"steps": 180, "checkpoint_every": 180, "guide_steps": 60}
    config = write_settings(folder / "second.yaml", second, **longer)
    train_second_stage(config, folder / "vqvae", data, folder / "second", QUIET)
    return folder, data


def size_of(path):
    with Image.open(path) as image:
        return image.size


def examine(walks, out, **changes):
    folder, data = walks
    models = {name: folder / name for name in ("model", "prior", "second")}
    models |= {"model": folder / "vqvae", "data": data, "device": "cpu", "count": 2} | changes
    return examine_second_stage(**models, out=out)


def test_with_latents_eight_pictures_cost_less_than_any_model_without_needs(walks, tmp_path):
    facts = examine(walks, tmp_path)
    bits = facts["bits_a_picture"]
    # The entropy of eight equally frequent maps, below which no model can be on average.
    assert 3 <= bits["without"] < 4
    assert bits["with"] < 3
    saved, lost = facts["saved"], facts["lost_by_shuffling"]
    assert saved["bits"] == pytest.approx(bits["without"] - bits["with"])
    assert lost["bits"] == pytest.approx(bits["shuffled"] - bits["with"])
    assert 0 < saved["bits"] < 4 < facts["bits"] == 15
    assert lost["bits"] > 10
    assert saved["sources"] == lost["sources"] == 8
    assert max(facts["perplexity"]) > 3
    assert facts["first_stage_bits"] == 4 * 4 * 3
    assert facts["compression"] == 16 * 16 * 3 * 8 / 15
    assert json.loads((tmp_path / "second.json").read_text())["saved"] == saved


def test_frames_are_shown_beside_what_either_stage_makes_of_them(walks, tmp_path):
    examine(walks, tmp_path, temperature=0.0)
    with Image.open(tmp_path / "second.png") as image:
        sheet = np.asarray(image)
    # Originals, the first stage's, and three times the second's: five rows of two.
    assert sheet.shape == (5 * 18 - 2, 2 * 18 - 2, 3)
    originals, first, *second = (sheet[18 * row : 18 * row + 16] for row in range(5))
    pixels = walks[1].part("test").pixels
    assert np.array_equal(originals[:, :16], pixels[0])
    assert np.array_equal(originals[:, 18:], pixels[-1])
    assert not np.array_equal(first, originals)
    for row in second[1:]:
        assert np.array_equal(row, second[0])  # the likeliest codes need no numbers


def test_models_that_cannot_be_compared_are_refused_in_one_line(walks, tmp_path):
    folder, data = walks
    other = write_settings(tmp_path / "other.yaml", SMALL_PIXELCNN)
    same = write_settings(tmp_path / "same.yaml", LEARNER)
    short = QUIET._replace(overrides=["training.steps=1"])
    train_picture_prior(other, folder / "vqvae", data, tmp_path / "other", short)
    labelled = eight_colours(tuple("abcdefgh"))
    train_picture_prior(same, folder / "vqvae", labelled, tmp_path / "told", short)
    for changes, message in (
        ({"prior": tmp_path / "other"}, "a PixelCNN of another size than that of"),
        ({"prior": tmp_path / "told"}, "is told of classes, the second stage is not"),
        ({"data": noise_data(8)}, "learnt codes of pictures of 16 x 16, these are of 8 x 8; give"),
    ):
        with pytest.raises(InputError, match=message) as refused:
            examine(walks, tmp_path / "out", **changes)
        assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_a_first_stage_of_groups_has_no_second_stage(tmp_path):
    save_vqvae(tmp_path / "vqvae", groups=2)
    second = write_settings(tmp_path / "second.yaml", small_second_stage())
    with pytest.raises(InputError, match="codes of 2 groups; a second stage wants a model of one"):
        train_second_stage(second, tmp_path / "vqvae", noise_data(8), tmp_path / "out", QUIET)


def test_sizes_that_do_not_fit_are_told_in_one_line(tmp_path):
    save_vqvae(tmp_path / "vqvae")
    even = SMALL_PIXELCNN.model_copy(update={"kernel_size": 4})
    prior = write_settings(tmp_path / "prior.yaml", even)
    with pytest.raises(InputError, match=r"kernel size 4; an odd number .* these settings"):
        train_picture_prior(prior, tmp_path / "vqvae", noise_data(8), tmp_path / "out", QUIET)


def test_a_prior_that_is_told_the_class_knows_the_picture(tmp_path, monkeypatch):
    data = eight_colours(tuple("abcdefgh"))
    save_vqvae(tmp_path / "vqvae", size=16, groups=2, seen=data.part("train").pixels)
    config = write_settings(tmp_path / "prior.yaml", LEARNER)
    summary = train_picture_prior(config, tmp_path / "vqvae", data, tmp_path / "prior", QUIET)
    assert load_prior(summary.best).class_names == tuple("abcdefgh")
    monkeypatch.setattr(first_stage_scores, "MOST_CLASSES", 3)
    arguments = (tmp_path / "vqvae", tmp_path / "prior")
    facts = examine_first_stage(*arguments, data, tmp_path / "out", count=2, device="cpu")
    prior = facts["prior"]
    assert prior["bits_a_code"] * 32 < 1.5  # the eight maps are known, and which it is
    assert prior["uniform_bits_a_code"] == 3
    assert prior["bits_a_code_other_class"] > 5 * prior["bits_a_code"]
    assert facts["code_bits"] == 4 * 4 * 2 * 3
    assert facts["codes"] == [4, 4, 2, 8]
    assert "told another class" in format_first_stage(facts)
    # Three of the eight classes, from first to last, in rows of two; a pixel is four wide.
    assert size_of(tmp_path / "out" / "samples.png") == (4 * 34, 4 * (3 * 18 - 2))
    assert size_of(tmp_path / "out" / "reconstructions.png") == (4 * 34, 4 * 34)
    with pytest.raises(InputError, match="is told of 8 classes that made-up does not have"):
        examine_first_stage(*arguments, noise_data(16), tmp_path / "no", device="cpu")


def test_pictures_that_are_shown_go_from_the_first_to_the_last():
    pictures = noise(9, 4, classes=3)
    shown = spread(pictures, 3)
    assert np.array_equal(shown.pixels, pictures.pixels[[0, 4, 8]])
    assert shown.labels.tolist() == [0, 1, 2]
    assert len(spread(noise(2, 4), 5)) == 5
