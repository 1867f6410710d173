"""A speech model for other runtimes: its parts as ONNX files, and what their inputs mean.

    DIR/encoder.onnx         waveform -> codes
        conditions.onnx      codes and speaker -> what the decoder is told, a row a code
        decoder_step.onnx    one sample of the decoder: level before, past, condition -> logits
        acoustics.onnx       codes and speaker -> what a vocoder is told, where the model says it
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
from typing import Any

import torch
from torch import Tensor, nn

from vqspeech.audio.features import MEAN, STD
from vqspeech.checkpoint import MANIFEST, load_json, save_folder
from vqspeech.errors import MissingError
from vqspeech.generation.vocoder import N_FFT, band_places, noise_gain
from vqspeech.generation.voice import WAVENET
from vqspeech.models.build import load_speech_vqvae
from vqspeech.models.code_hash import hash_codes
from vqspeech.models.onnx_decoder import CodesToAcoustics, CodesToConditions, DecoderStep
from vqspeech.models.onnx_encoder import WaveformToCodes
from vqspeech.models.speech import SpeechVQVAE
from vqspeech.stages.export_model import check_export
from vqspeech.stages.onnx_comparison import Comparison, compare
from vqspeech.stages.onnx_readme import EXAMPLE, write_readme

KIND, FORMAT = "speech-vqvae-onnx", 1
OPSET = 17
NAMES = ("encoder.onnx", "conditions.onnx", "decoder_step.onnx", "acoustics.onnx")
FILES = (*NAMES, "config.json", "README.md", EXAMPLE, MANIFEST)


def export_onnx(
    model: str | os.PathLike, out: str | os.PathLike, *, overwrite: bool = False
) -> tuple[Path, Comparison]:
    """Write encoder, conditions, decoder step and acoustic head of a speech model as ONNX.

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
    if not found.is_rounding:
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
        **_lag_sizes(loaded),
        **_acoustic_facts(loaded, source.get("through", WAVENET)),
        "opset": OPSET,
        "against_torch": found.known(),
    }
    example = Path(__file__).with_name("onnx_example.py").read_text(encoding="utf-8")
    more = {"config.json": config, "README.md": write_readme(config), EXAMPLE: example}
    save_folder(out, {**parts, **more})
    return Path(out), found


def _write_parts(model: SpeechVQVAE) -> dict[str, bytes]:
    """The ONNX files; every axis of a batch, of samples and of frames may have any length."""
    wavenet, quantizer = model.decoder.wavenet, model.quantizer
    frames, layers = 6, len(wavenet.dilations)
    shape = (2, frames) if quantizer.groups == 1 else (2, frames, quantizer.groups)
    waveform = torch.randn(2, frames * model.hop) / 10
    rows = torch.zeros(2, dtype=torch.int64)
    past = torch.zeros(2, layers, wavenet.residual_channels)
    condition = torch.zeros(2, layers, wavenet.gate_channels)
    codes = torch.zeros(shape, dtype=torch.int64)
    batch = {0: "batch"}
    frame_axes = batch | {1: "frames"}
    asked = {"codes": (codes, frame_axes), "speaker": (rows, batch)}
    step = {"level": (rows, batch), "past": (past, batch), "condition": (condition, batch)}
    told = {"conditions": frame_axes}
    if wavenet.lag_taps:
        about = torch.zeros(2, 2 * wavenet.lag_taps + 1)
        step["a_period_ago"], told["lags"] = (about, batch), frame_axes
    parts = {
        "encoder.onnx": _write(
            WaveformToCodes(model),
            {"waveform": (waveform, batch | {1: "samples"})},
            {"codes": frame_axes},
        ),
        "conditions.onnx": _write(CodesToConditions(model), asked, told),
        "decoder_step.onnx": _write(DecoderStep(wavenet), step, {"logits": batch, "now": batch}),
    }
    if model.decoder.acoustics is not None:
        short = batch | {1: "short_frames"}
        heard = {"envelope": batch | {2: "short_frames"}, "hz": short, "voiced": short}
        parts["acoustics.onnx"] = _write(CodesToAcoustics(model), asked, heard)
    return parts


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


def _lag_sizes(model: SpeechVQVAE) -> dict[str, Any]:
    wavenet = model.decoder.wavenet
    if not wavenet.lag_taps:
        return {}
    return {"lag_taps": wavenet.lag_taps, "longest_lag": wavenet.longest_lag}


def _acoustic_facts(model: SpeechVQVAE, through: str) -> dict[str, Any]:
    """By what the model speaks, and what a vocoder has to know of its envelope."""
    head = model.decoder.acoustics
    if head is None:
        return {}
    centres, areas = band_places(model.sample_rate, head.bands)
    facts = {
        "hop": head.hop,
        "bands": head.bands,
        "scale": STD,
        "offset": MEAN,
        "n_fft": N_FFT,
        "centres": centres.tolist(),
        "areas": areas.tolist(),
        "noise_gain": noise_gain(model.sample_rate),
    }
    return {"through": through, "acoustics": facts}


def _need_onnx() -> None:
    for name in ("onnx", "onnxruntime"):
        if importlib.util.find_spec(name) is None:
            raise MissingError(f"export onnx needs {name}; pip install 'vqspeech[onnx]'")
