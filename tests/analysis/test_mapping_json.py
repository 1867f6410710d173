"""A saved mapping reads as the one that was fitted; anything else is refused in one line."""

import json

import numpy as np
import pytest

from vqspeech.analysis.aligned_codes import AlignedCodes
from vqspeech.analysis.phoneme_mapping import PhonemeMapping, fit_mapping


def simulated(seed, utterances=60):
    """Eight codes of which the last is not used, and phones that depend on the code before."""
    rng = np.random.default_rng(seed)
    starts = np.concatenate(([0], np.cumsum(rng.integers(0, 12, size=utterances))))
    codes = rng.integers(0, 7, size=starts[-1]).astype(np.int32)
    labels = (codes + np.roll(codes, 1) // 2 + rng.integers(0, 2, size=len(codes))) % 5
    return AlignedCodes(
        utterances=tuple(f"a-{u:03}" for u in range(utterances)),
        speakers=("a",),
        speaker=np.zeros(utterances, dtype=np.int32),
        codes=codes,
        labels=labels.astype(np.int16),
        frame_starts=starts,
        phones=np.empty(0, dtype=np.int16),
        phone_seconds=np.empty((0, 2)),
        phone_starts=np.zeros(utterances + 1, dtype=np.int64),
        num_codes=8,
        phone_names=("AH", "S", "T", "SIL", "SPN"),
        rate=25.0,
    )


@pytest.fixture(scope="module")
def fitted():
    return fit_mapping(simulated(1), context=3, min_count=2, model_hash="5f2a")


@pytest.fixture
def saved(fitted):
    return json.loads(json.dumps(fitted.to_json(), allow_nan=False))


@pytest.mark.parametrize("context", [1, 2, 3])
def test_a_saved_mapping_reads_every_code_as_before(context):
    mapping = fit_mapping(simulated(1), context=context, min_count=2, model_hash="5f2a")
    again = PhonemeMapping.from_json(json.loads(json.dumps(mapping.to_json())))
    score = simulated(2)
    assert np.array_equal(
        again.apply(score.codes, score.frame_starts),
        mapping.apply(score.codes, score.frame_starts),
    )
    assert again.to_json() == mapping.to_json()
    assert (again.rate, again.model_hash, again.context) == (25.0, "5f2a", context)
    assert again.code_frames.tolist() == mapping.code_frames.tolist()


def test_the_file_names_its_phones(saved):
    assert saved["code_phones"][7] in saved["phones"]
    assert {len(key.split()) for key in saved["contexts"]} == {2, 3}
    assert set(saved["contexts"].values()) <= set(saved["phones"])
    assert any(key.startswith("- ") for key in saved["contexts"])


def test_contexts_may_come_in_any_order(saved, fitted):
    saved["contexts"] = dict(reversed(saved["contexts"].items()))
    again = PhonemeMapping.from_json(saved)
    assert np.array_equal(again.triples.codes, fitted.triples.codes)
    assert np.array_equal(again.pairs.phones, fitted.pairs.phones)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kind": "something"}, "no phoneme mapping"),
        ({"version": 2}, "version 2, 1 was wanted"),
        ({"version": True}, "version True"),
        ({"extra": 1}, "'extra' is unknown"),
        ({"rate": None}, "rate None"),
        ({"rate": float("nan")}, "rate nan"),
        ({"rate": -25.0}, "rate -25.0"),
        ({"rate": True}, "rate True"),
        ({"rate": 10**400}, r"rate 1000.*\.\.\."),
        ({"model_hash": 7}, "model_hash 7 is no text"),
        ({"num_codes": 7}, "code_frames is no list of 7"),
        ({"num_codes": 8.0}, "num_codes 8.0"),
        ({"num_codes": 2**40}, "num_codes 1099511627776"),
        ({"context": 4}, "context 4 is no whole number from 1 to 3"),
        ({"context": 2}, "no context of 2 codes"),
        ({"min_count": 0}, "min_count 0"),
        ({"phones": []}, "phones is no list of names"),
        ({"phones": "AH S"}, "phones is no list of names"),
        ({"phones": ["AH", "S", "AH"]}, "a phone is listed twice"),
        ({"phones": ["AH", "A S"]}, "phone 'A S' is no name"),
        ({"phones": ["AH", "A\x1b1"]}, r"phone 'A\\x1b1' is no name"),
        ({"phones": ["AH", 1]}, "phone 1 is no name"),
        ({"code_frames": [0] * 7 + [-1]}, "code_frames -1"),
        ({"code_frames": [0] * 7 + [10**30]}, "code_frames 1000"),
        ({"code_phones": ["AH"] * 7}, "code_phones is no list of 8"),
        ({"code_phones": ["AH"] * 7 + ["XX"]}, "code 7: 'XX' is none of its phones"),
        ({"code_phones": ["AH"] * 7 + [["AH"]]}, "code 7"),
        ({"contexts": []}, "contexts is no table"),
        ({"contexts": {"1": "AH"}}, "context '1'"),
        ({"contexts": {"1 8": "AH"}}, "context '1 8'"),
        ({"contexts": {"1 -": "AH"}}, "context '1 -'"),
        ({"contexts": {"01 2": "AH"}}, "context '01 2'"),
        ({"contexts": {"1 -1": "AH"}}, "context '1 -1'"),
        ({"contexts": {"1 2 3 4": "AH"}}, "context '1 2 3 4'"),
        ({"contexts": {"1 2": 3}}, "context '1 2': 3 is none"),
    ],
)
def test_what_is_malformed_is_refused_in_one_line(saved, change, reason):
    with pytest.raises(ValueError, match=reason) as refusal:
        PhonemeMapping.from_json(saved | change)
    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < 120


def test_each_part_is_needed(saved):
    for name in list(saved):
        less = {key: value for key, value in saved.items() if key != name}
        with pytest.raises(ValueError, match=r"missing|no phoneme mapping|version None"):
            PhonemeMapping.from_json(less)


@pytest.mark.parametrize("value", [None, [], "text", 3, {}])
def test_other_json_is_no_mapping(value):
    with pytest.raises(ValueError, match="no phoneme mapping"):
        PhonemeMapping.from_json(value)
