"""One page on a run: training, codes, phones, utterances, voices, prior, as far as they exist."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from vqspeech.checkpoint import checkpoints, load_json
from vqspeech.config.loader import load_config
from vqspeech.config.schema import TrainSpeechVQVAE
from vqspeech.errors import InputError, UsageError, VQSpeechError
from vqspeech.files import check_writable, write_text
from vqspeech.report.curves import Marks, draw_training
from vqspeech.report.log import read_log, resumed_steps
from vqspeech.report.page import Header, Missing, Section, Text, render_page
from vqspeech.stages.report_codes import (
    CodesMaterial,
    codebook_section,
    find_codes,
    hashes_of_run,
    quoted,
    read_codebook,
)
from vqspeech.stages.report_conversion import KINDS as CONVERSION_KINDS
from vqspeech.stages.report_conversion import conversion_tiles
from vqspeech.stages.report_listening import listening_section
from vqspeech.stages.report_phones import (
    best_scores,
    find_scores,
    phones_section,
)
from vqspeech.stages.report_prior import KINDS as PRIOR_KINDS
from vqspeech.stages.report_prior import prior_section
from vqspeech.stages.report_prior_run import PriorRun, find_prior_run, prior_scores
from vqspeech.stages.report_utterances import utterances_section
from vqspeech.stages.summarize import summarize_run


def make_report(
    run: str | os.PathLike,
    out: str | os.PathLike,
    *,
    codes: Sequence[str | os.PathLike] = (),
    scores: Sequence[str | os.PathLike] = (),
    prior: str | os.PathLike | None = None,
    data: str | os.PathLike | None = None,
    src: Sequence[str | os.PathLike] = (),
    speakers: Sequence[str] = (),
    has_audio: bool = True,
    seed: int = 0,
    note: Callable[[str], None] = lambda text: None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write the page; the same material makes the same bytes.

    What is missing is named on the page with the command that makes it.

    Args:
        run: a folder of `vqspeech train vqvae`.
        out: the page, `.html`; an old one is replaced.
        codes: code directories of this run's model; without it those beside the run,
            `codes*/*`.
        scores: JSON files of `vqspeech analyze` and `evaluate`; without it those beside the run,
            `analysis*`.
        prior: a run of `vqspeech train prior` on codes of this run's model; without it the best of
            those beside the run, `prior*`.
        data: a data directory with the audio of utterances in `codes`: for their waveforms, and to
            be heard where `src` is empty.
        src: recordings to convert.
        speakers: whose voices they get; a woman and a man without it.
        has_audio: whether recordings can be played, or only seen.
        seed: of the random numbers of conversions and samples.
        note: told what was left out, and why.
        progress: told (samples drawn, their total) while voices are made.

    Returns:
        `out`.

    Raises:
        UsageError: a name of the page that is no `.html`, or an unknown speaker.
        InputError: no run, or material that is given by name and does not fit it.
        WriteError: the page cannot be written, said before the work.
    """
    run, out = Path(run), Path(out)
    if out.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--out {out}: a page is .html; give it such a name")
    check_writable(out)
    log = read_log(run)
    hashes = hashes_of_run(run)
    material = CodesMaterial(
        find_codes(run, codes, hashes, note), read_codebook(run, note), run, hashes
    )
    found = find_scores(run, scores, hashes, note)
    prior_run = find_prior_run(run, prior, hashes, note)
    elsewhere = (*PRIOR_KINDS, *CONVERSION_KINDS)
    of_codes = [scored for scored in found if scored.scores["kind"] not in elsewhere]
    sections = [
        training_section(run, log),
        codebook_section(material, found),
        phones_section(material, of_codes),
        utterances_section(material, found, data, note),
        listening_section(
            run,
            found,
            data=data,
            src=src,
            speakers=speakers,
            has_audio=has_audio,
            seed=seed,
            note=note,
            progress=progress,
        ),
        prior_section(
            prior_run,
            material,
            found,
            data=data,
            has_audio=has_audio,
            seed=seed,
            note=note,
            progress=progress,
        ),
    ]
    header = make_header(run, log, found, note, prior_run)
    write_text(out, render_page(header, sections))
    return out


