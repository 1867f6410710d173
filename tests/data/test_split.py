import pytest

from vqspeech.data.split import split_utterances

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
