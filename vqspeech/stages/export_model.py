"""A trained model as people share it: settings, 16-bit weights, a card, a manifest.

    DIR/config.json          kind, settings, speakers, scores, and whose codes it speaks
        model.safetensors    the running average of the weights, matrices in 16 bits
        README.md            the model card
        MANIFEST.json        size and sha256 of each file

What only the loss of training needs is left out.
"""

import fnmatch
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vqspeech.checkpoint import Kind, find_named, load_json, save_folder
from vqspeech.errors import InputError, UsageError, WriteError
from vqspeech.files import check_replaceable
from vqspeech.generation.voice import WAVENET, Voice
from vqspeech.models.build import load_speech_vqvae, model_config
from vqspeech.models.code_hash import hash_codes
from vqspeech.models.new_speaker import keep_rows
from vqspeech.models.speech import SpeechVQVAE
from vqspeech.stages.measure_speed import measure_speed
from vqspeech.stages.measure_voices import measure_voices
from vqspeech.stages.model_card import DEFAULT_ABOUT, front_matter, split_card, unsaid, write_card
from vqspeech.stages.score_summary import is_speech_scores, model_scores

PRECISIONS = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32}
# What a folder may hold that is replaced without a question.
FILES = ("config.json", "model.safetensors", "README.md", "MANIFEST.json")


def export_model(
    model: str | os.PathLike,
    out: str | os.PathLike,
    *,
    precision: str = "float16",
    about: str | os.PathLike | None = None,
    scores: Sequence[str | os.PathLike] = (),
    temperature: float | None = None,
    through: str | None = None,
    speakers: Sequence[str] = (),
    voices: Sequence[str | os.PathLike] = (),
    measure: bool = False,
    overwrite: bool = False,
    note: Callable[[str], None] = lambda text: None,
) -> Path:
    """Write the folder that `vqspeech.load` and `--model` take.

    Args:
        model: a run, a checkpoint or a model folder.
        out: the folder to make.
        precision: of the matrices in the file; computing is in float32 whatever it is.
        about: a Markdown file that opens the card: data, licence, how it sounds. It may begin
            with front matter: license, language, datasets. An exported model keeps its own
            without it.
        scores: JSON files of `vqspeech evaluate`; they go into config.json by their `data`, those
            of the same data together, and into the card.
        temperature: at which the model speaks when a call names no other; kept from the source,
            or 1, without it.
        through: "wavenet" or "vocoder", by which it speaks when a call names none; kept from the
            source, or the WaveNet, without it.
        voices: data directories of the speakers, on which it is measured what of a voice the words
            do not change, for the vocoder; what the source knows of it is kept without any.
        speakers: names or patterns such as "p9*" of the voices that are shared; all without any.
        measure: how fast the model speaks here, for config.json and the card; kept from the source
            without it.
        overwrite: replace an exported model that is there.
        note: told what the card does not say.

    Raises:
        UsageError: `out` is the model itself, an unknown precision, a pattern that no speaker
            has, or a vocoder that the model has not.
        InputError: no speech model there, a file that cannot be read, or weights beyond the range
            of the precision.
        WriteError: `out` is there and may not be replaced, or holds other files.
    """
    folder = check_export(model, out, precision, overwrite=overwrite)
    loaded, source = load_speech_vqvae(folder), load_json(folder / "config.json")
    through = source.get("through", WAVENET) if through is None else through
    Voice(loaded, name=str(model)).speak_through(through)
    if speakers:
        _keep_speakers(loaded, speakers)
    text = read_text(about) if about is not None else source.get("about") or DEFAULT_ABOUT
    own, body = split_card(text, str(about or folder / "config.json"))
    if lacking := unsaid(own):
        note(
            f"the card does not name: {', '.join(lacking)}; begin the file of --about with lines "
            "'---', 'license: apache-2.0' and so on, '---'"
        )
    numbers = {name: dict(row) for name, row in (source.get("scores") or {}).items()}
    for name, row in gather_scores(scores).items():
        numbers.setdefault(name, {}).update(row)
    settings = loaded.settings.model_copy(update={"guide_mels": 0})
    loaded.settings, loaded.guide = settings, None
    speed = source.get("speed")
    if measure:
        speed = measure_speed(Voice(loaded, through=through))
        if through != WAVENET:
            speed[f"{WAVENET}_times_real_time"] = measure_speed(Voice(loaded))["times_real_time"]
    facts = source.get("speaker_information") or {}
    facts = {name: dict(facts[name]) for name in loaded.speakers if name in facts}
    if voices:
        for name, profile in measure_voices(loaded, voices, note=note).items():
            facts.setdefault(name, {})["profile"] = profile
    more = {
        "speaker_information": facts,
        "codes_of": hash_codes(folder),
        "about": text,
        "temperature": source.get("temperature", 1.0) if temperature is None else temperature,
        "through": through,
        **({"speed": speed} if speed else {}),
        "scores": numbers,
    }
    save_folder(
        out,
        {
            "config.json": model_config(loaded, **more),
            "model.safetensors": rounded(loaded.state_dict(), precision),
            "README.md": front_matter(own, body, numbers)
            + write_card(loaded, body, numbers, precision, speed),
        },
    )
    return Path(out)


