"""The front matter of a model card: what the Hugging Face Hub reads of a README.md.

Licence, language and data sets are the author's to name: the file that opens the card may begin
with them, between two lines of three dashes. What the model itself tells is added.
"""

import re
from collections.abc import Mapping
from typing import Any

from vqspeech.config.loader import dump_yaml, read_yaml

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
