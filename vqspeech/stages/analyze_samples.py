"""Whether what a prior draws is speech: its phones beside those of real speech, and how it sounds.

Section 4.3 of the paper has samples listened to; this counts instead. Real codes are halved by
sentence, so that no words are in both. One half is the reference; what is drawn is as long as the
other, utterance by utterance and speaker by speaker, and both are compared with the reference: a
sampler without fault would be as far from it as the other half is, but for the pauses at the ends:
what is drawn does not know where it will be cut off. All is read through one map from codes to
phones. N-grams and uniformly random codes, drawn to the same lengths, show what less
knowledge gives. L frames, G groups, K codes of each, U utterances.
"""

import math
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vqspeech.analysis.divergence import PhoneCounts, count_phones, jensen_shannon, new_share
from vqspeech.analysis.ngrams import KneserNey, Unigram
from vqspeech.analysis.phoneme_mapping import PhonemeMapping
from vqspeech.data.code_crops import check_same_codes
from vqspeech.data.codes import CodeDir, join_groups, read_code_dir
from vqspeech.data.data_dir import DataDir
from vqspeech.data.phone_set import SILENCE
from vqspeech.errors import UsageError
from vqspeech.stages.drawn_codes import draw_like, draw_ngrams, first_seconds, split_real
from vqspeech.stages.find_prior import check_codes, load_matching
from vqspeech.stages.mapping_file import check_mapping, load_mapping
from vqspeech.stages.sample import check_choice, share_progress
from vqspeech.stages.score_ngrams import codes_of, fit_ngram_models, fit_ngrams
from vqspeech.stages.spoken_samples import check_recordings, speak_systems

SECONDS, SPOKEN_SECONDS = 600.0, 60.0
OTHER_HALF, SAMPLES, RANDOM = "other half of real speech", "samples", "random"
TUNED_ON = 10  # without codes to tune n-grams on, every so many utterances of the other half


