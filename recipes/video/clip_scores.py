"""What codes of clips come to on held-out frames, beside codes of each frame by itself."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from recipes.frames.batches import as_array, as_tensor
from recipes.frames.convolutions import STRIDE
from recipes.frames.first_stage import bits_of_codes, compression, load_picture_vqvae
from recipes.frames.grids import contact_sheet, write_png
from recipes.frames.intervals import interval
from recipes.frames.level_vqvae import LevelScores, LevelVQVAE, psnr
from recipes.frames.model_folder import steps_of, training_seconds
from recipes.frames.pictures import PictureData
from recipes.frames.train_first_stage import check_sides
from recipes.video.clip_vqvae import ClipVQVAE, bits_of_clip, clip_compression, load_clip_vqvae
from recipes.video.clips import ClipSet, clips_of, tell_short_episodes
from recipes.video.result_files import CLIPS
from vqspeech.checkpoint import find_model, hash_folder
from vqspeech.devices import choose_device
from vqspeech.environment import describe_environment
from vqspeech.files import write_json


def examine_clips(
    model: str | os.PathLike,
    beside: str | os.PathLike | None,
    data: PictureData,
    out: str | os.PathLike,
    *,
    count: int = 3,
    device: str = "auto",
) -> dict[str, Any]:
    """Score a VQ-VAE over clips on the test part, show what it does, and write `clips.json`.

    Writes `clips.png`: of each clip that is shown the originals above the reconstructions, and
    below them those of the frames by themselves.

    Args:
        model: a VQ-VAE over clips.
        beside: one over pictures, which is scored on the same frames one by one; None for none.
        data: its part test is scored, in clips as long as those of training that share no frame.
        count: clips that are shown.

    Raises:
        VQSpeechError: models or frames are not as they should be.
    """
    where, out = choose_device(device), Path(out)
    folder = find_model(model)
    clip_model, config = load_clip_vqvae(folder)
    systems: list[LevelVQVAE] = [clip_model.to(where)]
    if beside is not None:
        beside_folder = find_model(beside)
        frame_model, beside_config = load_picture_vqvae(beside_folder)
        systems.append(frame_model.to(where))
    length = clip_model.settings.frames
    clips = clips_of(data, "test", length, every=length)
    check_sides(data.name, clips.frames, 0)
    tell_short_episodes("test", clips)
    write_png(out / "clips.png", contact_sheet(_rows(systems, clips, count), length))
    scores = [score_with_episodes(each, clips) for each in systems]
    height, width = clips.frames.pixels.shape[1:3]
    quantizer, stride = clip_model.quantizer, clip_model.settings.time_stride
    facts = {
        "kind": CLIPS,
        "format": 1,
        "data": data.name,
        "size": width,
        "frames": length,
        **_about(folder, config, scores[0][0]),
        "test_clips": len(clips),
        "test_episodes": len(np.unique(clips.sources)),
        "short_episodes": len(clips.skipped),
        "codes": [
            *(length // stride, height // STRIDE, width // STRIDE),
            *(quantizer.groups, quantizer.num_codes),
        ],
        "bits_a_clip": bits_of_clip(clip_model, length, height, width),
        "bits_a_frame": bits_of_clip(clip_model, length, height, width) / length,
        "compression": clip_compression(clip_model, length, height, width),
        "beside": None,
    }
    runs = {"clips": model}
    if beside is not None:
        runs["frames"] = beside
        facts["beside"] = {
            **_about(beside_folder, beside_config, scores[1][0]),
            "bits_a_frame": bits_of_codes(frame_model, height, width),
            "compression": compression(frame_model, height, width),
            "psnr_gained": gain(scores[0][1], scores[1][1]),
        }
    facts["training_seconds"] = training_seconds(runs)
    facts["environment"] = describe_environment("python -m recipes.video.examine_clips")
    write_json(out / "clips.json", facts)
    return facts


def _about(folder: Path, config: Mapping[str, Any], scores: dict[str, float]) -> dict[str, Any]:
    """What is told of either model."""
    return {
        "steps": steps_of(folder),
        "model": config["model"],
        "model_hash": hash_folder(folder),
        "scores": scores,
    }


def score_with_episodes(
    model: LevelVQVAE, clips: ClipSet
) -> tuple[dict[str, float], dict[int, float]]:
    """Scores of all clips, and the PSNR of each episode by its mean squared error.

    A model over pictures takes the frames one by one.
    """
    sums = LevelScores(model)
    errors = torch.cat([sums.add(_as_taken(model, batch)) for batch in clips.batches()])
    errors = errors.view(len(clips), -1).mean(1).numpy()  # of the frames of a clip
    episodes = {
        int(source): psnr(float(errors[clips.sources == source].mean()))
        for source in np.unique(clips.sources)
    }
    return sums.result(), episodes


def _as_taken(model: LevelVQVAE, clips: Tensor) -> Tensor:
    """(B, 3, T, H, W) as they are, or (B T, 3, H, W) for a model over pictures."""
    return clips if isinstance(model, ClipVQVAE) else clips.transpose(1, 2).flatten(0, 1)


def gain(first: dict[int, float], second: dict[int, float]) -> dict[str, Any]:
    """How many dB the first is better by: the mean over episodes, with an interval over them."""
    return interval(np.array([first[source] - second[source] for source in first]), "decibels")


@torch.no_grad()
def _rows(systems: list[LevelVQVAE], clips: ClipSet, count: int) -> np.ndarray:
    """So many clips from first to last, each with what the systems make of it below."""
    device = next(systems[0].parameters()).device
    rows = []
    for number in np.linspace(0, len(clips) - 1, count).round().astype(int):
        original = clips.pixels(number)  # (T, H, W, 3)
        rows.append(original)
        levels = as_tensor(original[None]).to(device)  # (1, 3, T, H, W)
        for model in systems:
            shown = as_array(model.pictures(model.codes_of(_as_taken(model, levels))))
            rows.append(shown.reshape(original.shape))
    return np.concatenate(rows)
