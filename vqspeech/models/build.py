"""Settings to models, models to files and back: the one place that knows every kind."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vqspeech.audio.features import LogMel
from vqspeech.checkpoint import (
    find_model,
    load_json,
    load_tensors,
    verify_folder,
    weights_file,
)
from vqspeech.config.loader import parse_config
from vqspeech.config.schema import (
    EncoderSettings,
    LogMelEncoderSettings,
    SpeechModelSettings,
    SpeechPriorSettings,
    WaveformEncoderSettings,
)
from vqspeech.errors import InputError
from vqspeech.models.prior import CodeFormat, SpeechPrior
from vqspeech.models.spectrum_guide import SpectrumGuide
from vqspeech.models.speech import SpeechVQVAE
from vqspeech.models.waveform_encoders import LogMelEncoder, WaveformEncoder
from vqspeech.models.wavenet_decoder import WaveNetDecoder
from vqspeech.nn.encoder import StridedEncoder
from vqspeech.nn.quantizer import VectorQuantizer

# Of config.json; raised when an older file no longer means the same.
FORMAT, PRIOR_FORMAT = 2, 1


def build_speech_vqvae(settings: SpeechModelSettings, speakers: tuple[str, ...]) -> SpeechVQVAE:
    """A model with fresh weights, drawn from torch's random state."""
    if not speakers:
        raise ValueError("a speech model needs at least one speaker")
    encoder = _build_encoder(settings.encoder, settings.quantizer.dim, settings.sample_rate)
    quantizer = VectorQuantizer(**settings.quantizer.model_dump(exclude={"initialize"}))
    decoder = WaveNetDecoder(
        settings.quantizer.dim,
        len(speakers),
        encoder.hop,
        sample_rate=settings.sample_rate,
        **settings.decoder.model_dump(),
    )
    guide = None
    if settings.guide_mels:
        guide = SpectrumGuide(
            settings.decoder.condition_channels,
            encoder.hop,
            settings.sample_rate,
            settings.guide_mels,
            reach=settings.guide_reach,
            level_weight=settings.guide_level_weight,
        )
    return SpeechVQVAE(encoder, quantizer, decoder, settings, tuple(speakers), guide)


def _build_encoder(settings: EncoderSettings, dim: int, sample_rate: int) -> nn.Module:
    match settings:
        case WaveformEncoderSettings():
            return WaveformEncoder(
                StridedEncoder(
                    1,
                    settings.channels,
                    dim,
                    settings.strides,
                    residual_blocks=settings.residual_blocks,
                )
            )
        case LogMelEncoderSettings():
            return LogMelEncoder(
                LogMel(sample_rate, hop=settings.mel_hop, num_mels=settings.num_mels),
                StridedEncoder(
                    settings.num_mels,
                    settings.channels,
                    dim,
                    settings.strides,
                    residual_blocks=settings.residual_blocks,
                ),
            )


def model_config(model: SpeechVQVAE, **more: Any) -> dict[str, Any]:
    """What config.json holds: enough to rebuild the model without its training data."""
    return {
        "kind": model.kind,
        "format": FORMAT,
        "model": model.settings.model_dump(mode="json"),
        "speakers": list(model.speakers),
        **more,
    }


def prior_config(prior: SpeechPrior, **more: Any) -> dict[str, Any]:
    """What config.json of a prior holds: enough to rebuild it, and whose codes it is fitted to."""
    return {
        "kind": prior.kind,
        "format": PRIOR_FORMAT,
        "model": prior.settings.model_dump(mode="json"),
        "codes": prior.code_format._asdict(),
        "speakers": list(prior.speakers),
        **more,
    }


def load_speech_vqvae(path: str | os.PathLike) -> SpeechVQVAE:
    """A trained model from a model folder, a checkpoint or a run, on the CPU, for evaluation.

    A checkpoint's running average is taken where there is one.

    Raises:
        InputError: the folder holds another kind of model, another format, or broken files.
    """
    folder, config = _read_config(path, SpeechVQVAE.kind, FORMAT)
    place = folder / "config.json"
    speakers = config.get("speakers")
    if not isinstance(speakers, list) or not speakers:
        raise InputError(f"{place}: names no speakers; copy the folder again")
    settings = parse_config(config.get("model", {}), SpeechModelSettings, str(place))
    model = build_speech_vqvae(settings, tuple(speakers))
    load_weights(model, weights_file(folder))
    return model.eval()


def load_speech_prior(path: str | os.PathLike) -> SpeechPrior:
    """A trained prior from a model folder, a checkpoint or a run, on the CPU, for evaluation.

    Raises:
        InputError: the folder holds another kind of model, another format, or broken files.
    """
    folder, config = _read_config(path, SpeechPrior.kind, PRIOR_FORMAT)
    place = folder / "config.json"
    try:
        code_format = CodeFormat(**config["codes"])
        speakers = tuple(config["speakers"])
        if min(code_format[:4]) < 1:
            raise ValueError("codes")
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{place}: does not say whose codes; copy the folder again") from error
    settings = parse_config(config.get("model", {}), SpeechPriorSettings, str(place))
    prior = SpeechPrior(settings, code_format, speakers)
    load_weights(prior, weights_file(folder))
    return prior.eval()


def _read_config(
    path: str | os.PathLike, kind: str, model_format: int
) -> tuple[Path, dict[str, Any]]:
    """The folder meant by `path`, verified, and its config.json."""
    folder = find_model(path)
    verify_folder(folder)
    place = folder / "config.json"
    config = load_json(place)
    if config.get("kind") != kind:
        raise InputError(
            f"{folder}: holds a {config.get('kind')}, a {kind} was wanted; give another model"
        )
    if config.get("format") != model_format:
        raise InputError(
            f"{place}: format {config.get('format')}, this version reads {model_format}; "
            "install the version of vqspeech that wrote it"
        )
    return folder, config


def load_weights(model: nn.Module, path: Path) -> None:
    """Fill a model from a safetensors file; names, shapes and finite values are checked."""
    tensors = load_tensors(path)
    _check_weights(model.state_dict(), tensors, path)
    model.load_state_dict(tensors)


def _check_weights(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor], path: Path) -> None:
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found or name not in wanted:
            what = "missing" if name not in found else "unknown"
            raise InputError(f"{path}: {what} tensor {name}; the settings beside it do not fit")
        if wanted[name].shape != found[name].shape:
            raise InputError(
                f"{path}: {name} is {tuple(found[name].shape)}, the settings beside it want "
                f"{tuple(wanted[name].shape)}"
            )
        if found[name].is_floating_point() and not torch.isfinite(found[name]).all():
            raise InputError(f"{path}: {name} holds NaN or infinity; use another checkpoint")
