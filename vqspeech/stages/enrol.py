"""A new target voice from minutes of recordings: a model folder in, one with a voice more out.

    1  the recordings are checked and levelled (`enrolment_speech.py`)
    2  the known speaker under whom they are likeliest lends the row to begin with
    3  the row is fitted, encoder, codebook and all else of the decoder frozen (`enrolment_fit.py`)
    4  source and row are exported: every tensor of the source bit for bit, one row more

The codes mean what they meant, so priors and maps of the source serve the new model too.
"""

import math
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from vqspeech.checkpoint import find_model, load_json, load_tensors, packaged_models, save_folder
from vqspeech.data.tables import id_breach
from vqspeech.devices import choose_device
from vqspeech.errors import MissingError, UsageError
from vqspeech.generation.voice import Voice
from vqspeech.generation.voice_profile import measure_profile
from vqspeech.models.build import load_speech_vqvae
from vqspeech.models.new_speaker import GUIDE, NLL, SPEAKER_TABLE
from vqspeech.stages.enrolment_fit import FitSettings, RowFit, cut_pieces, hold_out
from vqspeech.stages.enrolment_speech import read_enrolment
from vqspeech.stages.export_model import PRECISIONS, check_export, export_model

WEIGHTS = "model.safetensors"
CARD_HEADING = "## Added voices"
_UNITS = {NLL: "nats a sample", GUIDE: "of the guide"}


class Enrolled(NamedTuple):
    """What was written, and what the new row is worth."""

    path: Path
    speaker: str
    like: str  # the speaker it began as
    recordings: int
    seconds: float  # of recordings
    before: dict[str, float]  # held-out nats a sample (nll), and guide, as spoken by `like`
    after: dict[str, float]  # and by the new speaker
    steps: int
    spent: float  # seconds, of the whole call
    device: str

    def __str__(self) -> str:
        changes = ", ".join(
            f"{self.before[term]:.3f} -> {self.after[term]:.3f} {_UNITS[term]}"
            for term in sorted(self.after, reverse=True)
        )
        return (
            f"wrote {self.path}  {self.speaker} from {self.recordings} recordings, "
            f"{self.seconds:.0f} s  held out: {changes} ({self.like} -> {self.speaker})  "
            f"{self.steps} steps in {self.spent:.0f} s ({self.device})"
        )


def enrol(
    name: str,
    sources: Sequence[str | os.PathLike],
    model: str | os.PathLike | None,
    out: str | os.PathLike,
    *,
    gender: str | None = None,
    accent: str | None = None,
    settings: FitSettings | None = None,
    minutes: float = math.inf,
    seed: int = 0,
    device: str = "auto",
    overwrite: bool = False,
    note: Callable[[str], None] = lambda text: None,
    progress: Callable[[int, int], None] | None = None,
) -> Enrolled:
    """Write `out`, which speaks as all speakers of `model` and as `name`.

    Args:
        name: of the new speaker.
        sources: folders and files of recordings of that speaker, 1 to 10 minutes.
        model: a run, a checkpoint, a model folder or the name of a packaged model; the first
            packaged one without it.
        out: the folder to make.
        gender: f or m, for lists of speakers.
        accent: likewise.
        settings: of the fit.
        minutes: no step begins later; the best row so far is kept.
        seed: of the crops that are trained on.
        device: where it computes.
        overwrite: replace a model that is at `out`.
        note: told what was done to the recordings, and whom the voice begins as.
        progress: told (steps, their total).

    Raises:
        UsageError: a name that the model has or that is no id, or an `out` that is the model.
        InputError: no such model, or recordings that teach no voice.
        MissingError: no such device, or no model given and none packaged.
        WriteError: `out` is there and may not be replaced.
        DivergedError: the fit gave NaN or infinity.
    """
    began = time.monotonic()
    folder = _model_folder(model)
    precision = _precision(folder)
    check_export(folder, out, precision, overwrite=overwrite)
    voice = Voice(load_speech_vqvae(folder), choose_device(device), str(model or folder.name))
    _check_name(name, voice)
    speech = read_enrolment(sources, voice.sample_rate, note=note)
    pieces = cut_pieces(voice, (take.samples for take in speech.takes))
    parts = hold_out(pieces, voice.sample_rate)
    fit = RowFit(voice.model, name, *parts, settings or FitSettings(), seed)
    like = voice.model.speakers[fit.like]
    note(f"{name} begins as {like}, the nearest of the {fit.row} speakers of {voice.name}")
    steps = fit.run(began + 60 * minutes, progress)
    row = fit.rounded_row(PRECISIONS[precision])
    before, after = (fit.held_out(r, fit.terms) for r in (fit.like, fit.row))
    facts = {
        "recordings": len(speech.takes),
        "seconds": round(speech.seconds, 2),
        "speech_seconds": round(speech.speech_seconds, 2),
        "began_as": like,
        "steps": steps,
        "held_out": {term: [before[term], after[term]] for term in after},
    }
    information = {"gender": gender, "accent": accent, "enrolled": facts}
    if (head := voice.model.decoder.acoustics) is not None:
        profile = measure_profile(head, (torch.from_numpy(take.samples) for take in speech.takes))
        information |= {} if profile is None else {"profile": profile.to_json()}
    _export(folder, out, name, row, information, precision, overwrite=overwrite)
    return Enrolled(
        Path(out),
        name,
        like,
        len(speech.takes),
        speech.seconds,
        before,
        after,
        steps,
        time.monotonic() - began,
        str(voice.device),
    )


