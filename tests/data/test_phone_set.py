from collections import Counter

import pytest

from vqspeech.data.corpora.mini import mini_folder
from vqspeech.data.phone_set import PHONES, describe_unknown, in_set, is_ipa, phone_of


def test_the_set_is_the_39_of_the_embedded_corpus_with_silence_and_spoken_noise():
    lines = (mini_folder() / "phones.ctm").read_text().splitlines()
    spoken = {line.split()[4] for line in lines}
    assert len(spoken) == 40  # the 39 and SIL
    assert set(PHONES) == spoken | {"SPN"}
    assert len(PHONES) == 41


def test_every_phone_means_itself_in_either_case():
    assert [phone_of(phone) for phone in PHONES] == list(PHONES)
    assert [phone_of(f" {phone.lower()} ") for phone in PHONES] == list(PHONES)


@pytest.mark.parametrize(
    ("label", "phone"),
    [
        ("AH0", "AH"),
        ("er2", "ER"),
        ("ax", "AH"),
        ("ax0", "AH"),
        ("AH0_B", "AH"),
        ("T_E", "T"),
        ("S_S", "S"),
        ("S", "S"),
        ("SIL_S", "SIL"),
        ("SPN_S", "SPN"),
    ],
)
def test_stress_and_position_do_not_count(label, phone):
    assert phone_of(label) == phone


@pytest.mark.parametrize(
    "label", ["", "  ", "sil", "sp", "SIL", "<eps>", "pau", "<sil>", "#", "silence", "<s>", "</s>"]
)
def test_what_aligners_call_silence_is_silence(label):
    assert phone_of(label) == "SIL"


@pytest.mark.parametrize(
    "label", ["spn", "<unk>", "NSN", "LAUGHTER", "+NSN+", "++NOISE++", "[noise]", "+SPN+", "ns"]
)
def test_noises_of_a_mouth_are_one_class(label):
    assert phone_of(label) == "SPN"


@pytest.mark.parametrize(
    "label", ["AH3", "T1", "h#", "bcl", "ix", "axr", "dx", "ə", "tʰ", "<b>", "_B", "x", "AHH", "/s"]
)
def test_labels_of_other_sets_are_not_guessed(label):
    assert phone_of(label) is None


def test_smaller_sets_fold_or_drop_spoken_noise_and_silence_alone():
    assert [in_set(p, 41) for p in PHONES] == list(PHONES)
    assert [in_set(p, 40) for p in PHONES] == [*PHONES[:39], "SIL", "SIL"]
    assert [in_set(p, 39) for p in PHONES] == [*PHONES[:39], None, None]
    with pytest.raises(ValueError, match="42"):
        in_set("AH", 42)


def test_ipa_is_recognised_and_told_what_to_align_with():
    assert is_ipa(["b", "tʃ"])
    assert not is_ipa(["ix", "h#", "bcl", ""])
    assert "english_us_arpa" in describe_unknown({"ɪ": 3})
    assert "english_us_arpa" not in describe_unknown({"ix": 3})


def test_unknown_labels_are_named_by_how_often_they_occur():
    counts = Counter({"ix": 2, "bcl": 9, "dx": 2, "q": 1, "h#": 1, "epi": 1, "nx": 1})
    said = describe_unknown(counts)
    assert ": 'bcl' (9), 'dx' (2), 'ix' (2), 'epi' (1), 'h#' (1) and 2 more; ARPAbet" in said
    assert "\n" not in said
