"""N-grams fitted to codes and scored on others: what a prior over codes has to beat.

The same protocol as the prior's: fitted on the training codes, tuned on the validation codes,
scored on utterances from their first code to their last. The codes of a frame are one symbol of
K^G, as a unit has it; what is scored is shared out over its G codes.
"""

from collections.abc import Collection, Sequence

import numpy as np

from vqspeech.analysis.ngrams import Codes, KneserNey, Unigram, fit_kneser_ney, fit_unigram
from vqspeech.data.code_crops import check_same_codes
from vqspeech.data.codes import CodeDir
from vqspeech.errors import InputError
from vqspeech.stages.aligned_codes import flat_codes

ORDERS = {"unigram": 1, "bigram": 2, "trigram": 3}
MOST_SYMBOLS = 2_000_000  # three of them make a number of 63 bits


def ngram_nats(
    train: Sequence[CodeDir],
    valid: CodeDir,
    scored: CodeDir,
    fit_on: Collection[str] | None = None,
) -> dict[str, np.ndarray]:
    """-log p of each utterance under a uniform distribution and n-grams.

    Args:
        train: what the n-grams are counted in.
        valid: what their smoothing is tuned on.
        scored: whose utterances are scored; those without codes are left out.
        fit_on: the utterances of `train` that are counted; all without it.

    Returns:
        By name, uniform, unigram, bigram and trigram: nats of each utterance, sorted by id.

    Raises:
        InputError: a directory without codes, or codes of different models.
    """
    models = fit_ngrams(train, valid, fit_on)
    check_same_codes(train[0], scored)
    codes = codes_of([scored])
    frames = np.diff(codes.starts)
    nats = {"uniform": frames * scored.groups * np.log(scored.num_codes)}
    for name, model in models.items():
        nats[name] = np.add.reduceat(model.nats(codes), codes.starts[:-1])
    return nats


def ngram_baselines(
    train: Sequence[CodeDir],
    valid: CodeDir,
    scored: CodeDir,
    keys: Collection[str] | None = None,
    fit_on: Collection[str] | None = None,
) -> dict[str, float]:
    """Mean nats a code, of each of the G of a frame, by the names of `ngram_nats`.

    Args:
        keys: the utterances of `scored` that count; all without it.
        fit_on: as in `ngram_nats`.
    """
    found = ngram_nats(train, valid, scored, fit_on)
    known = [key for key in sorted(scored) if len(scored[key])]
    is_chosen = np.array([keys is None or key in keys for key in known])
    codes = sum(scored[key].size for key in np.array(known)[is_chosen])
    return {name: float(nats[is_chosen].sum() / codes) for name, nats in found.items()}


def fit_ngrams(
    train: Sequence[CodeDir], valid: CodeDir, fit_on: Collection[str] | None = None
) -> dict[str, Unigram | KneserNey]:
    """The models of `ORDERS`, over one symbol a frame; `fit_on` as in `ngram_nats`.

    Raises:
        InputError: a directory without codes, codes of different models, or too many symbols.
    """
    if not train:
        raise ValueError("no code directories to fit n-grams on")
    for code_dir in (*train, valid):
        check_same_codes(train[0], code_dir)
    num_symbols = train[0].num_codes ** train[0].groups
    fit = codes_of(train, fit_on)
    if num_symbols > MOST_SYMBOLS and (used := len(np.unique(fit.symbols))) > MOST_SYMBOLS:
        raise InputError(
            f"{train[0].path}: {used} different frames of {train[0].groups} groups, trigrams can "
            f"be counted of {MOST_SYMBOLS}; encode with a model of fewer groups"
        )
    return fit_ngram_models(fit, codes_of([valid]), num_symbols)


def fit_ngram_models(fit: Codes, tune: Codes, num_symbols: int) -> dict[str, Unigram | KneserNey]:
    """The models of `ORDERS`; see `fit_kneser_ney`."""
    models: dict[str, Unigram | KneserNey] = {}
    for name, order in ORDERS.items():
        if order == 1:
            models[name] = fit_unigram(fit, tune, num_symbols)
        else:
            models[name] = fit_kneser_ney(fit, tune, num_symbols, order)
    return models


def codes_of(code_dirs: Sequence[CodeDir], utterances: Collection[str] | None = None) -> Codes:
    """Utterances that have codes, sorted by id within each directory, one symbol a frame.

    Args:
        utterances: which of them; all without it.

    Raises:
        InputError: there are none, or more symbols than fit an int32.
    """
    wanted = None if utterances is None else set(utterances)
    parts = [
        flat_codes(
            code_dir,
            sorted(
                key for key in code_dir if len(code_dir[key]) and (wanted is None or key in wanted)
            ),
        )
        for code_dir in code_dirs
    ]
    lengths = np.concatenate([np.diff(part.frame_starts) for part in parts])
    if not len(lengths):
        raise InputError(f"{code_dirs[0].path}: holds no codes; encode other recordings")
    starts = np.concatenate(([0], np.cumsum(lengths)))
    return Codes(np.concatenate([part.codes for part in parts]), starts)
