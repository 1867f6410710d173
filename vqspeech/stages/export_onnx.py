"""A speech model for other runtimes: three ONNX files, and what their inputs mean.

    DIR/encoder.onnx         waveform -> codes
        conditions.onnx      codes and speaker -> what the decoder is told, a row a code
        decoder_step.onnx    one sample of the decoder: level before, past, condition -> logits
        config.json          rates, shapes, speakers, and how far the files are from torch
        README.md            the same to read
        convert.py           a recording in another voice, by onnxruntime alone
        MANIFEST.json        size and sha256 of each file

Weights are float32. What was written is run by onnxruntime and held against the model before the
folder appears.
"""

import importlib.util
import io
import os
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from vqspeech.audio.waveform import read_waveform
from vqspeech.checkpoint import MANIFEST, load_json, save_folder
from vqspeech.errors import MissingError
from vqspeech.models.build import load_speech_vqvae
from vqspeech.models.code_hash import hash_codes
from vqspeech.models.onnx_decoder import CodesToConditions, DecoderStep
from vqspeech.models.onnx_encoder import WaveformToCodes
from vqspeech.models.speech import SpeechVQVAE
from vqspeech.stages.demo import packaged_recording
from vqspeech.stages.export_model import check_export

KIND, FORMAT = "speech-vqvae-onnx", 1
OPSET = 17
NAMES = ("encoder.onnx", "conditions.onnx", "decoder_step.onnx")
EXAMPLE = "convert.py"
FILES = (*NAMES, "config.json", "README.md", EXAMPLE, MANIFEST)
# Further from torch than rounding explains, and the export is wrong.
TOLERANCE, LEAST_EQUAL_CODES = 1e-4, 0.99
CHECK_SECONDS, CHECK_STEPS = 5.0, 200


class Comparison(NamedTuple):
    """How far onnxruntime is from torch on a recording of a person."""

    equal_codes: float  # share of the codes
    conditions: float  # largest difference, of the largest value where that is above 1
    logits: float  # the same, of steps that follow each other


def export_onnx(
    model: str | os.PathLike, out: str | os.PathLike, *, overwrite: bool = False
) -> tuple[Path, Comparison]:
    """Write encoder, conditions and decoder step of a speech model as ONNX.

    Args:
        model: a run, a checkpoint or a model folder.
        out: the folder to make.
        overwrite: replace an exported model that is there.

    Raises:
        MissingError: onnx or onnxruntime is not installed.
        UsageError: `out` is the model itself.
        InputError: no speech model there, or broken files.
        WriteError: `out` is there and may not be replaced, or holds other files.
        RuntimeError: onnxruntime computes something else, which is a bug here or there.
    """
    _need_onnx()
    folder = check_export(model, out, "float32", overwrite=overwrite, files=FILES)
    loaded, source = load_speech_vqvae(folder), load_json(folder / "config.json")
    parts = _write_parts(loaded)
    found = compare(loaded, parts)
    if found.equal_codes < LEAST_EQUAL_CODES or max(found[1:]) > TOLERANCE:
        raise RuntimeError(f"onnxruntime does not compute what torch does: {found}")
    decoder = loaded.decoder.wavenet
    config = {
        "kind": KIND,
        "format": FORMAT,
        "codes_of": hash_codes(folder),
        "sample_rate": loaded.sample_rate,
        "hop": loaded.hop,
        "num_codes": loaded.quantizer.num_codes,
        "groups": loaded.quantizer.groups,
        "speakers": list(loaded.speakers),
        "speaker_information": source.get("speaker_information") or {},
        "temperature": source.get("temperature", 1.0),
        "levels": decoder.num_classes,
        "first_level": decoder.num_classes,
        "dilations": list(decoder.dilations),
        "residual_channels": decoder.residual_channels,
        "gate_channels": decoder.gate_channels,
        "opset": OPSET,
        "against_torch": found._asdict(),
    }
    example = Path(__file__).with_name("onnx_example.py").read_text(encoding="utf-8")
    more = {"config.json": config, "README.md": _readme(config), EXAMPLE: example}
    save_folder(out, {**parts, **more})
    return Path(out), found