def _keep_speakers(model: SpeechVQVAE, patterns: Sequence[str]) -> None:
    """Leave a model with the voices whose names match.

    Raises:
        UsageError: a pattern that matches none.
    """
    for pattern in patterns:
        if not fnmatch.filter(model.speakers, pattern):
            raise UsageError(
                f"--speaker {pattern}: none of the {len(model.speakers)} speakers; see 'vqspeech "
                "speakers --model ...'"
            )
    keep_rows(
        model,
        [
            row
            for row, name in enumerate(model.speakers)
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
        ],
    )


def check_export(
    source: str | os.PathLike,
    out: str | os.PathLike,
    precision: str,
    *,
    overwrite: bool,
    files: Sequence[str] = FILES,
    kind: Kind = "models",
) -> Path:
    """Refuse, before any work, what could not be exported; the folder that `source` means.

    Args:
        files: what `out` may hold already, to be replaced.
        kind: among whose names `source` is looked for.

    Raises:
        UsageError: `out` is the source itself, or an unknown precision.
        InputError: no model there.
        WriteError: `out` is there and may not be replaced, or holds other files.
    """
    if precision not in PRECISIONS:
        raise UsageError(f"--precision {precision}: one of {', '.join(PRECISIONS)} was wanted")
    folder = find_named(source, kind)
    if Path(out).resolve() == folder:
        raise UsageError(f"--out {out}: is the model itself; give another folder")
    check_replaceable(Path(out), files, "file of an exported model")
    if os.path.lexists(out) and os.listdir(out) and not overwrite:
        raise WriteError(f"{out}: holds a model already; add --overwrite or give another --out")
    return folder


def rounded(tensors: Mapping[str, Tensor], precision: str) -> dict[str, Tensor]:
    """Matrices in another precision; vectors are few, and a variance may be too large for it.

    Raises:
        InputError: a weight beyond the range of the precision.
    """
    result, dtype = {}, PRECISIONS[precision]
    for name, value in tensors.items():
        is_matrix = value.is_floating_point() and value.dim() > 1
        result[name] = value.to(dtype) if is_matrix else value
        if is_matrix and not torch.isfinite(result[name]).all():
            raise InputError(f"{name}: too large for this precision; export in float32")
    return result


def read_text(path: str | os.PathLike) -> str:
    """The text of a file that opens a card, or of scores; `InputError` where there is none."""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no UTF-8 text"
        raise InputError(f"{path}: {reason}; give a Markdown file") from error


def gather_scores(
    paths: Sequence[str | os.PathLike],
    read: Callable[[str | os.PathLike], list[dict[str, Any]]] | None = None,
) -> dict[str, dict[str, Any]]:
    """Scores by data; files may add to each other, but not disagree.

    Args:
        paths: JSON files.
        read: the rows of one, each with its `data`; those of `vqspeech evaluate` without it.

    Raises:
        InputError: a file is no such JSON, holds NaN, or disagrees with another.
    """
    gathered: dict[str, dict[str, Any]] = {}
    for path in paths:
        for row in (read or _read_scores)(path):
            known = gathered.setdefault(row["data"], {})
            for key, value in row.items():
                if known.setdefault(key, value) != value:
                    raise InputError(
                        f"{path}: another {key} of {row['data']} was given; score data of the same "
                        "name under different ones with 'vqspeech evaluate likelihood --name'"
                    )
    return gathered


def read_scores_json(path: str | os.PathLike, command: str) -> list[Any]:
    """The rows of a file that `command` wrote as JSON, one or a list of them.

    Raises:
        InputError: no JSON, or NaN or infinity in it.
    """

    def refuse(constant: str) -> None:
        raise InputError(f"{path}: holds {constant}, which is no score; leave it out")

    try:
        content = json.loads(read_text(path), parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: no JSON; give a file of '{command}'") from error
    return content if isinstance(content, list) else [content]


def _read_scores(path: str | os.PathLike) -> list[dict[str, Any]]:
    command = "vqspeech evaluate --json"
    rows = read_scores_json(path, command)
    rows = [model_scores(row) if is_speech_scores(row) else row for row in rows]
    if not all(isinstance(row, dict) and isinstance(row.get("data"), str) for row in rows):
        raise InputError(f"{path}: names no data; give a file of '{command}'")
    # What each utterance scored is for 'vqspeech compare', and long.
    return [{key: row[key] for key in row if key != "by_utterance"} for row in rows]
