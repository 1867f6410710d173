"""Makes the fixture of this folder; run by hand, on Python >= 3.12 with fastabx (0.9.0).

    python tests/data/abx/make_fixture.py

It writes three files beside itself:

tokens.item     triphones of 4 speakers; some times lie exactly on the centre of a frame
features.npz    latents (N, 4) and codes (N,) at 25 Hz of all utterances end to end, utterance ids
                and how many frames each has
fastabx.json    what fastabx makes of them, without subsampling
"""

import json
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from fastabx import zerospeech_abx

HERE = Path(__file__).parent
RATE = 25
PHONES = ("AA", "IY", "UW")
CONTEXTS = (("B", "D"), ("K", "T"), ("S", "S"))


def make_tokens(rng):
    """The text of an item file, and latents and codes by utterance."""
    lines, frames = ["#file onset offset #phone prev-phone next-phone speaker\n"], {}
    for s in range(4):
        for u in range(3):
            time, rows = 0.0, []
            for _ in range(14):
                phone = PHONES[rng.integers(3)]
                context = CONTEXTS[rng.choice(3, p=(0.5, 0.3, 0.2))]
                # Half of the tokens begin and end on a multiple of 20 ms: centres of frames.
                step = 0.02 if rng.random() < 0.5 else 0.0025
                start = round(np.ceil(time / step) * step, 4)
                end = round(start + step * np.ceil(rng.uniform(0.06, 0.30) / step), 4)
                lines.append(f"s{s}-{u} {start:.4f} {end:.4f} {phone} {' '.join(context)} s{s}\n")
                rows.append((start, end, PHONES.index(phone)))
                time = end - 0.02
            frames[f"s{s}-{u}"] = make_frames(rng, s, rows)
    return "".join(lines), frames


def make_frames(rng, speaker, rows):
    """Latents (L, 4) and codes (L,): the phone, the speaker, and noise."""
    count = int(rows[-1][1] * RATE) + 2
    latents = rng.normal(size=(count, 4)).astype(np.float32)
    for start, end, phone in rows:
        inside = slice(round(start * RATE), round(end * RATE))
        latents[inside, phone] += 1.0
        latents[inside, 3] += 0.7 * speaker
    return latents, latents[:, :3].argmax(axis=1) * 2 + (latents[:, 3] > 1)


def main():
    text, frames = make_tokens(np.random.default_rng(5))
    (HERE / "tokens.item").write_text(text)
    np.savez_compressed(
        HERE / "features.npz",
        latents=np.concatenate([latents for latents, _ in frames.values()]),
        codes=np.concatenate([codes for _, codes in frames.values()]).astype(np.int16),
        utterances=np.array(list(frames)),
        counts=np.array([len(codes) for _, codes in frames.values()]),
    )
    scores = {"fastabx": version("fastabx"), "torchdtw": version("torchdtw"), "rate": RATE}
    for distance in ("angular", "identical"):
        scores[distance] = measure(HERE / "tokens.item", frames, distance)
    (HERE / "fastabx.json").write_text(json.dumps(scores, indent=1) + "\n")
    print(scores)


def measure(item, frames, distance):
    """ABX errors within and across speakers."""
    with tempfile.TemporaryDirectory() as root:
        for utterance, (latents, codes) in frames.items():
            features = latents if distance == "angular" else codes[:, None].astype(np.float32)
            torch.save(torch.from_numpy(np.asarray(features)), f"{root}/{utterance}.pt")
        return {
            speaker: zerospeech_abx(
                item,
                root,
                max_size_group=None,
                max_x_across=None,
                speaker=speaker,
                distance=distance,
                frequency=RATE,
                device="cpu",
                progress=False,
            )
            for speaker in ("within", "across")
        }


if __name__ == "__main__":
    main()
