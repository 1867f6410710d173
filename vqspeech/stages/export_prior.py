"""A trained prior as people share it: settings, 16-bit weights, a card, a manifest.

DIR/config.json          kind, settings, speakers, scores, and whose codes it is fitted to
    model.safetensors    the running average of the weights, matrices in 16 bits
    README.md            the model card
    MANIFEST.json        size and sha256 of each file
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from vqspeech.checkpoint import hash_folder, load_json, named_models, save_folder
from vqspeech.errors import InputError
from vqspeech.models.build import load_speech_prior, prior_config
from vqspeech.models.code_hash import hash_codes
from vqspeech.models.prior import SpeechPrior
from vqspeech.stages.export_model import (
    check_export,
    gather_scores,
    read_scores_json,
    read_text,
    rounded,
)
from vqspeech.stages.model_card import score_lines

COMMAND = "vqspeech analyze likelihood --json"
WAVEFORM = ("decoder", "prior", "uniform_prior", "total", "total_uniform")  # bits a sample


def export_prior(
    prior: str | os.PathLike,
    out: str | os.PathLike,
    *,
    precision: str = "float16",
    about: str | os.PathLike | None = None,
    scores: Sequence[str | os.PathLike] = (),
    overwrite: bool = False,
) -> Path:
    """Write the folder that `--prior` takes.

    Args:
        prior: a run, a checkpoint or an exported prior.
        out: the folder to make.
        precision: of the matrices in the file; computing is in float32 whatever it is.
        about: a Markdown file that opens the card: data, licence, what for. An exported prior
            keeps its own without it.
        scores: JSON files of `vqspeech analyze likelihood` of this prior; they go into config.json
            by the name of the codes, and into the card.
        overwrite: replace an exported prior that is there.

    Raises:
        UsageError: `out` is the prior itself, or an unknown precision.
        InputError: no prior there, a file that cannot be read, scores of another prior, or weights
            beyond the range of the precision.
        WriteError: `out` is there and may not be replaced, or holds other files.
    """
    folder = check_export(prior, out, precision, overwrite=overwrite, kind="priors")
    loaded, source = load_speech_prior(folder), load_json(folder / "config.json")
    own_hash = hash_folder(folder)
    text = read_text(about) if about is not None else source.get("about") or _DEFAULT_ABOUT
    numbers = {name: dict(row) for name, row in (source.get("scores") or {}).items()}
    found = gather_scores(scores, lambda path: _read_likelihoods(path, own_hash))
    for name, row in found.items():
        numbers.setdefault(name, {}).update(row)
    weights = rounded(loaded.state_dict(), precision)
    more = {"codes_of": own_hash, "about": text, "scores": numbers}
    save_folder(
        out,
        {
            "config.json": prior_config(loaded, **more),
            "model.safetensors": weights,
            "README.md": _card(loaded, text, numbers, weights, precision),
        },
    )
    return Path(out)


def _read_likelihoods(path: str | os.PathLike, own_hash: str) -> list[dict[str, Any]]:
    """Flat rows of what `vqspeech analyze likelihood` found: numbers, and whose they are."""
    found = []
    for facts in read_scores_json(path, COMMAND):
        try:
            found.append(_flat_row(facts))
            made_by = facts["prior_hash"]
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path}: no likelihoods; give a file of '{COMMAND}'") from error
        if made_by != own_hash:
            raise InputError(
                f"{path}: likelihoods of the prior {made_by}, this one is {own_hash}; score it "
                f"with '{COMMAND}'"
            )
    return found


def _flat_row(facts: Mapping[str, Any]) -> dict[str, Any]:
    if facts["kind"] != "likelihood":
        raise KeyError("kind")
    prior = facts["rows"]["prior"]
    row = {
        "data": Path(facts["codes"]).name,
        **{key: prior[key] for key in ("nats", "bits", "bits_per_second", "low", "high")},
    }
    for name, other in facts["rows"].items():
        if name != "prior":
            row[f"{name}_bits"] = other["bits"]
    for key in ("utterances", "frames", "seconds"):
        row[key] = facts[key]
    waveform = facts.get("waveform") or {}
    for key in WAVEFORM:
        if key in waveform:
            row[f"waveform_{key}"] = waveform[key]["value"]
    return row


def _card(
    prior: SpeechPrior,
    about: str,
    scores: Mapping[str, Mapping[str, Any]],
    weights: Mapping[str, Tensor],
    precision: str,
) -> str:
    codes = prior.code_format
    named = [n for n, path in named_models().items() if hash_codes(path) == codes.model_hash]
    whose = f"the model `{named[0]}` ({codes.model_hash})" if named else codes.model_hash
    each = f"each one of {codes.num_codes}"
    if codes.groups > 1:
        each = f"{codes.groups} codes a frame, each one of {codes.num_codes}"
    field = prior.wavenet.receptive_field
    seconds = field / codes.groups / codes.rate
    told = "none: it is not told who speaks"
    if prior.speakers:
        told = f"{len(prior.speakers)}, and one for nobody in particular"
    lines = [
        about,
        "",
        "## Facts",
        "",
        "| what | value |",
        "|---|---|",
        f"| kind | {prior.kind}, `vqspeech sample --prior` reads it |",
        f"| codes of | {whose} |",
        f"| codes | {codes.rate:g} a second, {each} |",
        f"| speakers | {told} |",
        f"| weights | {sum(w.numel() for w in weights.values()):,} numbers, matrices in "
        f"{precision}: {sum(w.nbytes for w in weights.values()) / 1e6:.2f} MB |",
        f"| receptive field | the last {field} codes, {seconds:.2f} s |",
    ]
    return "\n".join(lines + score_lines(scores)) + "\n"


_DEFAULT_ABOUT = """# A prior over the codes of a vqspeech model

For unconditional speech. What it was trained on was not written down when it was exported."""
