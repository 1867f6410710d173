import pytest

from vqspeech.errors import InputError, name_some, printable, tell_skipped


def test_a_message_stays_one_plain_line_whatever_a_name_holds():
    assert str(InputError("a\nb\x1b[1m: caf\u00e9 \udcff")) == "a\\nb\\x1b[1m: caf\u00e9 \\udcff"
    assert printable("a\tb") == "a\\tb"


@pytest.mark.parametrize(
    ("names", "told"),
    [([], ""), (["a"], "a"), (["a", "b\n"], "a, b\\n"), (list("abcd"), "a, b and 2 more")],
)
def test_the_first_few_are_named_and_the_others_counted(names, told):
    assert name_some(iter(names), most=2) == told


def test_what_was_skipped_is_told_in_a_line_for_each_reason_the_most_frequent_first():
    skipped = [("a", "rare"), ("b", "no text"), ("c\n", "no text")]
    assert tell_skipped(skipped) == [
        "skipped 2 (no text): b, c\\n",
        "skipped 1 (rare): a",
    ]
    assert tell_skipped(skipped, total=12)[1] == "skipped 1 of 12 (rare): a"
    assert tell_skipped([]) == []


def test_many_reasons_and_names_end_in_counts():
    skipped = [(f"{reason}{n}", reason) for reason in "abc" for n in range(4)]
    assert tell_skipped(skipped, total=20, most=2) == [
        "skipped 4 of 20 (a): a0, a1 and 2 more",
        "skipped 4 of 20 (b): b0, b1 and 2 more",
        "skipped 4 more, for other reasons",
    ]
