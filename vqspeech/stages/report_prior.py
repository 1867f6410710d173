"""The prior for the report: how it learnt, what it expects, and what it says unasked."""

import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from vqspeech.checkpoint import checkpoints
from vqspeech.data.code_crops import FORMAT
from vqspeech.data.codes import CodeDir
from vqspeech.data.data_dir import DataDir
from vqspeech.errors import InputError
from vqspeech.models.build import load_speech_prior
from vqspeech.models.prior import SpeechPrior
from vqspeech.report.curves import Marks
from vqspeech.report.expectations import draw_expectations
from vqspeech.report.page import Clips, Heading, Missing, Section
from vqspeech.report.prior import draw_positions, draw_prior_training
from vqspeech.report.prior_tables import LIKELIHOOD, SAMPLES, likelihood_tables, samples_tables
from vqspeech.report.scores import facts_table
from vqspeech.report.utterances import Utterance
from vqspeech.stages.encode import hash_model
from vqspeech.stages.list_models import list_speakers
from vqspeech.stages.prior_expectations import expect_positions, expect_utterance
from vqspeech.stages.report_codes import CodesMaterial, encode_command, quoted
from vqspeech.stages.report_listening import make_clip
from vqspeech.stages.report_phones import Scored, describe_scores, scored_dir
from vqspeech.stages.report_prior_run import PriorRun
from vqspeech.stages.report_utterances import SECONDS, choose_examples, read_utterance
from vqspeech.stages.speaker_choice import choose_speakers, describe_speaker

KINDS = (LIKELIHOOD, SAMPLES)  # of scores that this section shows
SAMPLE_COUNT = 4
_SKIPPED = ("kind", "model_hash", "by_utterance")  # what is a row of each utterance is too long


def prior_section(
    found: PriorRun | None,
    material: CodesMaterial,
    scores: Sequence[Scored],
    *,
    data: str | os.PathLike | None,
    has_audio: bool,
    seed: int,
    note: Callable[[str], None],
    progress: Callable[[int, int], None] | None,
) -> Section:
    """Curves, expectations, likelihoods, phones of samples, and samples.

    Args:
        scores: of all kinds; those in `KINDS` are shown.
        data: the data whose utterances are in the codes, for a waveform.
        has_audio: whether samples can be played, or only seen.
        seed: of their random numbers.
        note: told what was left out, and why.
        progress: told (samples drawn, their total) while samples are spoken.

    Raises:
        InputError: the prior's files are broken, or `data` is no data directory.
    """
    lead = "Which codes follow which, as a model of its own: with it the whole speaks unasked."
    blocks: list[Any] = []
    prior = None
    if found is None:
        what = "A prior over the codes of this model, its curves and its samples:"
        blocks.append(Missing(what, _train_command(material)))
    else:
        prior = load_speech_prior(found.folder)
        picture = draw_prior_training(found.log, found.ngrams, Marks(found.resumed))
        blocks += [picture] if picture is not None else []
        blocks += _expectation_blocks(prior, found, material, scores, data, note)
    shown = [scored for scored in scores if scored.scores["kind"] in KINDS]
    for number, scored in enumerate(shown, 1):
        blocks += _score_blocks(number, scored)
    if found is not None:
        for kind, command in _analyses(found, material).items():
            if not any(scored.scores["kind"] == kind for scored in shown):
                what = {
                    LIKELIHOOD: "Bits a code and bits a sample of held-out speech:",
                    SAMPLES: "Whether samples have the phones of speech:",
                }
                blocks.append(Missing(what[kind], command))
        blocks.append(_samples(prior, found, material.run, has_audio, seed, progress))
    return Section("prior", "Prior", lead, tuple(blocks))


def _expectation_blocks(
    prior: SpeechPrior,
    found: PriorRun,
    material: CodesMaterial,
    scores: Sequence[Scored],
    data: str | os.PathLike | None,
    note: Callable[[str], None],
) -> list[Any]:
    """What the prior expects along utterances, and of the one that the page shows first."""
    code_dir = scored_dir([d for d in material.directories if _is_of(prior, d)], scores)
    positions = None if code_dir is None else expect_positions(prior, code_dir)
    if positions is None:
        what = "What the prior expects of an utterance needs codes that it is fitted to:"
        return [Missing(what, encode_command(material))]
    source = code_dir.path.resolve().name
    audio = None if data is None else DataDir.read(data)
    keys = [key for key in code_dir if audio is not None and key in audio] or list(code_dir)
    try:
        phones = code_dir.phones()
    except InputError as error:
        note(f"{error}; phones are left out of what the prior expects")
        phones = {}
    key = choose_examples(code_dir, keys, phones)[0]
    waveform, rate = None, code_dir.sample_rate
    if audio is not None and key in audio:
        waveform, rate = read_utterance(audio, key)
    known = code_dir.utterances[key]
    utterance = Utterance(
        *(key, known.speaker, code_dir[key], code_dir.rate, waveform, rate),
        phones=tuple((p[0], p[0] + p[1], p[2]) for p in phones.get(key, ())),
        text=known.text or "",
    )
    bits = expect_utterance(prior, code_dir, key, SECONDS[1])
    most_bits = math.log2(code_dir.num_codes) * code_dir.groups
    return [
        draw_positions(*positions, code_dir.rate, source),
        draw_expectations("prior-expectations", utterance, *bits, most_bits, SECONDS[1]),
    ]


