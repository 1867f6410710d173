"""N-grams: Kneser-Ney against the formula written with dictionaries, sums to one, samples."""

from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest

from vqspeech.analysis.ngrams import Codes, fit_kneser_ney, fit_unigram

BEGIN = "begin"


def codes_of(*utterances):
    return Codes(np.concatenate(utterances), np.cumsum([0, *map(len, utterances)]))


def random_codes(num_symbols, utterances, length, seed):
    """A walk that prefers small steps, so that contexts matter."""
    steps = np.random.default_rng(seed).geometric(0.4, (utterances, length))
    return codes_of(*(np.cumsum(steps, axis=1) % num_symbols))


def ngrams_in(codes, order):
    for first, last in zip(codes.starts, codes.starts[1:], strict=False):
        padded = [BEGIN] * (order - 1) + codes.symbols[first:last].tolist()
        for end in range(order, len(padded) + 1):
            yield tuple(padded[end - order : end])


class Referee:
    """Interpolated Kneser-Ney from its definition, one n-gram at a time."""

    def __init__(self, codes, order, discounts, num_symbols):
        self.discounts, self.num_symbols = discounts, num_symbols
        counts = {order: Counter(ngrams_in(codes, order))}
        for size in range(order - 1, 0, -1):
            before = defaultdict(set)
            for longer in counts[size + 1]:
                before[longer[1:]].add(longer[0])
            counts[size] = {
                ngram: counts[size + 1][(BEGIN, *ngram)] if ngram[0] == BEGIN else len(symbols)
                for ngram, symbols in before.items()
            }
        self.counts = counts
        self.followers = defaultdict(dict)
        for table in counts.values():
            for ngram, count in table.items():
                self.followers[ngram[:-1]][ngram[-1]] = count

    def probability(self, ngram):
        lower = self.probability(ngram[1:]) if len(ngram) > 1 else 1 / self.num_symbols
        followers = self.followers.get(ngram[:-1])
        if not followers:
            return lower
        row = self.discounts[len(ngram) - 1]
        total = sum(followers.values())
        count = followers.get(ngram[-1], 0)
        taken = sum(row[min(c, 3) - 1] for c in followers.values())
        own = count - row[min(count, 3) - 1] if count else 0.0
        return own / total + taken / total * lower


def test_a_bigram_is_what_is_worked_by_hand():
    # Utterances 0 1 and 0 1 0. Bigrams: begin-0 twice, 0-1 twice, 1-0 once. Of single codes, 0
    # follows a begin and 1: two; 1 follows 0 alone: one. K is 4; a discount of 0.5 everywhere.
    fit = codes_of([0, 1], [0, 1, 0])
    model = fit_kneser_ney(fit, fit, 4, 2)
    model = replace(model, discounts=np.full((2, 3), 0.5))
    lowest = [(2 - 0.5) / 3 + 1 / 3 * 1 / 4, (1 - 0.5) / 3 + 1 / 3 * 1 / 4, 1 / 12, 1 / 12]
    after_begin = [(2 - 0.5) / 2 + 0.5 / 2 * lowest[0], *(0.25 * p for p in lowest[1:])]
    after_1 = [(1 - 0.5) + 0.5 * lowest[0], *(0.5 * p for p in lowest[1:])]
    nats = model.nats(codes_of([0], [1, 0], [3, 2], [1, 1]))
    wanted = [
        *(after_begin[0], after_begin[1], after_1[0]),
        *(after_begin[3], lowest[2]),  # nothing was seen after 3
        *(after_begin[1], after_1[1]),
    ]
    np.testing.assert_allclose(np.exp(-nats), wanted)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_every_order_equals_the_formula_written_with_dictionaries(order):
    fit, tune = random_codes(7, 9, 12, seed=1), random_codes(7, 3, 9, seed=2)
    model = fit_kneser_ney(fit, tune, 9, order)
    discounts = np.random.default_rng(order).uniform(0.1, 0.9, (order, 3)) * [1, 2, 3]
    model = replace(model, discounts=discounts)
    scored = random_codes(9, 4, 15, seed=3)  # codes 7 and 8 were never seen
    referee = Referee(fit, order, discounts, 9)
    wanted = [referee.probability(ngram) for ngram in ngrams_in(scored, order)]
    np.testing.assert_allclose(np.exp(-model.nats(scored)), wanted, rtol=1e-12)


@pytest.mark.parametrize("begun", [[], [3], [3, 4], [4, 3], [8, 3], [3, 8], [2, 2, 2, 2]])
def test_what_may_follow_sums_to_one(begun):
    fit, tune = random_codes(7, 30, 12, seed=1), random_codes(7, 3, 9, seed=2)
    every = codes_of(*([*begun, last] for last in range(11)))
    ends = every.starts[1:] - 1
    models = [fit_unigram(fit, tune, 11), *(fit_kneser_ney(fit, tune, 11, n) for n in (2, 3))]
    for model in models:
        p = np.exp(-model.nats(every)[ends])
        assert (p > 0).all()
        assert p.sum() == pytest.approx(1, abs=1e-12)