def _model_folder(model: str | os.PathLike | None) -> Path:
    """The folder that `model` means.

    Raises:
        MissingError: no model given and none packaged.
        InputError: nothing there that holds a model.
    """
    packaged = packaged_models()
    if model is None and not packaged:
        raise MissingError("--model: no model comes with this version; give a run or a folder")
    name = str(model) if model is not None else next(iter(packaged))
    return find_model(packaged.get(name, Path(name)))


def _precision(folder: Path) -> str:
    """That of the matrices in the file, so that none of them changes."""
    weights = load_tensors(folder / WEIGHTS)
    dtype = weights[SPEAKER_TABLE].dtype if SPEAKER_TABLE in weights else torch.float32
    return next((name for name, known in PRECISIONS.items() if known == dtype), "float32")


def _check_name(name: str, voice: Voice) -> None:
    if breach := id_breach(name):
        raise UsageError(f"NAME: {breach}; choose another name")
    # The shorthand 225 for p225 must go on to mean p225.
    for known in (name, f"p{name}"):
        if known in voice.speakers:
            raise UsageError(
                f"NAME {name}: {voice.name} speaks as {known} already; choose another name, "
                "'vqspeech speakers' lists those it has"
            )


def _export(
    source: Path,
    out: str | os.PathLike,
    name: str,
    row: Tensor,
    information: dict[str, Any],
    precision: str,
    *,
    overwrite: bool,
) -> None:
    """Write the source's export with one speaker more."""
    with tempfile.TemporaryDirectory(prefix="vqspeech-") as temporary:
        # Once without the voice: settings, card and what an export leaves out are decided there.
        plain = export_model(source, Path(temporary) / "plain", precision=precision)
        config, tensors = load_json(plain / "config.json"), load_tensors(plain / WEIGHTS)
        table = tensors[SPEAKER_TABLE]
        tensors[SPEAKER_TABLE] = torch.cat((table, row[None].to(table.dtype)))
        config["speakers"].append(name)
        config["speaker_information"][name] = information
        config["about"] = _about(config["about"], name, information["enrolled"])
        added = Path(temporary) / "added"
        save_folder(added, {"config.json": config, WEIGHTS: tensors})
        export_model(added, out, precision=precision, overwrite=overwrite)


def _about(about: str, name: str, enrolled: dict[str, Any]) -> str:
    """The opening of the card with a line on the new voice, below those that were added before."""
    if CARD_HEADING not in about:
        about += (
            f"\n\n{CARD_HEADING}\n\nWith `vqspeech enrol`: a row of the speaker table each, all "
            "else as it was. Where a voice is a person's, speak with it only with that person's "
            "consent.\n"
        )
    return f"{about}\n- {name}: from {enrolled['seconds']:.0f} s of recordings"
