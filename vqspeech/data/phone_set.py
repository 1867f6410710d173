"""The 41 phones of the paper's report, and what aligners call them.

39 phones of ARPAbet without stress, SIL for silence and SPN for sounds of a mouth that are no known
word. That these are the 41 classes of section 4.3 is an inference: Kaldi's LibriSpeech lexicon has
exactly them. A set of 40 counts SPN as silence, one of 39 leaves both out.
"""

import re
from collections.abc import Iterable, Mapping

from vqspeech.errors import name_some

_VOWELS = "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW"
_CONSONANTS = "B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH"
VOWELS = tuple(_VOWELS.split())
CONSONANTS = tuple(_CONSONANTS.split())
SILENCE = "SIL"
SPOKEN_NOISE = "SPN"
PHONES = (*sorted(VOWELS + CONSONANTS), SILENCE, SPOKEN_NOISE)
SIZES = (41, 40, 39)

# Labels without brackets, in lower case: MFA 1 (sil, sp, spn), MFA 2 and 3 (empty, spn), Kaldi
# (SIL, SPN, NSN, LAU, <eps>), Festival and flite (pau, #), PocketSphinx (+NSN+), P2FA (ns).
_SILENCES = frozenset(("", "sil", "sp", "silence", "eps", "pau", "pause", "#", "s", "/s"))
_NOISE_LABELS = "spn nsn ns unk oov noise speech laughter laugh lau breath cough vns spoken_noise"
_NOISES = frozenset(_NOISE_LABELS.split())
_BRACKETS = re.compile(r"\+{1,2}(.*?)\+{1,2}|<(.*)>|\[(.*)\]|\{(.*)\}", re.DOTALL)
_POSITION = re.compile(r"_[BIES]")  # in the word: begin, inside, end, singleton
# Letters that IPA has and ARPAbet lacks, the length and aspiration marks among them.
_IPA = frozenset("ɐɑɒɓɔɕɖɗəɘɚɛɜɝɞɟɡɢɣɤɥɦɧɨɪɫɬɭɮɯɰɱɲɳɴɵɶɸɹɺɻɽɾʀʁʂʃʄʈʉʊʋʌʍʎʏʐʑʒʔθðŋæøœçβχʰʲʷːˑ̩̃̍")


def phone_of(label: str) -> str | None:
    """The one of `PHONES` that an aligner's label means; None for a label of another set.

    Stress (`AH0`), the position in the word (`AH_B`) and case do not count.
    """
    text = label.strip()
    if bracketed := _BRACKETS.fullmatch(text):
        text = next(inside for inside in bracketed.groups() if inside is not None).strip()
        # In brackets `s` is the silence at an edge of the sentence, and `b` is no phone.
        text = text.lower()
        return SILENCE if text in _SILENCES else SPOKEN_NOISE if text in _NOISES else None
    if len(text) > 2 and _POSITION.fullmatch(text[-2:]):
        text = text[:-2]
    text = text.upper()
    if text in PHONES:
        return text
    if text[-1:] in ("0", "1", "2") and text[:-1] in (*VOWELS, "AX"):
        text = text[:-1]
    if text == "AX":  # flite's schwa
        text = "AH"
    if text in VOWELS:
        return text
    folded = text.lower()
    if folded in _SILENCES - {"s", "/s"}:
        return SILENCE
    return SPOKEN_NOISE if folded in _NOISES else None


def in_set(phone: str, size: int) -> str | None:
    """A phone of the set of 41 as a set of `size` has it; None where that leaves it out.

    Raises:
        ValueError: no set of that size, or no phone of the 41.
    """
    if size not in SIZES or phone not in PHONES:
        raise ValueError(f"{phone} in a set of {size} phones; the sets have {SIZES}")
    if size == 40 and phone == SPOKEN_NOISE:
        return SILENCE
    return None if size == 39 and phone in (SILENCE, SPOKEN_NOISE) else phone


def is_ipa(labels: Iterable[str]) -> bool:
    """Whether a letter of IPA stands in any of these labels."""
    return any(not _IPA.isdisjoint(label) for label in labels)


def describe_unknown(counts: Mapping[str, int]) -> str:
    """One line on labels that are no phones, by how often they occur, and what to do.

    Args:
        counts: occurrences by label.
    """
    common = sorted(counts, key=lambda label: (-counts[label], label))
    named = name_some([f"{label!r} ({counts[label]})" for label in common])
    if is_ipa(counts):
        remedy = (
            "these are IPA, as of MFA's english_mfa; align with MFA's english_us_arpa dictionary"
            " and model, or with 'vqspeech align make'"
        )
    else:
        remedy = "ARPAbet was wanted; rename them in the TextGrids, or run 'vqspeech align make'"
    return f"labels that are no phones of ARPAbet: {named}; {remedy}"