def test_codes_of_one_utterance_are_no_context_of_the_next():
    fit = random_codes(5, 20, 10, seed=4)
    model = fit_kneser_ney(fit, fit, 5, 3)
    together = model.nats(codes_of([1, 2, 3], [1, 4]))
    apart = [model.nats(codes_of([1, 2, 3])), model.nats(codes_of([1, 4]))]
    np.testing.assert_array_equal(together, np.concatenate(apart))


def test_no_other_discounts_make_the_tuning_codes_likelier():
    fit, tune = random_codes(12, 40, 30, seed=5), random_codes(12, 12, 30, seed=6)
    model = fit_kneser_ney(fit, tune, 12, 3)
    best = model.nats(tune).mean()
    for place in np.ndindex(3, 3):
        for step in (-0.05, 0.05):
            moved = model.discounts.copy()
            moved[place] = np.clip(moved[place] + step, 1e-4, place[1] + 1)
            assert replace(model, discounts=moved).nats(tune).mean() >= best - 1e-7
    # As good as the same discount for all counts of an order, which is a special case.
    for same in (0.3, 0.6, 0.9):
        assert replace(model, discounts=np.full((3, 3), same)).nats(tune).mean() > best


def test_the_unigram_adds_what_the_tuning_codes_want():
    fit = codes_of([0] * 6 + [1] * 2)
    model = fit_unigram(fit, codes_of([0, 1, 2, 3]), 4)
    np.testing.assert_allclose(np.exp(-model.nats(codes_of([0, 1, 2, 3]))), 0.25, rtol=2e-3)
    model = replace(model, added=0.5)
    wanted = np.array([6.5, 2.5, 0.5, 0.5]) / 10
    np.testing.assert_allclose(np.exp(-model.nats(codes_of([0, 1, 2, 3]))), wanted)


def test_a_trigram_knows_more_than_a_bigram_and_that_more_than_a_unigram():
    rng = np.random.default_rng(7)
    rows = rng.integers(4, size=(60, 40))
    for t in range(2, 40):  # the code two steps back decides, nine times of ten
        rows[:, t] = np.where(
            rng.random(60) < 0.9, (rows[:, t - 2] + rows[:, t - 1]) % 4, rows[:, t]
        )
    fit, tune, scored = codes_of(*rows[:40]), codes_of(*rows[40:50]), codes_of(*rows[50:])
    unigram = fit_unigram(fit, tune, 4).nats(scored).mean()
    bigram, trigram = (fit_kneser_ney(fit, tune, 4, n).nats(scored).mean() for n in (2, 3))
    # The source itself: 0.925 for the code that is likeliest, a third of the rest for each other.
    source = -0.925 * np.log(0.925) - 0.075 * np.log(0.025)
    assert trigram < bigram - 0.5
    assert bigram < unigram + 0.02
    assert trigram == pytest.approx(source, abs=0.15)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_drawn_codes_are_as_frequent_as_their_probabilities_say(order):
    fit, tune = random_codes(5, 6, 8, seed=8), random_codes(5, 3, 9, seed=9)
    model = fit_kneser_ney(fit, tune, 6, order) if order > 1 else fit_unigram(fit, tune, 6)
    drawn = model.sample(40000, 3, np.random.default_rng(10))
    every = np.stack(np.meshgrid(*[np.arange(6)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    nats = model.nats(codes_of(*every)).reshape(-1, 3).sum(axis=1)
    wanted = np.exp(-nats)
    assert wanted.sum() == pytest.approx(1)
    found = np.bincount(drawn @ [36, 6, 1], minlength=216) / len(drawn)
    spread = np.sqrt(wanted * (1 - wanted) / len(drawn))
    assert (abs(found - wanted) < 5 * spread + 1e-4).all()


def test_the_same_generator_draws_the_same_codes():
    fit = random_codes(5, 6, 8, seed=8)
    model = fit_kneser_ney(fit, fit, 5, 3)
    first, again, other = (model.sample(3, 20, np.random.default_rng(s)) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_what_cannot_be_fitted_is_refused():
    some, none = codes_of([0, 1]), Codes(np.zeros(0, int), np.array([0]))
    with pytest.raises(ValueError, match="codes from 0 to 1, of 1"):
        fit_kneser_ney(some, some, 1, 2)
    for fit, tune in ((some, none), (none, some)):
        with pytest.raises(ValueError, match="no codes"):
            fit_unigram(fit, tune, 4)
        with pytest.raises(ValueError, match="no codes"):
            fit_kneser_ney(fit, tune, 4, 3)
    with pytest.raises(ValueError, match="0-grams"):
        fit_kneser_ney(some, some, 4, 0)
    with pytest.raises(ValueError, match="codes from 5 to 5"):
        fit_unigram(some, some, 4).nats(codes_of([5]))
