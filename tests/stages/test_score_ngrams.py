"""N-grams from code directories: which codes are scored, shared out over utterances and groups."""

import numpy as np
import pytest

from vqspeech.data.codes import read_code_dir
from vqspeech.errors import InputError
from vqspeech.stages.score_ngrams import codes_of, fit_ngrams, ngram_baselines, ngram_nats

FIT = {
    "a-1": ("a", np.array([0, 0, 1, 0, 2, 0])),
    "a-2": ("a", np.array([0, 0])),
    "b-1": ("b", np.array([3, 0, 1])),
}


@pytest.fixture
def read(code_dir):
    """A function that writes a code directory and reads it."""
    return lambda *arguments, **facts: read_code_dir(code_dir(*arguments, **facts))


def walk(seed, utterances=6, length=12, num_codes=8):
    rng = np.random.default_rng(seed)
    return {
        f"a-{i}": ("a", np.cumsum(rng.geometric(0.5, length - i)) % num_codes)
        for i in range(utterances)
    }


def test_a_uniform_distribution_needs_log_k_for_each_code(read):
    train, valid = read("train", FIT), read("valid", FIT)
    scored = read("scored", {"c-2": ("c", np.array([7, 7])), "c-1": ("c", np.array([1, 2, 3]))})
    nats = ngram_nats([train], valid, scored)
    np.testing.assert_allclose(nats["uniform"], [3 * np.log(8), 2 * np.log(8)])
    assert list(nats) == ["uniform", "unigram", "bigram", "trigram"]


def test_utterances_are_scored_apart_by_id_and_empty_ones_left_out(read):
    train, valid = read("train", walk(1)), read("valid", walk(2))
    rows = {
        "d": ("d", np.array([4, 5, 6, 1])),
        "c": ("c", np.array([2, 3])),
        "e": ("e", np.zeros(0, int)),
    }
    together = ngram_nats([train], valid, read("scored", rows))
    for place, key in enumerate("cd"):
        alone = ngram_nats([train], valid, read(f"only-{key}", {key: rows[key]}))
        for name, nats in together.items():
            assert len(nats) == 2
            assert nats[place] == pytest.approx(alone[name].item(), rel=1e-12)


def test_the_unigram_is_the_smoothed_share_of_each_code(read):
    train, valid = read("train", FIT), read("valid", walk(3))
    model = fit_ngrams([train], valid)["unigram"]
    # 11 codes, of which 7 are 0 and none is 5; K is 8.
    a = model.added
    wanted = -np.log([(7 + a) / (11 + 8 * a), a / (11 + 8 * a)])
    scored = read("scored", {"c": ("c", np.array([0])), "d": ("d", np.array([5]))})
    np.testing.assert_allclose(ngram_nats([train], valid, scored)["unigram"], wanted)


def test_baselines_are_means_over_codes_not_over_utterances(read):
    train, valid, scored = read("train", walk(1)), read("valid", walk(2)), read("s", walk(3))
    nats, means = (f([train], valid, scored) for f in (ngram_nats, ngram_baselines))
    for name, mean in means.items():
        assert mean == pytest.approx(nats[name].sum() / len(scored.codes))
        assert isinstance(mean, float)
    part = ngram_baselines([train], valid, scored, keys=["a-4", "a-1"])
    codes = len(scored["a-1"]) + len(scored["a-4"])
    assert part["trigram"] == pytest.approx((nats["trigram"][1] + nats["trigram"][4]) / codes)


def test_several_directories_are_counted_as_one(read):
    rows, valid, scored = walk(1), read("valid", walk(2)), read("s", walk(3))
    halves = [{key: rows[key] for key in sorted(rows)[i::2]} for i in range(2)]
    whole = ngram_baselines([read("whole", rows)], valid, scored)
    parts = ngram_baselines([read("p0", halves[0]), read("p1", halves[1])], valid, scored)
    assert parts == pytest.approx(whole)


def test_the_codes_of_a_frame_are_one_symbol_and_its_nats_are_shared_out(read):
    joined = {name: walk(seed, num_codes=16) for name, seed in (("t", 1), ("v", 2), ("s", 3))}
    plain = [read(name, rows, num_codes=16) for name, rows in joined.items()]
    grouped = [
        read(
            f"{name}-in-groups",
            {key: (who, np.stack([c // 4, c % 4], axis=1)) for key, (who, c) in rows.items()},
            num_codes=4,
            groups=2,
        )
        for name, rows in joined.items()
    ]
    wanted = ngram_nats([plain[0]], *plain[1:])
    for name, nats in ngram_nats([grouped[0]], *grouped[1:]).items():
        np.testing.assert_allclose(nats, wanted[name])
    codes = 2 * len(plain[2].codes)
    for name, mean in ngram_baselines([grouped[0]], *grouped[1:]).items():
        assert mean == pytest.approx(wanted[name].sum() / codes)
    assert wanted["uniform"].sum() / codes == pytest.approx(np.log(4))


def test_codes_of_another_model_and_no_codes_are_refused(read):
    train, other = read("train", FIT), read("other", FIT, model_hash="0dd")
    with pytest.raises(InputError, match=r"other: model_hash 0dd, .*train has 5eed"):
        ngram_nats([train], other, train)
    with pytest.raises(InputError, match="other: model_hash 0dd"):
        ngram_nats([train], train, other)
    empty = read("empty", {"a-1": ("a", np.zeros(0, int))})
    for arguments in (([empty], train, train), ([train], empty, train), ([train], train, empty)):
        with pytest.raises(InputError, match="empty: holds no codes"):
            ngram_nats(*arguments)


def test_more_kinds_of_frames_than_can_be_numbered_are_refused(read, monkeypatch):
    monkeypatch.setattr("vqspeech.stages.score_ngrams.MOST_SYMBOLS", 3)
    train = read("train", FIT)  # of four codes
    with pytest.raises(InputError, match="train: 4 different frames of 1 groups"):
        fit_ngrams([train], train)


def test_only_the_utterances_asked_for_are_taken(read):
    found = codes_of([read("train", FIT)], ["b-1", "a-2"])
    assert found.symbols.tolist() == [0, 0, 3, 0, 1]
    assert found.starts.tolist() == [0, 2, 5]
