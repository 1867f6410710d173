"""How likely held-out speech is: its codes under the prior and under n-grams, and its waveform.

Section 3.2 of the paper: log p(x) >= log p(x | z_q(x)) + log p(z_q(x)). Everything is measured on
utterances that nothing was fitted on, and no model of the codes is told where an utterance ends.
U utterances, G groups, K codes of each group.
"""

import itertools
import math
import os
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from vqspeech.analysis.bootstrap import Resamples, draw_resamples
from vqspeech.checkpoint import find_model, hash_folder, named_models
from vqspeech.data.code_crops import check_same_codes
from vqspeech.data.codes import CodeDir, read_code_dir
from vqspeech.devices import choose_device
from vqspeech.errors import InputError, UsageError, name_some, tell_skipped
from vqspeech.generation.voice import Voice
from vqspeech.models.build import load_speech_prior
from vqspeech.models.prior import SpeechPrior
from vqspeech.models.utterance_likelihood import code_nats
from vqspeech.stages.find_prior import check_codes, load_matching
from vqspeech.stages.likelihood_sums import code_row, saving, waveform_sums
from vqspeech.stages.score_ngrams import ngram_nats
from vqspeech.stages.waveform_likelihood import choose_recordings, score_recordings

LEVEL = 0.95  # of the intervals: that of `bootstrap.interval`


class _Pair(NamedTuple):
    """What is scored, and what names it."""

    prior: SpeechPrior
    voice: Voice | None  # where only codes are scored
    facts: dict[str, str | None]