def make_header(
    run: Path,
    log: Sequence[dict[str, Any]],
    found: Sequence[Any],
    note: Callable[[str], None],
    prior: PriorRun | None = None,
) -> Header:
    """The run's name, what made it, and its best scores."""
    try:
        summary = summarize_run(run)
    except InputError as error:
        note(f"{error}; the page has no summary")
        summary = {}
    facts, scores = [], []
    if summary:
        scores = [
            ("bits a sample", f"{summary['bits']:.3f}", "validation, best checkpoint"),
        ]
        if "swap_gap" in summary:
            scores.append(("swap gap", f"{summary['swap_gap']:.3f}", "nats a sample"))
        scores.append(
            (
                "codes used",
                f"{summary['codes_used']:g}",
                f"of {summary['num_codes']}, perplexity {summary['perplexity']:.1f}",
            )
        )
        facts.append(("steps", f"{summary['steps']}, the best is {summary['best_step']}"))
        facts.append(("training", format_seconds(summary["seconds"])))
    elif log:
        facts.append(("steps", f"{log[-1]['step']}, not finished"))
    facts += _model_facts(run)
    made = summary.get("environment") or {}
    if isinstance(made, dict):
        gpus = made.get("gpus") or []
        hardware = ", ".join(map(str, gpus)) or made.get("processor")
        if hardware:
            facts.append(("hardware", f"{hardware}, {count_of(made.get('threads'), 'thread')}"))
        for label, key in (("commit", "commit"), ("command", "command"), ("version", "vqspeech")):
            if made.get(key):
                facts.append((label, str(made[key])))
    texts = []
    for title, name in (("Settings", "config.yaml"), ("Environment", "environment.json")):
        text = _read_text(run / name)
        if text:
            texts.append(Text(title, text))
    tiles = (*best_scores(found), *conversion_tiles(found), *prior_scores(prior), *scores)
    return Header(run.resolve().name, tuple(facts), tiles, tuple(texts))


def training_section(run: Path, log: Sequence[dict[str, Any]]) -> Section:
    """The curves of the log."""
    guide_steps = _setting(run, "guide_steps")
    resumed = resumed_steps(run)
    pictures = draw_training(log, Marks(resumed, guide_steps))
    blocks = pictures or [
        Missing(
            "Nothing is logged yet. Training writes log.jsonl as it goes on:",
            f"vqspeech train vqvae CONFIG --train DATA --valid DATA --out {quoted(run)}",
        )
    ]
    lead = "What was minimised, and what the averaged weights scored on held-out speech."
    if guide_steps:
        lead += " In the guide phase there is no likelihood yet: only the spectrum is learnt."
    if resumed:
        lead += " Dotted: where the run was resumed."
    return Section("training", "Training", lead, tuple(blocks))


def format_seconds(seconds: float) -> str:
    """Hours and minutes, or minutes and seconds: `2 h 5 min`."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s"


def count_of(count: object, noun: str) -> str:
    """`1 thread`, `2 threads`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _model_facts(run: Path) -> list[tuple[str, str]]:
    """Rate of codes, K and speakers, from the newest checkpoint."""
    for folder in reversed(checkpoints(run)):
        try:
            config = load_json(folder / "config.json")
            model = config["model"]
            encoder, quantizer = model["encoder"], model["quantizer"]
            sample_rate = model.get("sample_rate", 16000)
            hop = _hop(encoder)
            facts = f"{quantizer['num_codes']} codes of {quantizer['dim']} dimensions"
            if hop:
                facts += f", {sample_rate / hop:g} a second"
            facts += f"; {encoder['kind'].replace('_', '-')} encoder, {sample_rate} Hz"
            facts += f"; {len(config['speakers'])} speakers"
        except (InputError, KeyError, TypeError, AttributeError, ValueError):
            continue  # the page can do without this line
        return [("model", facts)]
    return []


def _hop(encoder: dict[str, Any]) -> int:
    hop = encoder.get("mel_hop", 1) if encoder.get("kind") == "log_mel" else 1
    for stride in encoder["strides"]:
        hop *= stride
    return hop


def _setting(run: Path, name: str) -> int:
    """A whole number among the settings of training; 0 where they do not say."""
    try:
        return getattr(load_config(run / "config.yaml", TrainSpeechVQVAE).training, name)
    except VQSpeechError:  # of another version, perhaps; the curves need it for a mark only
        return 0


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
