"""Two files of scores: what is paired with what, which way is better, what is said of the rest."""

import json

import numpy as np
import pytest
from made_up_scores import WORDS, conversion_scores, make_pair, write_scores

from vqspeech.errors import InputError, UsageError
from vqspeech.stages.compare_scores import compare_scores
from vqspeech.stages.compare_table import format_comparison

TWELVE = [f"s{i:02d}" for i in range(12)]


@pytest.fixture
def compare(tmp_path):
    """Write two objects to files and compare them: the result, and the notes."""

    def compare(a, b, **settings):
        notes = []
        found = compare_scores(
            write_scores(tmp_path / "a.json", a),
            write_scores(tmp_path / "b.json", b),
            note=notes.append,
            **{"resamples": 200, **settings},
        )
        assert found["notes"] == notes
        json.dumps(found, allow_nan=False)
        return found, notes

    return compare


def pairs_with(measure, values):
    """A pair for each value, of as many source speakers."""
    return [make_pair(f"s{i:02d}", "p907", **{measure: v}) for i, v in enumerate(values)]


def rows_of(found):
    (one,) = found["sets"]
    return one["measures"]


def test_word_errors_are_summed_over_the_words_of_the_reference(compare):
    # 1 error of 8 words and 1 of 2: 20 % and not the mean of 12.5 and 50 %.
    short = make_pair("p902", "p907", wer=0.5) | {"reference_words": "oh no"}
    a = [make_pair("p901", "p907", wer=1 / 8), short]
    b = [make_pair("p901", "p907", wer=0.0), short]
    row = rows_of(compare(conversion_scores(a), conversion_scores(b))[0])["wer"]
    assert (row["a"], row["b"]) == pytest.approx((0.2, 0.1))
    assert (row["b_better"], row["a_better"], row["alike"], row["count"]) == (1, 0, 1, 2)
    assert (row["low"], row["verdict"]) == (None, "too few to tell")


@pytest.mark.parametrize(
    ("measure", "verdict"),
    [
        ("similarity_target", "B is better"),
        ("similarity_source", "B is worse"),
        ("f0_error_semitones", "B is worse"),
        ("voiced_share", "B is higher"),
        ("a_new_one", "B is higher"),
    ],
)
def test_whether_more_is_better_depends_on_the_measure(compare, measure, verdict):
    a, b = (conversion_scores(pairs_with(measure, np.linspace(x, x + 1, 12))) for x in (0, 0.1))
    rows = rows_of(compare(a, b)[0])
    row = rows[measure]
    assert row["difference"] == pytest.approx(0.1)
    assert row["verdict"] == verdict
    better = {"B is better": 12, "B is worse": 0, "B is higher": 12}[verdict]
    assert (row["b_better"], row["a_better"]) == (better, 12 - better)
    assert (row["units"], row["resampled"]) == (12, "source speakers")
    assert rows["wer"]["verdict"] == "no difference shown"
    swapped = rows_of(compare(b, a)[0])[measure]
    assert swapped["difference"] == -row["difference"]
    assert (swapped["low"], swapped["high"]) == pytest.approx((-row["high"], -row["low"]))


def test_of_few_speakers_recordings_are_drawn_with_all_their_targets(compare):
    pairs = [make_pair(s, t, n) for s in ("p901", "p902") for t in ("p907", "p908") for n in (1, 2)]
    row = rows_of(compare(conversion_scores(pairs), conversion_scores(pairs))[0])["wer"]
    assert (row["count"], row["units"], row["resampled"]) == (8, 4, "sources")


def test_pairs_of_one_side_and_missing_values_are_left_out_counted_and_named(compare):
    a = pairs_with("mcd_db", np.arange(12.0))
    b = pairs_with("mcd_db", [None, *np.arange(1.0, 10)])
    found, notes = compare(conversion_scores(a), conversion_scores(b))
    assert (found["sets"][0]["matched"], found["sets"][0]["only_a"]) == (10, 2)
    row = rows_of(found)["mcd_db"]
    assert (row["count"], row["a"]) == (9, 5)
    assert notes == [
        "2 of 12 pairs in A only, left out: s10_001>p907, s11_001>p907",
        "mcd_db: 1 of 10 pairs have a value in A only, left out: s00_001>p907",
    ]
    assert "10 pairs in both, 2 in A only" in format_comparison(found)


def test_measures_of_other_recognisers_are_left_out_unless_asked_for(compare):
    a, b = conversion_scores(), conversion_scores(seed=1, data="valid")
    b["evaluators"] = a["evaluators"] | {"recogniser": {"name": "pocketsphinx"}}
    found, notes = compare(a, b)
    assert list(rows_of(found)) == ["similarity_target"]
    assert notes == [
        "data: test in A, valid in B; the pairs of the same id are compared",
        "seed: 0 in A, 1 in B",
        "recogniser: faster-whisper tiny.en 1.2.1 in A, pocketsphinx in B; wer does not compare, "
        "left out",
    ]
    found, notes = compare(a, b, measures=["wer"])
    assert list(rows_of(found)) == ["wer"]
    assert notes[-1].endswith("wer does not compare, given as asked")


def test_words_that_differ_in_number_are_told(compare):
    a = conversion_scores([make_pair("p901", "p907")])
    b = conversion_scores([make_pair("p901", "p907") | {"reference_words": WORDS + " well"}])
    _, notes = compare(a, b)
    assert any("wer: 1 of 1 pairs have another number of reference words" in n for n in notes)


