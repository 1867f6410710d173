"""Checkpoints: complete or refused."""

import json
import os

import pytest
import torch

from vqspeech.checkpoint import (
    checkpoints,
    find_model,
    load_json,
    load_tensors,
    newest_checkpoint,
    save_checkpoint,
    save_folder,
    verify_folder,
)
from vqspeech.errors import InputError


def files(value):
    return {
        "model.safetensors": {"w": torch.full((3,), float(value)), "n": torch.tensor(value)},
        "state.json": {"step": value},
    }


def test_what_is_saved_comes_back(tmp_path):
    path = save_checkpoint(tmp_path, 7, files(7))
    verify_folder(path)
    assert path.name == "step-00000007"
    assert os.readlink(tmp_path / "latest") == path.name
    assert load_json(path / "state.json") == {"step": 7}
    tensors = load_tensors(path / "model.safetensors")
    assert torch.equal(tensors["w"], torch.full((3,), 7.0))
    assert tensors["n"].dtype == torch.int64


@pytest.mark.parametrize("name", ["model.safetensors", "state.json", "MANIFEST.json"])
@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_any_damage_is_found_and_the_checkpoint_before_is_taken(tmp_path, name, damage):
    good = save_checkpoint(tmp_path, 1, files(1))
    broken = save_checkpoint(tmp_path, 2, files(2))
    path = broken / name
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif damage == "truncate":
        path.write_bytes(content[: len(content) // 2])
    else:
        path.unlink()
    with pytest.raises(InputError, match=broken.name):
        verify_folder(broken)
    newest, notes = newest_checkpoint(tmp_path)
    assert newest == good
    assert len(notes) == 1
    assert "going back" in notes[0]


def test_every_single_bit_of_a_checkpoint_is_guarded(tmp_path):
    path = save_checkpoint(tmp_path, 1, files(1))
    file = path / "model.safetensors"
    content = file.read_bytes()
    for bit in range(0, len(content) * 8, 7):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << (bit % 8)
        file.write_bytes(damaged)
        with pytest.raises(InputError, match="differs from what was written"):
            verify_folder(path)


def test_an_unfinished_checkpoint_is_not_seen(tmp_path):
    save_checkpoint(tmp_path, 1, files(1))

    class Unwritable:
        pass

    with pytest.raises(TypeError):
        save_folder(tmp_path / "step-00000002", {**files(2), "state.json": Unwritable()})
    assert [path.name for path in checkpoints(tmp_path)] == ["step-00000001"]
    assert sorted(os.listdir(tmp_path)) == ["latest", "step-00000001"]


def test_a_manifest_cannot_point_outside_its_folder(tmp_path):
    path = save_checkpoint(tmp_path, 1, files(1))
    manifest = {"files": {"../secret": {"bytes": 1, "sha256": ""}}}
    (path / "MANIFEST.json").write_text(json.dumps(manifest))
    (tmp_path / "secret").write_text("x")
    with pytest.raises(InputError, match="missing"):
        verify_folder(path)


def test_a_run_is_found_by_its_best_checkpoint(tmp_path):
    best = tmp_path / "run" / "best"
    best.mkdir(parents=True)
    (best / "config.json").write_text("{}")
    assert find_model(tmp_path / "run") == best
    assert find_model(best) == best
    with pytest.raises(InputError, match="holds no model"):
        find_model(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        find_model(tmp_path / "elsewhere")