def compare(model: SpeechVQVAE, parts: dict[str, bytes]) -> Comparison:
    """Run the files and the model on a recording of a person, sample after sample.

    Args:
        parts: content of each file of `NAMES`.
    """
    encoder, conditions, step = (open_session(parts[name]) for name in NAMES)
    recording = read_waveform(packaged_recording(), model.sample_rate).samples
    waveform = torch.from_numpy(recording[: round(CHECK_SECONDS * model.sample_rate)])[None]
    waveform = model.pad(waveform)  # (1, T)
    speaker = torch.tensor([len(model.speakers) - 1])
    wavenet = model.decoder.wavenet
    with torch.inference_mode():
        codes = model.codes(waveform)
        told = wavenet.condition(*model.decoder.conditions(model.latents(codes), speaker))
        (found_codes,) = encoder.run(None, {"waveform": waveform.numpy()})
        (found,) = conditions.run(None, {"codes": codes.numpy(), "speaker": speaker.numpy()})
        state, level = wavenet.start(1), None
        dilations, layers = np.array(wavenet.dilations), np.arange(len(wavenet.dilations))
        size = (max(wavenet.dilations), len(layers), wavenet.residual_channels)
        ring, worst = np.zeros(size, np.float32), 0.0
        for t in range(min(CHECK_STEPS, waveform.shape[1])):
            frame = told[:, t // model.hop]
            before = [wavenet.num_classes if level is None else int(level)]
            inputs = {
                "level": np.array(before),
                "past": ring[(t - dilations) % len(ring), layers][None],
                "condition": frame.numpy(),
            }
            logits, now = step.run(None, inputs)
            ring[t % len(ring)] = now[0]
            wanted, state = wavenet.step(level, state, frame)
            worst = max(worst, _distance(logits, wanted.numpy()))
            level = wanted.argmax(1)
    return Comparison(
        float((found_codes == codes.numpy()).mean()), _distance(found, told.numpy()), worst
    )


def open_session(content: bytes):
    """What runs an ONNX file on one thread of the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _write_parts(model: SpeechVQVAE) -> dict[str, bytes]:
    """The three files; every axis of a batch, of samples and of frames may have any length."""
    wavenet, quantizer = model.decoder.wavenet, model.quantizer
    frames, layers = 6, len(wavenet.dilations)
    shape = (2, frames) if quantizer.groups == 1 else (2, frames, quantizer.groups)
    waveform = torch.randn(2, frames * model.hop) / 10
    rows = torch.zeros(2, dtype=torch.int64)
    past = torch.zeros(2, layers, wavenet.residual_channels)
    condition = torch.zeros(2, layers, wavenet.gate_channels)
    codes = torch.zeros(shape, dtype=torch.int64)
    batch = {0: "batch"}
    return {
        "encoder.onnx": _write(
            WaveformToCodes(model),
            {"waveform": (waveform, batch | {1: "samples"})},
            {"codes": batch | {1: "frames"}},
        ),
        "conditions.onnx": _write(
            CodesToConditions(model),
            {"codes": (codes, batch | {1: "frames"}), "speaker": (rows, batch)},
            {"conditions": batch | {1: "frames"}},
        ),
        "decoder_step.onnx": _write(
            DecoderStep(wavenet),
            {"level": (rows, batch), "past": (past, batch), "condition": (condition, batch)},
            {"logits": batch, "now": batch},
        ),
    }


def _write(
    module: nn.Module,
    inputs: dict[str, tuple[Tensor, dict[int, str]]],
    outputs: dict[str, dict[int, str]],
) -> bytes:
    """One module as ONNX.

    Args:
        inputs: name to an example and the names of its axes that may have any length.
        outputs: name to such axes.
    """
    content = io.BytesIO()
    # By a trace: seconds faster than the exporter by `torch.export`, and without its packages.
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            tuple(example for example, _ in inputs.values()),
            content,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={name: axes for name, (_, axes) in inputs.items()} | outputs,
            opset_version=OPSET,
            dynamo=False,
        )
    return content.getvalue()


def _distance(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.abs(found - wanted).max() / max(1.0, np.abs(wanted).max()))


def _need_onnx() -> None:
    for name in ("onnx", "onnxruntime"):
        if importlib.util.find_spec(name) is None:
            raise MissingError(f"export onnx needs {name}; pip install 'vqspeech[onnx]'")


def _readme(config: dict[str, Any]) -> str:
    groups, rate, hop = config["groups"], config["sample_rate"], config["hop"]
    layers, width = len(config["dilations"]), config["residual_channels"]
    codes = "(B, L)" if groups == 1 else f"(B, L, {groups})"
    row = f"(B, {layers}, {config['gate_channels']})"
    found = config["against_torch"]
    return f"""# Voice conversion with ONNX

A speech model of vqspeech: {rate} Hz, {rate / hop:g} codes a second out of {config["num_codes"]}, \
{len(config["speakers"])} voices. `config.json` names them and all sizes.

    pip install onnxruntime soundfile
    python {EXAMPLE} in.wav {config["speakers"][0]} out.wav

| file | input | output |
|---|---|---|
| encoder.onnx | `waveform` (B, T) float32 in [-1, 1], T a multiple of {hop} | `codes` {codes} \
int64, L = T / {hop} |
| conditions.onnx | `codes`, `speaker` (B,) int64: a place in `speakers` | `conditions` \
(B, L, {layers}, {config["gate_channels"]}) |
| decoder_step.onnx | `level` (B,) int64: the one drawn last, {config["first_level"]} before the \
first; `past` (B, {layers}, {width}); `condition` {row}: the row of the frame that the next sample \
belongs to | `logits` (B, {config["levels"]}) of the next level; `now` (B, {layers}, {width}) |

Of layer i, `past` is the `now` of `dilations[i]` samples ago, zeros before the start. A level is \
drawn from softmax(logits / {config["temperature"]:g}) and is mu-law: with c = 2 level / 255 - 1 \
the sample is sign(c) (256^|c| - 1) / 255. `{EXAMPLE}` shows all of it.

On five seconds of a person's speech onnxruntime gives {100 * found["equal_codes"]:g} % of the \
codes that torch gives; the largest differences are {found["conditions"]:.1e} (conditions) and \
{found["logits"]:.1e} (logits of {CHECK_STEPS} steps), relative where values are above 1.

One step a sample is made to be understood and embedded; `vqspeech convert` is faster. Convert the \
voice of a person only with that person's consent.
"""