def test_the_table_has_signs_units_and_a_verdict(compare):
    a, b = (conversion_scores(pairs_with("wer", [w] * 12)) for w in (0.5, 0.25))
    found, _ = compare(a, b)
    (line,) = [x for x in format_comparison(found).splitlines() if x.startswith("wer")]
    assert line.split() == [
        *("wer,", "%", "lower", "50.0", "25.0", "−25.0", "[−25.0,", "−25.0]"),
        *("100%", "12", "B", "is", "better"),
    ]


def evaluated(values, data="test", samples=1000):
    """A row of `evaluate likelihood` whose utterances have so many nats a sample."""
    return {
        "data": data,
        "nll": float(np.mean(values)),
        "by_utterance": [
            {
                "utterance": f"{s}_1",
                "speaker": s,
                "samples": samples,
                "nats": v * samples,
                "swap_samples": 0 if i else 10,
                "swap_nats": 0.0 if i else 2.0,
            }
            for i, (s, v) in enumerate(zip(TWELVE, values, strict=False))
        ],
    }


def test_likelihoods_of_each_data_are_compared_by_themselves(compare):
    a = [evaluated(np.linspace(2, 3, 12)), evaluated([2.0], "only-here")]
    found, notes = compare(a, [evaluated(np.linspace(2, 3, 12) - 0.5)])
    (one,) = found["sets"]
    row = one["measures"]["nll"]
    assert (one["data"], row["a"], row["b"]) == ("test", pytest.approx(2.5), pytest.approx(2.0))
    assert (row["verdict"], row["resampled"]) == ("B is better", "speakers")
    assert one["measures"]["swap_gap"]["a"] == pytest.approx(0.2)  # of one utterance that has it
    assert len(notes) == 1
    assert "only-here left out" in notes[0]


def likelihood(bits, model_hash="5eed"):
    """What `analyze likelihood` writes; the waveform of the first utterance was scored."""
    rows = [
        {"utterance": f"{s}_1", "speaker": s, "frames": 10 * (i + 1)}
        | {"prior_bits": v, "trigram_bits": v + 1}
        for i, (s, v) in enumerate(zip(TWELVE, bits, strict=True))
    ]
    rows[0] |= {"samples": 1600, "decoder": 3.0, "total": 3.5}
    facts = {"model_hash": model_hash, "rate": 50.0, "groups": 1, "prior": "mini"}
    return {"kind": "likelihood", "codes": "exp/codes/test", **facts, "by_utterance": rows}


def test_bits_a_code_of_other_codes_do_not_compare(compare):
    bits = np.linspace(3, 4, 12)
    row = rows_of(compare(likelihood(bits), likelihood(bits - 0.1))[0])["prior_bits"]
    frames = 10 * np.arange(1, 13)
    assert row["a"] == pytest.approx((bits * frames).sum() / frames.sum())
    assert row["verdict"] == "B is better"
    found, notes = compare(likelihood(bits), likelihood(bits, "07e5"))
    assert list(rows_of(found)) == ["decoder", "total"]
    assert notes[0].startswith("codes: 5eed at 50 Hz in A, 07e5 at 50 Hz in B; prior_bits, trigram")


@pytest.mark.parametrize(
    ("a", "b", "told"),
    [
        (conversion_scores(), evaluated([1.0]), "compare two files of one kind"),
        ({"kind": "abx"}, {"kind": "abx"}, "'abx'; conversion-scores"),
        (conversion_scores(format=2), conversion_scores(), "format 2, 1 was wanted"),
        (conversion_scores(), conversion_scores([make_pair("x", "y")]), "none of its 1 pairs"),
        ([{"data": "a", "nll": 1.0}], [], "no values by utterance; make it again with 'vqspeech "),
        ([evaluated([1.0])] * 2, [], "two rows of data of one name"),
        ([evaluated([1.0], "x")], [evaluated([1.0], "y"), evaluated([1.0], "z")], "y, z, .* x; sc"),
        ([], [], "no scores"),
        ({"a": 1}, {}, "no scores"),
        (conversion_scores([make_pair("x", "y")] * 2), {}, "x_001>y is there twice"),
        (conversion_scores([make_pair("x", "y", wer="bad")]), {}, "wer is 'bad', a number"),
        (conversion_scores([make_pair("x", "y", wer=float("nan"))]), {}, "wer is nan"),
        (conversion_scores([{"id": "x"}]), {}, "lacks 'source'"),
        (conversion_scores() | {"pairs": 3}, {}, "is not as it should be"),
        (conversion_scores([]), {}, "scores of no utterance"),
    ],
)
def test_what_cannot_be_compared_is_one_line(compare, a, b, told):
    with pytest.raises(InputError, match=told) as caught:
        compare(a, b)
    assert "\n" not in str(caught.value)
    assert "; " in str(caught.value)


def test_a_measure_that_both_do_not_have_is_a_mistake_of_use(compare):
    a = conversion_scores([make_pair("p901", "p907", dnsmos=3.0)])
    b = conversion_scores([make_pair("p901", "p907")])
    with pytest.raises(UsageError, match="dnsmos: in A only; both have wer, similarity_target"):
        compare(a, b, measures=["dnsmos"])
    with pytest.raises(UsageError, match="speed: in neither file"):
        compare(a, b, measures=["speed"])
    assert compare(a, b)[1] == ["in A only, not compared: dnsmos"]


@pytest.mark.parametrize("text", ["", "[" * 100_000, "{'kind': 1}"])
def test_a_broken_file_is_named(tmp_path, text):
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"broken\.json: no valid JSON; give a file"):
        compare_scores(path, path)
    with pytest.raises(InputError, match=r"nowhere\.json: No such file"):
        compare_scores(tmp_path / "nowhere.json", path)
