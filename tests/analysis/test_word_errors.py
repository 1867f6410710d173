"""Words brought to one spelling, and errors counted by hand."""

import pytest

from vqspeech.analysis.number_words import number_words
from vqspeech.analysis.word_errors import Errors, count_errors, normalize_words


def said(words):
    return words.split()


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("8 men", "eight men"),
        ("1,250 miles", "one thousand two hundred fifty miles"),
        ("1000007", "one million seven"),
        ("In 1863.", "in eighteen sixty three"),
        ("1905, 1900, 2005", "nineteen oh five nineteen hundred two thousand five"),
        ("the 21st, 20th and 2nd", "the twenty first twentieth and second"),
        ("the 1960s", "the nineteen sixties"),
        ("3.05%", "three point zero five percent"),
        ("$1 or $5.50", "one dollar or five dollars fifty cents"),
        ("007", "zero zero seven"),
        ("5km", "five km"),
    ],
)
def test_digits_are_the_words_that_are_said(written, words):
    assert normalize_words(written) == said(words)


def test_every_number_up_to_a_thousand_has_words_of_its_own():
    words = [" ".join(number_words(number)) for number in range(1001)]
    assert len(set(words)) == 1001
    assert words[999] == "nine hundred ninety nine"
    assert number_words(10**12)[:3] == ["one", "zero", "zero"]


def test_two_spellings_of_one_sentence_are_the_same_words():
    one = normalize_words("“Don’t go,” said Mr. O’Neil -- it's a well-known café.")
    other = normalize_words("don't go said mister o'neil [sighs] its' 'a well known CAFE")
    assert one == said("don't go said mister o'neil it's a well known cafe")
    assert other == said("don't go said mister o'neil its a well known cafe")


def test_errors_are_those_counted_by_hand():
    # A word replaced and one left out; of the letters: s for k, i for e, g, and " down".
    errors = count_errors(said("kitten sat down"), said("sitting sat"))
    assert errors == Errors(2, 3, 3 + 5, 15)


def test_insertions_carry_the_errors_beyond_the_words():
    errors = count_errors(["no"], ["no", "no", "no"])
    assert (errors.word_errors, errors.words) == (2, 1)