def analyze_samples(
    codes: str | os.PathLike,
    phoneme_map: str | os.PathLike,
    *,
    prior: str | os.PathLike | None = None,
    model: str | os.PathLike | None = None,
    fit_on: Sequence[str | os.PathLike] = (),
    tune_on: str | os.PathLike | None = None,
    seconds: float = SECONDS,
    count: int | None = None,
    temperature: float = 1.0,
    top_k: int = 0,
    seed: int = 0,
    data: str | os.PathLike | None = None,
    spoken_seconds: float = SPOKEN_SECONDS,
    device: str = "auto",
    note: Callable[[str], None] = lambda text: None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Draw codes from a prior and compare them with real ones.

    Args:
        codes: a code directory of the model that the prior is fitted to, best one that neither was
            trained on.
        phoneme_map: fitted on codes of that model, by `vqspeech analyze phonemes --save-map`.
        prior: as in `find_prior`, as is `model`.
        fit_on: code directories that n-grams are fitted on, those of the prior; without any, the
            half that is not the reference: what they are compared with they may not know.
        tune_on: one that they are tuned on; it goes with `fit_on`.
        seconds: how much is drawn, at most half of what `codes` has.
        count: of utterances, at most.
        temperature: divides the logits of the prior; 0 takes the likeliest code.
        top_k: codes are drawn from the likeliest k alone; 0 is all.
        seed: of the halves and of all that is drawn.
        data: the data directory that was encoded; with it, samples are spoken and heard.
        spoken_seconds: how much of each system.
        device: "auto" takes a CUDA device where there is one.
        note: told what the user should know.
        progress: told (steps done, their total); a step draws a code or a sample of a waveform.

    Returns:
        What can be written as JSON: settings and counts, and rows by name. `systems`: phones_jsd,
        bigrams_jsd (bits, against the reference), phones_per_second, run_seconds (of phones other
        than silence), silence_share (of frames; None where the map has no silence), new_bigrams
        (share of the different pairs of phones that the reference never has). `recognizer` and
        `spoken`: as `speak_systems` has them, None and empty without `data`.

    Raises:
        UsageError: a number out of its range, or options that go together.
        InputError: codes, map, prior, model or data that do not fit together, or too few codes.
        MissingError: no prior is packaged, or no such device.
    """
    began = time.monotonic()
    _check_settings(seconds, count, temperature, top_k, spoken_seconds, fit_on, tune_on)
    code_dir = read_code_dir(codes)
    mapping = load_mapping(phoneme_map)
    check_mapping(
        mapping,
        phoneme_map,
        num_codes=code_dir.num_codes**code_dir.groups,
        rate=code_dir.rate,
        model_hash=code_dir.model_hash,
        whose=str(code_dir.path),
    )
    net, voice, facts = load_matching(prior, model, device, note)
    check_codes(net, code_dir, codes)
    if top_k > code_dir.num_codes:
        raise UsageError(
            f"--top-k {top_k}: {facts['prior']} has {code_dir.num_codes} codes; give at most as "
            "many"
        )
    rng = np.random.default_rng(seed)
    reference, other = split_real(code_dir, seconds, count, rng)
    spoken = [] if data is None else first_seconds(code_dir, other, spoken_seconds)
    data_dir = None if data is None else DataDir.read(data)
    check_recordings(data_dir, spoken, codes)
    ngrams = _fit(code_dir, reference, fit_on, tune_on)

    lengths = [len(code_dir[key]) for key in other]
    drawing, speaking = share_progress(
        progress, sum(lengths) * code_dir.groups, 4 * voice.hop * sum(lengths[: len(spoken)])
    )
    speakers = [code_dir.utterances[key].speaker for key in other]
    systems = {
        OTHER_HALF: [np.array(code_dir[key]) for key in other],
        SAMPLES: draw_like(
            net,
            lengths,
            [net.speaker_row(name) for name in speakers],
            seed=seed,
            temperature=temperature,
            top_k=top_k,
            progress=drawing,
        ),
    }
    for name in ("trigram", "bigram", "unigram"):
        systems[name] = draw_ngrams(ngrams[name], lengths, code_dir, rng)
    shape = (code_dir.groups,) if code_dir.groups > 1 else ()
    systems[RANDOM] = [rng.integers(code_dir.num_codes, size=(n, *shape)) for n in lengths]

    real = _count([code_dir[key] for key in reference], mapping, code_dir)
    found = {
        "kind": "samples",
        **facts,
        "codes": str(codes),
        "rate": code_dir.rate,
        "seconds": sum(lengths) / code_dir.rate,
        "reference_seconds": sum(len(code_dir[key]) for key in reference) / code_dir.rate,
        "samples": len(other),
        "speakers_known": len(set(speakers) & set(net.speakers)),
        "speakers": len(set(speakers)),
        "temperature": temperature,
        "top_k": top_k,
        "seed": seed,
        "map": str(phoneme_map),
        "fit_on": [str(path) for path in fit_on] or [OTHER_HALF],
        "systems": [
            {"name": name, **_compare(_count(drawn, mapping, code_dir), real, mapping, code_dir)}
            for name, drawn in systems.items()
        ],
        "recognizer": None,
        "spoken": [],
    }
    if data_dir is not None:
        found |= speak_systems(
            voice,
            data_dir,
            spoken,
            speakers[: len(spoken)],
            {
                "real codes, decoded": systems[OTHER_HALF],
                **{name: systems[name] for name in (SAMPLES, "trigram", RANDOM)},
            },
            seed=seed,
            note=note,
            progress=speaking,
        )
    return found | {"analysis_seconds": round(time.monotonic() - began, 2)}


def _fit(
    code_dir: CodeDir,
    reference: Sequence[str],
    fit_on: Sequence[str | os.PathLike],
    tune_on: str | os.PathLike | None,
) -> dict[str, Unigram | KneserNey]:
    if tune_on is not None:
        train = [read_code_dir(path) for path in fit_on]
        check_same_codes(code_dir, train[0])
        return fit_ngrams(train, read_code_dir(tune_on))
    rest = sorted(key for key in code_dir.keys() - set(reference) if len(code_dir[key]))
    tuned = rest[::TUNED_ON]
    # Of a single utterance there is nothing to hold out.
    fitted = [key for key in rest if key not in set(tuned)] or tuned
    return fit_ngram_models(
        codes_of([code_dir], fitted),
        codes_of([code_dir], tuned),
        code_dir.num_codes**code_dir.groups,
    )


def _count(
    sequences: Sequence[np.ndarray], mapping: PhonemeMapping, code_dir: CodeDir
) -> PhoneCounts:
    codes = join_groups(np.concatenate(sequences), code_dir.num_codes)
    starts = np.cumsum([0, *map(len, sequences)])
    return count_phones(mapping.apply(codes, starts), starts, len(mapping.phones))


def _compare(
    counts: PhoneCounts, real: PhoneCounts, mapping: PhonemeMapping, code_dir: CodeDir
) -> dict[str, Any]:
    """The row of a system."""
    silence = mapping.phones.index(SILENCE) if SILENCE in mapping.phones else None
    speech = np.arange(len(mapping.phones)) != (-1 if silence is None else silence)
    frames, runs = counts.frames.sum(), counts.phones[speech].sum()
    new = new_share(counts.bigrams, real.bigrams)
    has_pairs = counts.bigrams.any() and real.bigrams.any()
    return {
        "phones_jsd": jensen_shannon(counts.phones, real.phones),
        "bigrams_jsd": jensen_shannon(counts.bigrams, real.bigrams) if has_pairs else None,
        "phones_per_second": float(runs / frames * code_dir.rate),
        "silence_share": None if silence is None else float(counts.frames[silence] / frames),
        "run_seconds": float(counts.frames[speech].sum() / runs / code_dir.rate) if runs else None,
        "new_bigrams": None if math.isnan(new) else new,
    }


def _check_settings(
    seconds: float,
    count: int | None,
    temperature: float,
    top_k: int,
    spoken_seconds: float,
    fit_on: Sequence[str | os.PathLike],
    tune_on: str | os.PathLike | None,
) -> None:
    """Refuse what cannot be drawn, before anything is read."""
    for name, value in (("--seconds", seconds), ("--spoken-seconds", spoken_seconds)):
        if not 0 < value < math.inf:
            raise UsageError(f"{name} {value:g}: more than 0 is wanted")
    if count is not None and count < 1:
        raise UsageError(f"--count {count}: at least one utterance is wanted")
    check_choice("--temperature", temperature, top_k)
    if bool(fit_on) != (tune_on is not None):
        raise UsageError("--fit-on and --tune-on go together: give both or neither")
