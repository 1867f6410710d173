"""The prior over codes: one map of all groups, what each code is told, and what is refused."""

import itertools

import pytest
import torch
from small_pictures import build_prior, save_prior, save_vqvae

from recipes.frames.code_map import CodeMap
from recipes.frames.settings import PixelCNNSettings
from recipes.images.code_prior import PicturePrior, load_prior
from vqspeech.errors import InputError

HASH = "0" * 16


def test_codes_of_a_place_follow_one_another_in_one_map_and_come_apart_again():
    prior = build_prior(CodeMap(99, 3, 2, 4, HASH))
    codes = torch.arange(2 * 2 * 4 * 3).view(2, 2, 4, 3)  # (B, h, w, G)
    flat = prior.as_map(codes)
    assert flat.shape == (2, 2, 12)
    for b, row, column, group in itertools.product(range(2), range(2), range(4), range(3)):
        assert flat[b, row, 3 * column + group] == codes[b, row, column, group]
    assert torch.equal(prior.from_map(flat), codes)
    single = build_prior(CodeMap(99, 1, 2, 4, HASH))
    assert torch.equal(single.from_map(single.as_map(codes[..., 0])), codes[..., 0])


def test_each_place_of_the_map_is_told_of_which_group_it_is():
    turns = build_prior(CodeMap(5, 3, 2, 2, HASH)).turns(4)  # (B, G, h, w G)
    assert turns.shape == (4, 3, 2, 6)
    assert (turns.argmax(1) == torch.tensor([0, 1, 2, 0, 1, 2])).all()
    assert (turns.sum(1) == 1).all()
    assert build_prior(CodeMap(5, 1, 2, 2, HASH)).turns(4) is None


@pytest.mark.parametrize(("row", "column", "group"), [(0, 0, 0), (0, 0, 2), (1, 1, 1), (2, 0, 2)])
def test_a_code_is_told_of_those_before_it_among_them_its_place_s_earlier_groups(
    row, column, group
):
    # Reaches over the whole map of 3 x 6.
    settings = PixelCNNSettings(
        channels=6, layers=4, kernel_size=3, first_kernel_size=7, head_channels=6
    )
    torch.manual_seed(0)
    prior = PicturePrior(settings, CodeMap(4, 3, 3, 2, HASH)).double()
    embedded = []
    prior.pixelcnn.embedding.register_forward_hook(
        lambda module, given, out: embedded.append(out) or out.retain_grad()
    )
    codes = torch.randint(4, (1, 3, 2, 3))
    prior.nats(codes)[0, row, 3 * column + group].backward()
    depends = embedded[0].grad[0].abs().sum(-1) > 0  # (h, w G)
    wanted = torch.arange(3 * 6).view(3, 6) < row * 6 + 3 * column + group
    assert torch.equal(depends, wanted)


def test_the_probabilities_of_all_maps_add_up_to_one_for_each_class_and_classes_differ():
    prior = build_prior(CodeMap(2, 2, 2, 1, HASH), ["cat", "dog"]).double()
    maps = torch.tensor(list(itertools.product(range(2), repeat=4))).view(-1, 2, 1, 2)
    both = []
    for number in range(2):
        with torch.no_grad():
            both.append(prior.log_prior(maps, torch.full((16,), number)).exp())
    for probabilities in both:
        assert float(probabilities.sum()) == pytest.approx(1, abs=1e-6)
    assert (both[0] - both[1]).abs().max() > 0.01


def test_a_saved_prior_says_the_same_and_is_of_its_model_alone(tmp_path):
    save_vqvae(tmp_path / "vqvae")
    saved = save_prior(tmp_path / "prior", tmp_path / "vqvae", classes=["cat", "dog"])
    loaded = load_prior(tmp_path / "prior", saved.code_map.model_hash)
    assert loaded.code_map == saved.code_map
    assert loaded.class_names == ("cat", "dog")
    codes, classes = torch.randint(8, (3, 2, 2)), torch.tensor([0, 1, 1])
    assert torch.equal(loaded.nats(codes, classes), saved.nats(codes, classes))
    with pytest.raises(InputError, match=r"over the codes of model \w+, not of f00d; train one"):
        load_prior(tmp_path / "prior", "f00d")
    with pytest.raises(InputError, match="holds a picture-vqvae; give the folder of a prior"):
        load_prior(tmp_path / "vqvae")
