"""VCTK, releases 0.80 and 0.92 and copies of them: 110 speakers of English accents who read.

The first 24 sentences are the same for all speakers. They become the split `parallel`, kept apart
to score conversions against what the target speaker said.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from vqspeech.data.corpora.as_found import count, decode_text, read_small, read_words
from vqspeech.data.corpora.source import Corpus, Source
from vqspeech.data.corpora.vctk_files import choose_takes, list_audio, list_texts, read_speaker
from vqspeech.data.corpora.vctk_layout import FOLDERS, VctkLayout, find_vctk
from vqspeech.errors import InputError, UsageError

MICS = ("mic1", "mic2")
NUM_SHARED = 24  # sentences 001 to 024 are read by all speakers


class _Voices(NamedTuple):
    """What speaker-info.txt says, by speaker."""

    genders: dict[str, str]
    accents: dict[str, str]
    notes: list[str]
    has_bare_ids: bool | None  # `225` as in 0.80, or `p225` as in 0.92; None: not known


def list_vctk(corpus: Path, *, leave_out: Path | None = None, mic: str = "mic1") -> Corpus:
    """The recordings of a VCTK, one for each sentence, with ids such as `p225_001`.

    Args:
        corpus: its folder, or one up to three folders above, that of the audio, or one speaker's.
        leave_out: a folder within `corpus` that is no part of it.
        mic: `mic1` or `mic2`; release 0.80 and its copies have one recording, taken for `mic1`.

    Raises:
        UsageError: a microphone that this release does not have.
        InputError: no recordings, or a folder that cannot be read.
    """
    if mic not in MICS:
        raise UsageError(f"--mic {mic}: no microphone of VCTK; give {' or '.join(MICS)}")
    layout = find_vctk(corpus, leave_out)
    files = list_audio(layout.audio, leave_out)
    num_named = sum(any(take.mic for take in takes) for takes in files.takes.values())
    if mic == "mic2" and not num_named:
        raise UsageError(
            f"--mic mic2: {layout.audio} has one recording per sentence, no _mic1 or _mic2 in the"
            " names; leave --mic out"
        )
    audio, not_taken = choose_takes(files.takes, mic)
    if not audio:
        other = MICS[mic == MICS[0]]
        raise UsageError(
            f"--mic {mic}: {layout.audio} has {other} alone, of {len(files.takes)} sentences; give"
            f" --mic {other}"
        )
    texts, odd = list_texts(layout.texts, layout.speaker) if layout.texts else ({}, [])
    texts = texts | files.texts
    silent = [(key, "a text without audio") for key in texts if key not in files.takes]
    words, word_notes = read_words({key: path for key, path in texts.items() if key in audio})
    speakers = {key: key.partition("_")[0] for key in sorted(audio)}
    voices = _read_voices(layout, set(speakers.values()))
    release, is_092 = _release(
        layout, 2 * num_named > len(files.takes), voices, set(speakers.values())
    )
    shared, shared_notes = _shared_sentences(speakers, words)
    counts = f"{len(audio)} recordings of {len(set(speakers.values()))} speakers"
    return Corpus(
        tuple(
            Source(
                key,
                speaker,
                Path(audio[key]),
                words.get(key),
                "parallel" if key in shared else None,
            )
            for key, speaker in speakers.items()
        ),
        genders=voices.genders,
        accents=voices.accents,
        layout=_describe(layout, mic if num_named else "one recording per sentence", release),
        notes=(
            f"{layout.audio}: {counts}, {len(words)} with their words",
            *layout.notes,
            *_wordless(layout, speakers, words),
            *word_notes,
            *voices.notes,
            *shared_notes,
        ),
        skipped=tuple(sorted([*files.skipped, *not_taken, *odd, *silent])),
        has_long_edges=not is_092,
    )


def _release(
    layout: VctkLayout, names_mics: bool, voices: _Voices, speakers: Collection[str]
) -> tuple[str, bool]:
    """What to call this VCTK, and whether it is 0.92; in doubt it is not, which only trims it."""
    known = "VCTK" if any(name in FOLDERS for name in layout.names) else "a copy of VCTK"
    new = names_mics or any("silence_trimmed" in name for name in layout.names)
    if not new:
        above = " ".join((*layout.names, *layout.above))
        new = "0.92" in above or "s5" in speakers or voices.has_bare_ids is False
        old = "wav48" in layout.names or "0.80" in above or voices.has_bare_ids is True
        if new == old:
            return f"{known}, taken for 0.80", False
    return f"{known} {'0.92' if new else '0.80'}", new


def _describe(layout: VctkLayout, mic: str, release: str) -> str:
    folder = "one folder" if layout.is_flat else "a folder for each speaker"
    if layout.speaker:
        folder = f"the folder of {layout.speaker}"
    texts = f"texts in {layout.texts}" if layout.texts else "no txt/"
    info = f"speakers in {layout.speaker_info}" if layout.speaker_info else "no speaker-info.txt"
    return f"{release}: {layout.audio} ({folder}), {mic}, {texts}, {info}"


def _wordless(layout: VctkLayout, speakers: Mapping[str, str], words: Collection[str]) -> list[str]:
    """What to say of recordings without their words."""
    num_wordless = len(speakers) - len(words)
    if not num_wordless:
        return []
    if not words:
        places = ", ".join(str(place / "txt") for place in layout.looked_in)
        return [f"no recording has its words; SPEAKER/SPEAKER_001.txt was looked for in {places}"]
    spoken = {speakers[key] for key in words}
    silent = sorted(set(speakers.values()) - spoken)
    whole = f"; all of {count(silent, 'speaker')}" if silent else ""
    return [f"{num_wordless} of {len(speakers)} recordings are without their words{whole}"]


def _read_voices(layout: VctkLayout, speakers: Collection[str]) -> _Voices:
    """Genders and accents, as `p225 23 F English Southern England` has them."""
    genders: dict[str, str] = {}
    accents: dict[str, str] = {}
    path = layout.speaker_info
    if path is None:
        places = ", ".join(map(str, layout.looked_in))
        note = f"no speaker-info.txt in {places}; genders and accents are not known"
        return _Voices({}, {}, [note], None)
    try:
        text, _ = decode_text(read_small(path))
        reason = f"{path}: cannot be read (no text)"
    except InputError as error:
        text, reason = None, str(error)
    if text is None:
        return _Voices({}, {}, [f"{reason}; genders and accents are not known"], None)
    odd = []
    is_bare = []
    for number, line in enumerate(text.splitlines(), start=1):
        # The region is empty, or several words, or a comment in parentheses: columns mean nothing.
        words = line.split(maxsplit=4)
        if not words or words[0].upper() == "ID":
            continue
        speaker = read_speaker(words[0])
        gender = words[2].lower() if len(words) > 2 else ""
        if speaker is None or gender not in ("m", "f"):
            odd.append(f"line {number}")
            continue
        is_bare.append(words[0].isdigit())
        if speaker in speakers:
            genders.setdefault(speaker, gender)
            if len(words) > 3 and not words[3].startswith("("):
                accents.setdefault(speaker, words[3])
    notes = []
    if odd:
        notes.append(f"{path}: {count(odd, 'row')} not of the form ID AGE GENDER ACCENT")
    if missing := sorted(set(speakers) - set(genders)):
        notes.append(f"{path}: no row for {count(missing, 'speaker')}; gender not known")
    return _Voices(genders, accents, notes, 2 * sum(is_bare) > len(is_bare) if is_bare else None)


def _shared_sentences(
    speakers: Mapping[str, str], words: Mapping[str, str]
) -> tuple[set[str], list[str]]:
    """The ids of sentences that all speakers read, as far as they are kept apart, and notes.

    Args:
        speakers: by utterance id.
        words: by utterance id, where they are known.
    """
    numbers = {key: int(key.partition("_")[2]) for key in speakers}
    numbered = {key for key, number in numbers.items() if 1 <= number <= NUM_SHARED}
    other = _of_other_words({key: numbers[key] for key in sorted(numbered)}, words)
    shared = numbered.difference(other)
    sentences = f"sentences 001 to {NUM_SHARED:03}, which all speakers read,"
    notes = []
    if other:
        told = count(other, "recording")
        notes.append(f"{told} of a number up to {NUM_SHARED:03} say something else than the others")
    if 2 * len(shared) > len(speakers):
        notes.append(
            f"the {sentences} are {len(shared)} of {len(speakers)} recordings and not kept apart"
        )
        return set(), notes
    if not shared:
        return shared, notes
    notes.append(f"{len(shared)} recordings of the {sentences} are kept apart as parallel")
    counts = Counter(speakers.values())
    counts.subtract(speakers[key] for key in shared)
    if idle := sorted(speaker for speaker, left in counts.items() if left == 0):
        notes.append(f"{count(idle, 'speaker')} with no other sentences, which never train")
    return shared, notes


def _of_other_words(numbers: Mapping[str, int], words: Mapping[str, str]) -> list[str]:
    """Ids of recordings whose words are not those that most speakers read under their number."""
    said = {
        key: "".join(c for c in words[key].lower() if c.isalpha())
        for key in numbers
        if key in words
    }
    readings: dict[int, Counter[str]] = {}
    for key, text in said.items():
        readings.setdefault(numbers[key], Counter())[text] += 1
    # Of two that are as frequent neither is known to be the shared one.
    usual = {}
    for number, found in readings.items():
        (text, most), *rest = found.most_common(2)
        usual[number] = None if rest and rest[0][1] == most else text
    return [key for key, text in said.items() if text != usual[numbers[key]]]
