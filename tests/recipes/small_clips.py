"""Tiny walks of frames, and VQ-VAEs over clips of them."""

import sys

import numpy as np
import torch

from recipes.frames.frames_file import FramesFile, frames_pictures, write_frames
from recipes.video.clip_settings import ClipVQVAESettings
from recipes.video.clip_vqvae import ClipVQVAE
from vqspeech.cli.leave import run_for_status

NETWORK = {"channels": 8, "residual_blocks": 1}
QUANTIZER = {"num_codes": 8, "dim": 4, "decay": 0.8}


def walks(lengths, side=16, seed=0):
    """Episodes of so many frames: halves of two shades whose edge moves on by 4 pixels a frame."""
    rng = np.random.default_rng(seed)
    frames, episode = [], []
    for number, length in enumerate(lengths):
        dark, light = rng.integers(20, 60), rng.integers(180, 230)
        first = rng.integers(side // 4)
        for time in range(length):
            frame = np.full((side, side, 3), dark, np.uint8)
            frame[:, 4 * ((first + time) % (side // 4)) :] = light
            frames.append(frame)
            episode.append(number)
    count = len(frames)
    place = np.zeros(count, np.int16)
    return FramesFile(np.stack(frames), np.array(episode, np.int32), place, ("cave",))


def save_walks(path, lengths=(9,) * 10, **options):
    write_frames(path, walks(lengths, **options))
    return path


def walks_data(folder, *lengths, **options):
    """The same as parts: of ten episodes eight are learnt from, the rest one each."""
    return frames_pictures(save_walks(folder / "walks.npz", *lengths, **options))


def clip_vqvae(time_stride=2, groups=1, frames=4, **network):
    torch.manual_seed(0)
    settings = {
        "network": NETWORK | network,
        "frames": frames,
        "time_stride": time_stride,
        "quantizer": QUANTIZER | {"dim": 4 * groups, "groups": groups},
    }
    model = ClipVQVAE(ClipVQVAESettings.model_validate(settings)).eval()
    # As far apart as what is encoded, so that several codes are used.
    model.quantizer.initialize(model.encode(torch.rand(8, 3, frames, 16, 16) * 2 - 1).detach())
    return model


def noise_clips(count=2, frames=4, height=16, width=24):
    shape = (count, 3, frames, height, width)
    return torch.randint(256, shape, generator=torch.Generator().manual_seed(0)).to(torch.uint8)


def status_and_output(app, monkeypatch, capsys, arguments):
    """What a command of the recipe ends with: its status, what it printed, and its errors."""
    monkeypatch.setattr(sys, "argv", ["command.py", *map(str, arguments)])
    return run_for_status(app), *capsys.readouterr()
