"""A recording in another voice by onnxruntime: python convert.py IN.wav SPEAKER OUT.wav [THROUGH]

Stands beside the files that it runs: encoder.onnx, conditions.onnx, decoder_step.onnx, config.json.
THROUGH is wavenet, or vocoder where there is an acoustics.onnx; config.json names the usual one.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import soundfile


def convert(folder, waveform, speaker, seed=0, temperature=None, through=None):
    """A waveform (T,) float32 at the model's sample rate, said by `speaker`: (T,)."""
    config = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    padded = np.pad(waveform, (0, -len(waveform) % config["hop"])).astype(np.float32)
    (codes,) = open_file(folder, "encoder").run(None, {"waveform": padded[None]})
    row = np.array([config["speakers"].index(speaker)])
    asked = {"codes": codes, "speaker": row}
    random = np.random.Generator(np.random.Philox(key=np.array([seed, 0], np.uint64)))
    if (through or config.get("through")) == "vocoder":
        told = (x[0] for x in open_file(folder, "acoustics").run(None, asked))
        speech = vocode(*told, random.standard_normal(len(padded)), config)
        return np.clip(speech, -1, 1)[: len(waveform)]
    temperature = max(config["temperature"] if temperature is None else temperature, 1e-6)
    frames, *lags = open_file(folder, "conditions").run(None, asked)  # (1, L, N, G), (1, L)
    step, uniforms = open_file(folder, "decoder_step"), random.random(len(padded))
    speech = draw(step, frames, lags[0] if lags else None, uniforms, temperature, config)
    return speech[: len(waveform)]


def open_file(folder, name):
    """What runs one of the files."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a step is too small to be shared out
    return onnxruntime.InferenceSession(Path(folder) / f"{name}.onnx", options)


def draw(step, frames, lags, uniforms, temperature, config):
    """A waveform, sample after sample, by as many numbers from 0 to 1."""
    hop, dilations, layers = config["hop"], np.array(config["dilations"]), len(config["dilations"])
    # What each layer was given, of as many samples as the longest dilation reaches back.
    ring = np.zeros((max(dilations), layers, config["residual_channels"]), np.float32)
    if lags is not None:  # the last levels as numbers, as far back as the longest lag reaches
        about = np.arange(-config["lag_taps"], config["lag_taps"] + 1)
        said = np.zeros(config["longest_lag"] + config["lag_taps"], np.float32)
    level, count = config["first_level"], config["levels"]
    levels = np.zeros(len(uniforms), np.int64)
    for t, u in enumerate(uniforms):
        past = ring[(t - dilations) % len(ring), np.arange(layers)]
        inputs = {"level": np.array([level]), "past": past[None], "condition": frames[:, t // hop]}
        if lags is not None:
            lag = lags[0, t // hop]
            before = said[(t - lag + about) % len(said)] if lag else np.zeros_like(about, "f4")
            inputs["a_period_ago"] = before[None]
        logits, now = step.run(None, inputs)
        ring[t % len(ring)] = now[0]
        sums = np.exp((logits[0] - logits.max()) / temperature).cumsum(dtype=np.float64)
        level = levels[t] = np.searchsorted(sums, u * sums[-1], side="right")
        if lags is not None:
            said[t % len(said)] = (2 * level + 1 - count) / count
    curved = levels * (2 / 255) - 1  # mu-law
    return np.sign(curved) * np.expm1(abs(curved) * np.log(256)) / 255


def vocode(envelope, hz, voiced, noise, config):
    """A waveform from an envelope (M, N), a pitch (N,), a share of voice (N,) and white noise."""
    rate, sound = config["sample_rate"], config["acoustics"]
    hop, n_fft, frames = sound["hop"], sound["n_fft"], len(hz)
    # A filter of minimum phase for each frame, from its power in each bin.
    bins = np.arange(n_fft // 2 + 1)
    power = envelope * sound["scale"] + sound["offset"] - np.log(sound["areas"])[:, None]
    power = np.array([np.interp(bins, sound["centres"], frame) for frame in power.T])
    cepstrum = np.fft.irfft(power / 2, n_fft)
    cepstrum[:, 1 : n_fft // 2] *= 2
    cepstrum[:, n_fft // 2 + 1 :] = 0
    response = np.exp(np.fft.rfft(cepstrum))  # (N, bins)
    breath = 0.03 + 0.6 / (1 + np.exp((3000 - bins * rate / n_fft) / 300))
    share = voiced[:, None] * (1 - breath**2)  # of the power that is voice
    # All harmonics of the pitch, as loud as each other.
    place = (np.arange(frames * hop) + 0.5) / hop - 0.5
    pitch = 2 ** np.interp(place, np.arange(frames), np.log2(np.clip(hz, 50, 600)))
    cycles, voice = np.cumsum(pitch / rate), np.zeros(len(pitch))
    for k in range(1, int(np.ceil(rate / 2 / pitch.min()))):
        voice += np.clip((rate / 2 - k * pitch) / 200, 0, 1) * np.cos(2 * np.pi * (k * cycles % 1))
    voice *= 2 * np.sqrt(pitch / rate)
    # Both through their filters, in overlapping windows.
    window = 0.5 - 0.5 * np.cos(np.pi * np.arange(2 * hop) / hop)
    speech = np.zeros(frames * hop + n_fft)
    for source, part in ((voice, share), (noise, 1 - share)):
        padded, filters = np.pad(source, (hop // 2, 2 * hop)), response * np.sqrt(part)
        for i, one in enumerate(filters):
            piece = np.fft.rfft(padded[i * hop : (i + 2) * hop] * window, n_fft)
            speech[i * hop : i * hop + n_fft] += np.fft.irfft(piece * one, n_fft)
    return speech[hop // 2 : hop // 2 + frames * hop] / sound["noise_gain"]


if __name__ == "__main__":
    source, speaker, target, *through = sys.argv[1:]
    folder = Path(__file__).parent
    waveform, rate = soundfile.read(source, dtype="float32", always_2d=True)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if rate != config["sample_rate"]:
        sys.exit(f"{source}: {rate} Hz; resample it to {config['sample_rate']} Hz")
    ways = ["wavenet", "vocoder"] if "acoustics" in config else ["wavenet"]
    if through and through[0] not in ways:
        sys.exit(f"{through[0]}: this model speaks through {' or '.join(ways)}; take that")
    way = {"through": through[0]} if through else {}
    speech = convert(folder, waveform.mean(axis=1), speaker, **way)
    soundfile.write(target, speech, rate)
