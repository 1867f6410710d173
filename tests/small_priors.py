"""A tiny model and a prior of its codes, as folders; their weights are drawn, not trained."""

import torch

from vqspeech.checkpoint import save_folder
from vqspeech.config.schema import SpeechPriorSettings
from vqspeech.models.build import model_config, prior_config
from vqspeech.models.prior import CodeFormat, SpeechPrior
from vqspeech.stages.encode import hash_model

TINY_PRIOR = {
    "layers": 3,
    "dilation_cycle": 3,
    "residual_channels": 8,
    "gate_channels": 16,
    "skip_channels": 8,
    "head_channels": 8,
    "speaker_channels": 4,
}


def save_model(path, model, **more):
    files = {"config.json": model_config(model, **more), "model.safetensors": model.state_dict()}
    save_folder(path, files)
    return path


def build_prior(model, model_hash, speakers=("p901", "p907"), seed=0, **changes):
    """A prior that fits the model, but for what `changes` says of its settings or its codes."""
    quantizer = model.quantizer
    sizes = (quantizer.num_codes, quantizer.groups, model.hop, model.sample_rate)
    code_format = CodeFormat(*sizes, model_hash)
    named = {key: changes.pop(key) for key in CodeFormat._fields if key in changes}
    torch.manual_seed(seed)
    settings = SpeechPriorSettings.model_validate(TINY_PRIOR | changes)
    prior = SpeechPrior(settings, code_format._replace(**named), tuple(speakers)).eval()
    with torch.no_grad():
        prior.wavenet.logits.weight.mul_(8)  # far from uniform
    return prior


def save_prior(path, model, model_path, **options):
    """The folder of a prior of the codes of the model that lies at `model_path`."""
    prior = build_prior(model, hash_model(model_path), **options)
    files = {"config.json": prior_config(prior), "model.safetensors": prior.state_dict()}
    save_folder(path, files)
    return path