def _is_of(prior: SpeechPrior, code_dir: CodeDir) -> bool:
    return all(getattr(code_dir, name) == getattr(prior.code_format, name) for name in FORMAT)


def _score_blocks(number: int, scored: Scored) -> list[Any]:
    """A heading, the tables, and all other numbers of one file."""
    scores, kind = scored.scores, scored.scores["kind"]
    make, title = {
        LIKELIHOOD: (likelihood_tables, "Likelihood"),
        SAMPLES: (samples_tables, "Samples against speech"),
    }[kind]
    name = f"prior-{kind}-{number}"
    told = {key: value for key, value in scores.items() if key != "fit_on"}  # no map is fitted
    return [
        Heading(f"{title}: {scored.title}", describe_scores(told)),
        *make(name, scores),
        facts_table(f"{name}-facts", "How it was measured", scores, _SKIPPED, is_folded=True),
    ]


def _samples(
    prior: SpeechPrior,
    found: PriorRun,
    run: Path,
    has_audio: bool,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> Clips:
    """Speech that nobody asked for: codes by the prior, said by the model they are of."""
    from vqspeech.generation.voice import load_voice
    from vqspeech.stages.unconditional import draw_speech

    folder = next(f for f in reversed(checkpoints(run)) if _fits(f, found.model_hash))
    voice = load_voice(folder)
    rows = list_speakers(folder)
    described = {row["speaker"]: describe_speaker(row) for row in rows}
    chosen = choose_speakers(rows, 2)
    names = [chosen[i % len(chosen)] for i in range(SAMPLE_COUNT)]
    spoken = draw_speech(prior, voice, names, seed=seed, progress=progress)
    seconds = len(spoken[0]) / voice.sample_rate
    clips = [
        make_clip(
            f"prior-sample-{number}",
            f"sample {number}: {name}",
            *(described.get(name, ""), speech, voice.sample_rate, seconds, has_audio),
        )
        for number, (name, speech) in enumerate(zip(names, spoken, strict=True), 1)
    ]
    title = f"Drawn, not said by anyone: {seconds:.2f} s each, from seed {seed}"
    return Clips(title, tuple(clips))


def _fits(folder: Path, model_hash: str) -> bool:
    try:
        return hash_model(folder.resolve()) == model_hash
    except InputError:
        return False


def _named_parts(material: CodesMaterial) -> dict[str, str]:
    """Code directories by the last part of their names, as a shell takes them."""
    return {one.path.resolve().name: quoted(one.path) for one in material.directories}


def _train_command(material: CodesMaterial) -> str:
    parts = _named_parts(material)
    out = material.run.resolve().parent / "prior"
    return (
        f"vqspeech train prior CONFIG --train {parts.get('train', 'CODES')}"
        f" --valid {parts.get('valid', 'CODES')} --out {quoted(out)}"
    )


def _analyses(found: PriorRun, material: CodesMaterial) -> dict[str, str]:
    """What measures the prior, where the report looks for it, by kind."""
    parts, beside = _named_parts(material), material.run.resolve().parent
    scored = next((parts[name] for name in ("test", "unseen") if name in parts), "CODES")
    mapping = beside / "analysis" / "mapping.json"
    prior = f"--prior {quoted(found.path)}"
    ngrams = f"--fit-on {parts.get('train', 'CODES')} --tune-on {parts.get('valid', 'CODES')}"
    return {
        LIKELIHOOD: f"vqspeech analyze likelihood {scored} {prior} {ngrams}"
        f" --json {quoted(beside / 'analysis' / 'likelihood.json')}",
        SAMPLES: f"vqspeech analyze samples {scored} {prior}"
        f" --map {quoted(mapping) if mapping.is_file() else 'MAP.json'} {ngrams}"
        f" --json {quoted(beside / 'analysis' / 'samples.json')}",
    }
