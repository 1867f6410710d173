"""What a prior over frames comes to on held-out episodes: bits, and the frames that it draws."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recipes.frames.first_stage import load_picture_vqvae
from recipes.frames.frames_file import FramesFile, read_frames, split_frames
from recipes.frames.model_folder import training_seconds
from recipes.frames.pictures import PARTS
from recipes.video.action_judge import load_judge
from recipes.video.code_frames import encode_frames
from recipes.video.drawn_scores import check_actions, score_drawn
from recipes.video.frame_bits import score_bits
from recipes.video.result_files import VIDEO
from recipes.video.video_prior import VideoPrior, load_video_prior
from vqspeech.checkpoint import find_model, hash_folder
from vqspeech.devices import choose_device
from vqspeech.environment import describe_environment
from vqspeech.errors import InputError
from vqspeech.files import write_json

FORMAT = 1


def examine_video(
    model: str | os.PathLike,
    prior: str | os.PathLike,
    data: str | os.PathLike,
    out: str | os.PathLike,
    *,
    without: str | os.PathLike | None = None,
    alone: str | os.PathLike | None = None,
    judge: str | os.PathLike | None = None,
    clips: int = 64,
    frames: int = 10,
    seed: int = 0,
    temperature: float = 1.0,
    device: str = "auto",
) -> dict[str, Any]:
    """Score a prior over frames on the test part, and write `video.json`.

    Args:
        model: the first stage.
        prior: over frames of its codes.
        data: a frames file, of which all parts are used.
        without: a prior of the same size that is told no actions; None for none.
        alone: a prior that is told neither actions nor frames before; None for none.
        judge: of the actions between frames; None for none.
        clips: windows of the test part that are drawn anew, at most.
        frames: that are drawn of each.
        seed, temperature: of the samples.

    Raises:
        VQSpeechError: models or frames are not as they should be, or do not fit each other; all
            of it is found before anything is scored.
    """
    where, out = choose_device(device), Path(out)
    folder = find_model(model)
    first, about = load_picture_vqvae(folder)
    first.to(where)
    name = hash_folder(folder)
    places = {"prior": prior, "without": without, "alone": alone}
    priors = {
        key: load_video_prior(path, name).to(where)
        for key, path in places.items()
        if path is not None
    }
    _check_priors(priors, places)
    own = priors["prior"]
    file = read_frames(data, about["size"])
    named = None if judge is None else load_judge(judge, file)
    check_actions(own, named, file.action_names)
    parts = split_frames(file)
    _check_parts(file, parts, data, own.context, frames)
    train, valid, test = (encode_frames(first, file, parts[part]) for part in PARTS)
    runs = {
        "VQ-VAE": model,
        "prior": prior,
        "prior without actions": without,
        "PixelCNN alone": alone,
        "judge": judge,
    }
    facts = {
        "kind": VIDEO,
        "format": FORMAT,
        "data": file.collector or "frames",
        "size": file.frames.shape[1],
        "codes": [own.code_map.height, own.code_map.width, own.code_map.num_codes],
        "settings": own.settings.model_dump(mode="json"),
        "model_hash": name,
        "prior_hash": hash_folder(find_model(prior)),
        "test_frames": len(test),
        "test_episodes": len(set(test.episode.tolist())),
        "bits": score_bits(own, priors.get("without"), priors.get("alone"), train, valid, test),
        "drawn": score_drawn(
            *(first, own, named, test, file.frames[parts["test"]]),
            clips=clips,
            frames=frames,
            seed=seed,
            temperature=temperature,
            device=device,
        ),
        "training_seconds": training_seconds(
            {key: path for key, path in runs.items() if path is not None}
        ),
        "environment": describe_environment("python -m recipes.video.examine"),
    }
    write_json(out / "video.json", facts)
    return facts


def _check_priors(
    priors: Mapping[str, VideoPrior], places: Mapping[str, str | os.PathLike | None]
) -> None:
    """Refuse priors that differ in more than in what they are told."""
    own = priors["prior"]
    if not own.context:
        raise InputError(
            f"{places['prior']}: sees no frames before; give it as --alone, and as --prior one "
            "that does"
        )
    for key in ("without", "alone"):
        if key in priors and priors[key].action_names:
            raise InputError(f"{places[key]}: is told actions; train it with model.actions=false")
    if "alone" in priors and priors["alone"].context:
        raise InputError(f"{places['alone']}: sees frames before; train it with model.context=0")
    if "without" in priors:
        if not own.action_names:
            raise InputError(f"{places['prior']}: is told no actions itself; leave --without out")
        ours, theirs = (
            each.settings.model_copy(update={"actions": True}) for each in (own, priors["without"])
        )
        if ours != theirs:
            raise InputError(
                f"{places['without']}: of another size than the prior with actions; train one "
                "with the same settings, so that the actions are all the difference"
            )


def _check_parts(
    file: FramesFile,
    parts: Mapping[str, np.ndarray],
    place: str | os.PathLike,
    context: int,
    frames: int,
) -> None:
    """Refuse frames of which nothing could be counted, or nothing drawn."""
    for part in PARTS:
        if not len(parts[part]):
            raise InputError(f"{place}: no episode in the part {part}; collect more frames")
    if np.bincount(file.episode[parts["valid"]]).max() <= context:
        raise InputError(
            f"{place}: no episode in the part valid has more than the {context} frames of context; "
            "collect longer ones"
        )
    longest = np.bincount(file.episode[parts["test"]]).max()
    if longest < context + frames:
        raise InputError(
            f"{place}: the longest held-out episode has {longest} frames, {context} of context and "
            f"{frames} to be drawn are wanted; collect longer ones, or draw fewer"
        )
