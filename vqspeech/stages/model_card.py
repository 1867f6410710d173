"""The front matter of a model card: what the Hugging Face Hub reads of a README.md.

Licence, language and data sets are the author's to name: the file that opens the card may begin
with them, between two lines of three dashes. What the model itself tells is added.
"""

import re
from collections.abc import Mapping
from typing import Any

from vqspeech.config.loader import dump_yaml, read_yaml
from vqspeech.models.speech import SpeechVQVAE

# What only the author knows, by the Hub's names.
AUTHORS = ("license", "language", "datasets")
# Scores that the Hub shows; wer and cer are metrics that it knows, the others go by these names.
METRICS = ("wer", "cer")
SHOWN = (
    *METRICS,
    *("similarity_target", "similarity_source", "nearer_target", "identified", "dnsmos"),
    *("target_similarity", "source_similarity", "nearer_to_target", "bits"),
)
TASK = {"type": "audio-to-audio", "name": "Voice conversion"}
TAGS = ["audio-to-audio", "voice-conversion", "speech", "vq-vae", "wavenet", "discrete-codes"]
_FRONT_MATTER = re.compile(r"---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)


def split_card(text: str, place: str = "the card") -> tuple[dict[str, Any], str]:
    """The front matter of a card, {} where it has none, and the Markdown behind it.

    Raises:
        InputError: what stands between the dashes is no YAML of names and values.
    """
    found = _FRONT_MATTER.match(text)
    if found is None:
        return {}, text
    return read_yaml(found[1], place), text[found.end() :].lstrip("\n")


def front_matter(own: Mapping[str, Any], body: str, scores: Mapping[str, Mapping[str, Any]]) -> str:
    """The front matter of a shared model, with its dashes.

    Args:
        own: what the author says; it goes before what is said here by itself.
        body: the card, for its title.
        scores: numbers by the data they were measured on.
    """
    title = re.search(r"^# +(.+)$", body, re.MULTILINE)
    results = [result for name, row in scores.items() if (result := _result(name, row))]
    measured = [
        name for name in METRICS if any(name in (m["type"] for m in r["metrics"]) for r in results)
    ]
    told: dict[str, Any] = {name: own[name] for name in AUTHORS if name in own}
    told |= {"library_name": "vqspeech", "pipeline_tag": TASK["type"], "tags": TAGS}
    if measured:
        told["metrics"] = measured
    if results:
        name = title[1].strip() if title else "vqspeech model"
        told["model-index"] = [{"name": name, "results": results}]
    return f"---\n{dump_yaml({**told, **own})}---\n\n"


def unsaid(own: Mapping[str, Any]) -> list[str]:
    """What the author did not name in the front matter: `license`, `language`, `datasets`."""
    return [name for name in AUTHORS if not own.get(name)]


def _result(name: str, row: Mapping[str, Any]) -> dict[str, Any] | None:
    metrics = [
        {"type": key, "value": round(float(row[key]), 4)}
        for key in SHOWN
        if isinstance(row.get(key), int | float) and not isinstance(row[key], bool)
    ]
    if not metrics:
        return None
    return {"task": TASK, "dataset": {"name": name, "type": name}, "metrics": metrics}


def write_card(
    model: SpeechVQVAE,
    about: str,
    scores: Mapping[str, Mapping[str, Any]],
    precision: str,
    speed: Mapping[str, Any] | None,
) -> str:
    """The body of a card: what it is about, how it is used, facts and scores."""
    weights = sum(p.numel() for p in model.parameters()) + model.quantizer.codebook.numel()
    quantizer = model.settings.quantizer
    lines = [
        about,
        "",
        "## Use",
        "",
        "```python",
        "import vqspeech",
        "",
        'voice = vqspeech.load("FOLDER")  # this folder, wherever it lies',
        f'speech = voice.convert(waveform, speaker="{model.speakers[0]}")  # (T,) float32 at '
        f"{model.sample_rate} Hz",
        "```",
        "",
        "## Facts",
        "",
        "| what | value |",
        "|---|---|",
        f"| kind | {model.kind}, `vqspeech.load` reads it |",
        f"| sample rate | {model.sample_rate} Hz |",
        f"| codes | {model.code_rate:g} a second, each one of {quantizer.num_codes} |",
        f"| speakers | {len(model.speakers)} |",
        f"| weights | {weights:,} numbers, matrices in {precision} |",
        f"| receptive field of the decoder | {model.decoder.wavenet.receptive_field} samples |",
    ]
    if speed:
        lines.append(
            f"| speed | {speed['times_real_time']:g} times real time, {speed['threads']} thread(s) "
            f"of {speed['processor']} |"
        )
    return "\n".join(lines + score_lines(scores)) + "\n"


def score_lines(scores: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The part of a card with every number of the scores; nothing where there are none."""
    if not scores:
        return []
    lines = ["", "## Scores", "", "| data | measure | value |", "|---|---|---|"]
    for name, row in scores.items():
        for key, value in row.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                number = f"{value:.4f}" if isinstance(value, float) else f"{value}"
                lines.append(f"| {name} | {key} | {number} |")
        if row.get("stand_ins"):
            told = f"{len(row['stand_ins'])} speakers, each scored as the likeliest known one"
            lines.append(f"| {name} | strangers | {told} |")
    return lines


DEFAULT_ABOUT = """# A vqspeech model

A VQ-VAE for voice conversion: the words of a recording in another voice.

## Data and licence

What it was trained on was not written down when it was exported, nor under which terms it may be
used: ask who gave it to you.

## Intended use and limits

Voice conversion between the speakers that it knows, and research. How well it does that is known
only as far as there are scores below. Convert the voice of a person only with that person's
consent."""
