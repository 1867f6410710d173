import itertools
from pathlib import Path

import pytest

from vqspeech.data.corpora.source import Source
from vqspeech.data.split import Splits, assign_parts, choose_speakers, split_utterances
from vqspeech.errors import InputError, UsageError

SPEAKERS = {
    f"{s}-{i:03d}": s for s, n in {"a": 100, "b": 10, "c": 2, "d": 1}.items() for i in range(n)
}


def test_the_parts_cover_all_utterances_once():
    parts = split_utterances(SPEAKERS, valid=0.1, test=0.2, seed=1)
    together = [utterance for part in parts.values() for utterance in part]
    assert sorted(together) == sorted(SPEAKERS)
    assert all(list(part) == sorted(part) for part in parts.values())


def count(part, speaker):
    return sum(utterance.startswith(speaker) for utterance in part)


def test_fractions_and_counts_are_taken_of_each_speaker():
    parts = split_utterances(SPEAKERS, valid=0.1, test=3)
    assert [count(parts["valid"], speaker) for speaker in "abcd"] == [10, 1, 0, 0]
    assert [count(parts["test"], speaker) for speaker in "abcd"] == [3, 3, 1, 0]


def test_train_keeps_one_utterance_of_everybody():
    parts = split_utterances(SPEAKERS, valid=1000, test=1000)
    assert [count(parts["train"], speaker) for speaker in "abcd"] == [1, 1, 1, 1]
    assert parts["test"] == ()


def test_the_split_depends_on_the_seed_and_not_on_the_order():
    backwards = dict(reversed(SPEAKERS.items()))
    split = split_utterances(SPEAKERS, valid=0.2, seed=5)
    assert split == split_utterances(backwards, valid=0.2, seed=5)
    assert split != split_utterances(SPEAKERS, valid=0.2, seed=6)


def test_the_split_is_the_same_on_every_machine():
    # the smallest outputs of `printf "0 b-000" | sha256sum` and so on
    assert split_utterances(SPEAKERS, valid=2)["valid"][-3:] == ("b-006", "b-009", "c-001")


def test_a_new_utterance_moves_few_others():
    before = split_utterances(SPEAKERS, valid=10)["valid"]
    after = split_utterances({**SPEAKERS, "a-100": "a"}, valid=10)["valid"]
    assert len(set(before) - set(after)) <= 1


@pytest.mark.parametrize("amount", [-1, 1.0, -0.5])
def test_amounts_out_of_range_are_a_mistake_of_the_caller(amount):
    with pytest.raises(ValueError, match="a count or a fraction"):
        split_utterances(SPEAKERS, valid=amount)


def test_a_small_share_of_few_utterances_is_one_of_each():
    few = {f"{s}-{i}": s for s, n in {"a": 5, "b": 3, "c": 2}.items() for i in range(n)}
    parts = split_utterances(few, valid=0.05, test=0.05)
    for part in ("valid", "test"):
        assert [count(parts[part], speaker) for speaker in "abc"] == [1, 1, 0]
    # With one speaker of many, the share means what it says.
    parts = split_utterances(SPEAKERS, valid=0.04)
    assert [count(parts["valid"], speaker) for speaker in "abcd"] == [4, 0, 0, 0]


def test_fewer_speakers_held_out_are_among_more():
    names = [f"p{number}" for number in range(20)]
    chosen = [choose_speakers(names, amount, seed=1) for amount in (0, 2, 0.25, 19)]
    assert [len(some) for some in chosen] == [0, 2, 5, 19]
    assert all(fewer < more for fewer, more in itertools.pairwise(chosen))
    assert choose_speakers(reversed(names), 2, seed=1) == chosen[1]
    assert choose_speakers(names, 5, seed=2) != chosen[2]


@pytest.mark.parametrize(
    ("amount", "message"),
    [(20, "leaves none"), (0.01, "of 20 speakers is none"), (1.0, "a count or a fraction")],
)
def test_too_many_or_no_speakers_held_out_are_refused(amount, message):
    with pytest.raises(ValueError, match=message):
        choose_speakers([f"p{number}" for number in range(20)], amount)


def sources(split=None, count=6):
    return [
        Source(f"{speaker}-{i}", speaker, Path("x"), split="parallel" if i < 2 else split)
        for speaker in "abc"
        for i in range(count)
    ]


def test_what_the_corpus_keeps_apart_stays_so_but_for_unseen_speakers():
    parts = assign_parts(sources(), Splits(valid=1, test=1, unseen=1))
    (stranger,) = {source.speaker for source in parts["unseen"]}
    assert len(parts["unseen"]) == 6
    assert list(parts) == ["train", "valid", "test", "parallel", "unseen"]
    assert len(parts["parallel"]) == 4
    assert all(s.speaker != stranger for name in parts if name != "unseen" for s in parts[name])
    assert sorted(s.id for part in parts.values() for s in part) == [s.id for s in sources()]


def test_a_corpus_that_is_split_already_has_nobody_to_hold_out():
    with pytest.raises(UsageError, match="--unseen 1: 1 of 0 speakers"):
        assign_parts(sources(split="train"), Splits(unseen=1))
    for name in ("../up", "audio", "a b"):
        with pytest.raises(InputError, match="cannot name a folder"):
            assign_parts(sources(split=name), Splits())