def analyze_likelihood(
    codes: str | os.PathLike,
    *,
    fit_on: Sequence[str | os.PathLike],
    tune_on: str | os.PathLike,
    prior: str | os.PathLike | None = None,
    model: str | os.PathLike | None = None,
    data: str | os.PathLike | None = None,
    seconds: float | None = None,
    resamples: int = 1000,
    seed: int = 0,
    device: str = "auto",
    note: Callable[[str], None] = lambda text: None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Bits a code of one code directory under the prior and n-grams, and bits a sample.

    Args:
        codes: the code directory that is scored.
        fit_on: those that the n-grams are fitted on; the prior should have been trained on them.
        tune_on: the one that the discounts of the n-grams are tuned on.
        prior: as for `find_prior`, as is `model`.
        data: the data directory that was encoded; without it no waveform is scored.
        seconds: of audio that is scored, in whole utterances spread over all; all without it.
        resamples: of the bootstrap.
        seed: of the resamples.
        device: of the prior and the model.
        note: told what is skipped, and whose row stands in for whom.
        progress: told the samples of waveforms scored so far, and their total.

    Returns:
        What `--json` writes. `rows` has a model of the codes each: nats and bits a code, bits a
        second, and the ends of the interval of bits a code. `prior` is told the speakers whom it
        knows, `prior_nobody` none of them; only a prior with a table has it. `gain` is what the
        prior saves of the bits a code of the trigram. `waveform` is in bits a sample: the
        decoder's given codes and speaker, the codes' under the prior and under a uniform one, and
        both sums. In `by_utterance` the codes' are bits a code, the others bits a sample.

    Raises:
        InputError: directories, prior and model that do not fit together, utterances that were
            fitted or tuned on, or no codes.
        UsageError: `seconds` without `data`.
    """
    if seconds is not None and data is None:
        raise UsageError(
            f"--seconds {seconds:g}: of what recordings? give --data too, or leave out"
        )
    began = time.monotonic()
    scored, fit_dirs, tune_dir = _read(codes, fit_on, tune_on)
    keys = _with_codes(scored, note)
    pair = _load(prior, model, device, with_voice=data is not None, note=note)
    check_codes(pair.prior, scored, codes)
    recordings = None
    if data is not None:
        recordings = choose_recordings(pair.voice, scored, data, keys, seconds, note)
    nats = dict(ngram_nats(fit_dirs, tune_dir, scored))  # (U,) each
    speakers = [scored.utterances[key].speaker for key in keys]
    nats |= _prior_nats(pair.prior, scored, keys, speakers)
    frames = np.array([len(scored[key]) for key in keys])
    elements = frames * scored.groups

    def draw(names: Sequence[str]) -> Resamples:
        index = np.unique(names, return_inverse=True)[1]
        return draw_resamples(index, count=resamples, seed=seed)

    drawn = draw(speakers)
    if (drawn.weights == drawn.weights[:1]).all():
        note(
            f"{codes}: {len(set(speakers))} speakers of one utterance each: nothing can be drawn "
            "again, the intervals have no width and tell nothing"
        )
    bits = {name: values / math.log(2) for name, values in nats.items()}
    facts = {
        "kind": "likelihood",
        "codes": str(codes),
        "model_hash": scored.model_hash,
        "rate": scored.rate,
        "num_codes": scored.num_codes,
        "groups": scored.groups,
        "utterances": len(keys),
        "speakers": len(set(speakers)),
        "frames": int(frames.sum()),
        "seconds": float(frames.sum() / scored.rate),
        **pair.facts,
        "fit_on": [str(path) for path in fit_on],
        "tune_on": str(tune_on),
        "data": None if data is None else str(data),
        "seed": seed,
        "resampled": drawn.what,
        "interval": {"level": LEVEL, "resampled": drawn.what, "count": resamples},
        "speakers_known": len(set(speakers) & set(pair.prior.speakers)),
        "rows": {
            name: code_row(values, elements, drawn, scored.rate * scored.groups)
            for name, values in bits.items()
        },
        "gain": saving(bits["trigram"], bits["prior"], elements, drawn),
        "waveform": None,
        "by_utterance": [
            {
                "utterance": key,
                "speaker": speaker,
                "frames": int(frames[i]),
                "prior_bits": float(bits["prior"][i] / elements[i]),
                "trigram_bits": float(bits["trigram"][i] / elements[i]),
            }
            for i, (key, speaker) in enumerate(zip(keys, speakers, strict=True))
        ],
    }
    if recordings is not None:
        decoder, stand_ins = score_recordings(
            pair.voice, scored, recordings, note=note, progress=progress
        )
        lengths = {s.utterance: s.length for s in recordings}
        facts["waveform"] = waveform_sums(facts["by_utterance"], lengths, decoder, bits, draw)
        facts["waveform"]["seconds"] = sum(lengths.values()) / scored.sample_rate
        facts["waveform"]["stand_ins"] = stand_ins
    return facts | {"analysis_seconds": round(time.monotonic() - began, 2)}


def _read(
    codes: str | os.PathLike, fit_on: Sequence[str | os.PathLike], tune_on: str | os.PathLike
) -> tuple[CodeDir, list[CodeDir], CodeDir]:
    """The code directories, of one model and without an utterance in two of them."""
    if not fit_on:
        raise UsageError("--fit-on: name the code directories that the n-grams are fitted on")
    scored, tune_dir = read_code_dir(codes), read_code_dir(tune_on)
    fit_dirs = [read_code_dir(path) for path in fit_on]
    remedy = {
        scored.path: "score others: what was fitted or tuned on them flatters",
        tune_dir.path: "tune on others than are fitted on",
    }
    for one, other in itertools.combinations([scored, tune_dir, *fit_dirs], 2):
        check_same_codes(one, other)
        if shared := sorted(one.keys() & other.keys()):
            raise InputError(
                f"{one.path}: {len(shared)} of its {len(one)} utterances are in {other.path} too "
                f"({name_some(shared, 2)}); {remedy.get(one.path, 'name each directory once')}"
            )
    return scored, fit_dirs, tune_dir


def _with_codes(scored: CodeDir, note: Callable[[str], None]) -> list[str]:
    """The utterances that have codes, sorted."""
    keys = sorted(key for key in scored if len(scored[key]))
    if not keys:
        raise InputError(f"{scored.path}: no codes in {len(scored)} utterances; encode others")
    empty = [(key, "without codes") for key in sorted(scored.keys() - set(keys))]
    for line in tell_skipped(empty, len(scored)):
        note(f"{scored.path}: {line}")
    return keys


def _load(
    prior: str | os.PathLike | None,
    model: str | os.PathLike | None,
    device: str,
    *,
    with_voice: bool,
    note: Callable[[str], None],
) -> _Pair:
    if with_voice or prior is None or model is not None:
        loaded, voice, facts = load_matching(prior, model, device, note)
        return _Pair(
            loaded, voice, {name: facts[name] for name in ("prior", "prior_hash", "model")}
        )
    # Codes are scored without the model that made them, which may be elsewhere.
    path = named_models("priors").get(str(prior), prior)
    loaded = load_speech_prior(path).to(choose_device(device))
    facts = {"prior": str(prior), "prior_hash": hash_folder(find_model(path)), "model": None}
    return _Pair(loaded, None, facts)


def _prior_nats(
    prior: SpeechPrior, scored: CodeDir, keys: Sequence[str], speakers: Sequence[str]
) -> dict[str, np.ndarray]:
    """(U,) nats of each utterance, told the speakers whom the prior knows, and told none."""

    def score(rows: Sequence[int]) -> np.ndarray:
        codes = (torch.from_numpy(np.array(scored[key], np.int64)) for key in keys)
        pairs = zip(codes, rows, strict=True)
        return np.array([float(code_nats(prior, item, row).double().sum()) for item, row in pairs])

    rows = [prior.speaker_row(speaker) for speaker in speakers]
    nobody = [prior.nobody] * len(keys)
    found = {"prior": score(rows)}
    if prior.speaker is not None:
        found["prior_nobody"] = found["prior"] if rows == nobody else score(nobody)
    return found
