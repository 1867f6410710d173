"""A recording in another voice by onnxruntime alone: python convert.py IN.wav SPEAKER OUT.wav

Stands beside the files that it runs: encoder.onnx, conditions.onnx, decoder_step.onnx, config.json.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import soundfile


def convert(folder, waveform, speaker, seed=0, temperature=None):
    """A waveform (T,) float32 at the model's sample rate, said by `speaker`: (T,)."""
    config = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a step is too small to be shared out
    encoder, conditions, step = (
        onnxruntime.InferenceSession(Path(folder) / f"{name}.onnx", options)
        for name in ("encoder", "conditions", "decoder_step")
    )
    hop, dilations = config["hop"], np.array(config["dilations"])
    padded = np.pad(waveform, (0, -len(waveform) % hop)).astype(np.float32)
    (codes,) = encoder.run(None, {"waveform": padded[None]})
    row = np.array([config["speakers"].index(speaker)])
    (frames,) = conditions.run(None, {"codes": codes, "speaker": row})  # (1, L, N, G)

    # What each layer was given, of as many samples as the longest dilation reaches back.
    ring = np.zeros((max(dilations), len(dilations), config["residual_channels"]), np.float32)
    layers = np.arange(len(dilations))
    random = np.random.Generator(np.random.Philox(key=np.array([seed, 0], np.uint64)))
    uniforms, level = random.random(len(padded)), config["first_level"]
    temperature = max(config["temperature"] if temperature is None else temperature, 1e-6)
    levels = np.zeros(len(padded), np.int64)
    for t, u in enumerate(uniforms):
        past = ring[(t - dilations) % len(ring), layers]
        inputs = {"level": np.array([level]), "past": past[None], "condition": frames[:, t // hop]}
        logits, now = step.run(None, inputs)
        ring[t % len(ring)] = now[0]
        sums = np.exp((logits[0] - logits.max()) / temperature).cumsum(dtype=np.float64)
        level = levels[t] = np.searchsorted(sums, u * sums[-1], side="right")
    curved = levels * (2 / 255) - 1  # mu-law
    return (np.sign(curved) * np.expm1(abs(curved) * np.log(256)) / 255)[: len(waveform)]


if __name__ == "__main__":
    source, speaker, target = sys.argv[1:]
    folder = Path(__file__).parent
    waveform, rate = soundfile.read(source, dtype="float32", always_2d=True)
    wanted = json.loads((folder / "config.json").read_text(encoding="utf-8"))["sample_rate"]
    if rate != wanted:
        sys.exit(f"{source}: {rate} Hz; resample it to {wanted} Hz")
    soundfile.write(target, convert(folder, waveform.mean(axis=1), speaker), rate)
