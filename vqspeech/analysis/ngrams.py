"""N-grams of codes: the simplest models that know what follows what, which a prior has to beat.

A unigram with additive smoothing, and interpolated Kneser-Ney of any order with three discounts
an order (Chen and Goodman 1999, "modified"), of which one discount an order is a special case.
What smooths is tuned on held-out codes. An utterance begins in a context of its own and nothing
marks its end: the protocol of the prior, whose utterances begin with nothing heard and have no end
symbol. Nothing is impossible: the lowest order is interpolated with a uniform distribution.

B utterances of L codes that are drawn, N codes, U utterances, K symbols, V of them seen in the fit,
Q queries.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize, minimize_scalar

from vqspeech.analysis.ngram_counts import (
    Level,
    Seen,
    begin_context,
    count_levels,
    find,
    look_up,
    number_ngrams,
    rows_of,
)
from vqspeech.analysis.runs import check_starts

LEAST = 1e-4  # of a discount: without any, what was never seen would be impossible
_MOST = (1.0, 2.0, 3.0)  # of the discounts of counts of 1, 2, and 3 or more
_ADDED = (-4.0, 4.0)  # powers of ten that additive smoothing is looked for between


class Codes(NamedTuple):
    """The codes of utterances, end to end."""

    symbols: np.ndarray  # (N,) integers from 0 to K - 1
    starts: np.ndarray  # (U + 1,) int64; codes of utterance u are starts[u] to starts[u + 1] - 1


@dataclass(frozen=True, eq=False)
class Unigram:
    """p(w) = (c(w) + a) / (N + a K): codes that do not care what stands before them.

    Attributes:
        num_symbols: K.
        symbols: (V,) sorted, those seen in the fit.
        counts: (V,) int64.
        added: a.
    """

    num_symbols: int
    symbols: np.ndarray
    counts: np.ndarray
    added: float

    def nats(self, codes: Codes) -> np.ndarray:
        """-log p of each code, (N,) float64."""
        rows = rows_of(self.symbols, _checked(codes, self.num_symbols).symbols)
        counts = np.append(self.counts, 0)[rows]
        whole = self.counts.sum() + self.added * self.num_symbols
        return -np.log((counts + self.added) / whole)

    def sample(self, count: int, length: int, rng: np.random.Generator) -> np.ndarray:
        """(B, L) int64, utterances drawn from the model; B = count."""
        added, size = self.added * self.num_symbols, (count, length)
        is_uniform = rng.random(size) < added / (self.counts.sum() + added)
        places = rng.random(size) * self.counts.sum()
        seen = self.symbols[np.searchsorted(np.cumsum(self.counts), places, side="right")]
        return np.where(is_uniform, rng.integers(self.num_symbols, size=size), seen)


@dataclass(frozen=True, eq=False)
class KneserNey:
    """p(w | h) = (c(hw) - D(c)) / c(h) + sum of what was discounted / c(h) * p(w | h shortened).

    Attributes:
        num_symbols: K.
        symbols: (V,) sorted, those seen in the fit.
        levels: of orders 1, 2, ...
        discounts: (orders, 3), for counts of 1, 2, and 3 or more.
    """

    num_symbols: int
    symbols: np.ndarray
    levels: tuple[Level, ...]
    discounts: np.ndarray

    @property
    def order(self) -> int:
        """Symbols of an n-gram: 2 is a bigram."""
        return len(self.levels)

    @property
    def base(self) -> int:
        """Of the keys: the symbols seen, one for all others, one for a begin."""
        return len(self.symbols) + 2

    def keys(self, codes: Codes) -> np.ndarray:
        """(N,) the n-gram that ends with each code."""
        symbols, starts = _checked(codes, self.num_symbols)
        return number_ngrams(rows_of(self.symbols, symbols), starts, self.order, self.base)

    def nats(self, codes: Codes) -> np.ndarray:
        """-log p of each code given those before it in its utterance, (N,) float64."""
        keys, where = np.unique(self.keys(codes), return_inverse=True)
        seen = look_up(self.levels, keys, self.base)
        p, _ = _interpolate(seen, self.discounts, self.num_symbols)
        return -np.log(p)[where]

    def sample(self, count: int, length: int, rng: np.random.Generator) -> np.ndarray:
        """(B, L) int64, utterances drawn from the model; B = count.

        Interpolation is a choice: each order in turn, the highest first, gives a symbol with the
        probability that its discounts left it, else the next lower one is asked, at last chance.
        """
        orders = [
            (level, _masses(level, row))
            for level, row in zip(self.levels, self.discounts, strict=True)
        ]
        drawn = np.empty((count, length), np.int64)
        context = np.full(count, begin_context(self.order, self.base), np.int64)
        for step in range(length):
            rows = np.full(count, -1)  # of `symbols`
            for order in range(self.order, 0, -1):
                asked = np.flatnonzero(rows < 0)
                known = context[asked] % self.base ** (order - 1)
                rows[asked] = _draw(*orders[order - 1], known, self.base, rng)
            chance = rng.integers(self.num_symbols, size=count)
            drawn[:, step] = np.where(rows < 0, chance, self.symbols[rows])
            context = context * self.base + rows_of(self.symbols, drawn[:, step])
            context %= self.base ** (self.order - 1)
        return drawn


def fit_unigram(fit: Codes, tune: Codes, num_symbols: int) -> Unigram:
    """Count codes, and add what makes the codes of `tune` likeliest.

    Raises:
        ValueError: no codes, or some out of range.
    """
    fit, tune = _checked_some(fit, num_symbols), _checked_some(tune, num_symbols)
    symbols, counts = np.unique(fit.symbols, return_counts=True)
    model = Unigram(num_symbols, symbols.astype(np.int64), counts, 1.0)
    found = minimize_scalar(
        lambda power: replace(model, added=10.0**power).nats(tune).mean(),
        bounds=_ADDED,
        method="bounded",
    )
    return replace(model, added=float(10.0**found.x))


def fit_kneser_ney(fit: Codes, tune: Codes, num_symbols: int, order: int) -> KneserNey:
    """Count n-grams of `fit`, and choose the discounts that make the codes of `tune` likeliest.

    Args:
        order: 2 for a bigram, 3 for a trigram.

    Raises:
        ValueError: no codes, some out of range, or so many symbols that the n-grams have no number.
    """
    fit, tune = _checked_some(fit, num_symbols), _checked_some(tune, num_symbols)
    symbols = np.unique(fit.symbols).astype(np.int64)
    base = len(symbols) + 2
    if order < 1 or base**order >= 2**63:
        raise ValueError(f"{order}-grams of {len(symbols)} codes cannot be numbered")
    keys = number_ngrams(rows_of(symbols, fit.symbols), fit.starts, order, base)
    levels = count_levels(keys, order, base)
    model = KneserNey(num_symbols, symbols, levels, np.full((order, 3), 0.75))
    return replace(model, discounts=_tune_discounts(model, tune))


def _tune_discounts(model: KneserNey, tune: Codes) -> np.ndarray:
    keys, weights = np.unique(model.keys(tune), return_counts=True)
    seen = look_up(model.levels, keys, model.base)
    shape, weights = model.discounts.shape, weights / weights.sum()

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        p, slopes = _interpolate(seen, flat.reshape(shape), model.num_symbols, with_slopes=True)
        return -(weights @ np.log(p)), -(slopes @ (weights / p))

    bounds = [(LEAST, most) for most in _MOST] * model.order
    found = minimize(loss, model.discounts.ravel(), jac=True, bounds=bounds, method="L-BFGS-B")
    return found.x.reshape(shape)


def _interpolate(
    seen: Sequence[Seen], discounts: np.ndarray, num_symbols: int, *, with_slopes: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """p (Q,), and dp / dD (orders * 3, Q), which has no rows where it is not asked for."""
    p = np.full(len(seen[0].counts), 1 / num_symbols)
    slopes = np.zeros((discounts.size if with_slopes else 0, len(p)))
    for row, (level, of_level) in enumerate(zip(seen, discounts, strict=True)):
        is_known = level.totals > 0
        share = 1 / np.where(is_known, level.totals, 1)
        bucket = np.minimum(level.counts, 3)
        passed_on = np.where(is_known, level.types @ of_level * share, 1.0)  # to the lower order
        if with_slopes:
            slopes *= passed_on
            for b in range(3):
                slopes[3 * row + b] = (level.types[:, b] * p - (bucket == b + 1)) * share
        taken = np.concatenate(([0.0], of_level))[bucket]
        p = (level.counts - taken) * share + passed_on * p
    return p, slopes


def _masses(level: Level, discounts: np.ndarray) -> np.ndarray:
    """(M + 1,) sums of what discounts leave of the counts of M n-grams."""
    left = level.counts - discounts[np.minimum(level.counts, 3) - 1]
    return np.concatenate(([0.0], np.cumsum(left)))


def _draw(
    level: Level, masses: np.ndarray, contexts: np.ndarray, base: int, rng: np.random.Generator
) -> np.ndarray:
    """Rows of symbols that one order gives in these contexts; -1 where it passes on."""
    at, is_known = find(level.contexts, contexts)
    begin, end = level.first[at], level.first[at + 1]
    places = rng.random(len(contexts)) * level.totals[at]
    is_given = is_known & (places < masses[end] - masses[begin])
    ngram = np.searchsorted(masses, masses[begin] + places, side="right") - 1
    ngram = np.clip(ngram, begin, end - 1)  # where the sums were rounded
    return np.where(is_given, level.keys[ngram] % base, -1)


def _checked(codes: Codes, num_symbols: int) -> Codes:
    symbols = np.asarray(codes.symbols)
    if symbols.size and not 0 <= symbols.min() <= symbols.max() < num_symbols:
        raise ValueError(f"codes from {symbols.min()} to {symbols.max()}, of {num_symbols}")
    return Codes(symbols, check_starts(codes.starts, len(symbols)))


def _checked_some(codes: Codes, num_symbols: int) -> Codes:
    if not len(codes.symbols):
        raise ValueError("no codes; n-grams are fitted on some and tuned on others")
    return _checked(codes, num_symbols)
