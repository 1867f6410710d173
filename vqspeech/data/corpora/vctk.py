"""VCTK, releases 0.80 and 0.92 and copies of them: 110 speakers of English accents who read.

The first 24 sentences are the same for all speakers. They become the split `parallel`, kept apart
to score conversions against what the target speaker said.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from vqspeech.data.corpora.source import Corpus, Source
from vqspeech.data.corpora.vctk_files import choose_takes, list_audio, list_texts, read_speaker
from vqspeech.data.corpora.vctk_layout import VctkLayout, find_vctk
from vqspeech.errors import UsageError

MICS = ("mic1", "mic2")
NUM_SHARED = 24  # sentences 001 to 024 are read by all speakers
NUM_NAMED = 5  # of a kind in a note; more are counted


class _Voices(NamedTuple):
    """What speaker-info.txt says, by speaker."""

    genders: dict[str, str]
    accents: dict[str, str]
    notes: list[str]


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
    is_trimmed = any("silence_trimmed" in name for name in layout.names)
    is_092 = is_trimmed or 2 * num_named > len(files.takes)
    texts, odd = list_texts(layout.texts, layout.speaker) if layout.texts else ({}, [])
    texts = texts | files.texts
    silent = [(key, "a text without audio") for key in texts if key not in files.takes]
    words, word_notes = _read_texts({key: path for key, path in texts.items() if key in audio})
    speakers = {key: key.partition("_")[0] for key in sorted(audio)}
    voices = _read_voices(layout, set(speakers.values()))
    shared, shared_notes = _shared_sentences(speakers)
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
        layout=_describe(layout, mic if num_named else "one recording per sentence", is_092),
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


def _describe(layout: VctkLayout, mic: str, is_092: bool) -> str:
    release, original = ("0.92", "wav48_silence_trimmed") if is_092 else ("0.80", "wav48")
    known = f"VCTK {release}" if original in layout.names else f"a copy of VCTK {release}"
    folder = "one folder" if layout.is_flat else "a folder for each speaker"
    if layout.speaker:
        folder = f"the folder of {layout.speaker}"
    texts = f"texts in {layout.texts}" if layout.texts else "no txt/"
    info = f"speakers in {layout.speaker_info}" if layout.speaker_info else "no speaker-info.txt"
    return f"{known}: {layout.audio} ({folder}), {mic}, {texts}, {info}"


def _read_texts(paths: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Words by utterance id, and notes on files that were not plain UTF-8."""
    words = {}
    foreign = []
    damaged = []
    for key, path in paths.items():
        try:
            with open(path, "rb", buffering=0) as file:
                content = file.read()
        except OSError as error:
            damaged.append(f"{path} ({error.strerror})")
            continue
        text, is_foreign = _decode(content)
        if text is None:
            damaged.append(f"{path} (no text)")
            continue
        if is_foreign:
            foreign.append(path)
        if text := " ".join(text.split()):
            words[key] = text
    notes = []
    if foreign:
        notes.append(f"{_count(foreign, 'text')} not in UTF-8, read as Windows-1252")
    if damaged:
        notes.append(f"{_count(damaged, 'text')} cannot be read; recordings are used without")
    return words, notes


def _decode(content: bytes) -> tuple[str | None, bool]:
    """The text, or None, and whether it is in the old encoding of Windows, not UTF-8."""
    is_foreign = False
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode("cp1252")
        except UnicodeDecodeError:
            return None, False
        is_foreign = True
    # UTF-16 and other files that are no text get through as well, but not without a NUL.
    return (None, False) if "\0" in text else (text, is_foreign)


def _count(names: list[str], noun: str) -> str:
    """`1 text (a.txt)` or `7 texts (a.txt, b.txt, ... and 2 more)`, the verb left out."""
    named = ", ".join(names[:NUM_NAMED])
    more = f" and {len(names) - NUM_NAMED} more" if len(names) > NUM_NAMED else ""
    return f"{len(names)} {noun}{'s' * (len(names) != 1)} ({named}{more})"


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
    whole = f"; all of {_count(silent, 'speaker')}" if silent else ""
    return [f"{num_wordless} of {len(speakers)} recordings are without their words{whole}"]


def _read_voices(layout: VctkLayout, speakers: Collection[str]) -> _Voices:
    """Genders and accents, as `p225 23 F English Southern England` has them."""
    voices = _Voices({}, {}, [])
    path = layout.speaker_info
    if path is None:
        places = ", ".join(map(str, layout.looked_in))
        voices.notes.append(f"no speaker-info.txt in {places}; genders and accents are not known")
        return voices
    try:
        text, _ = _decode(path.read_bytes())
        reason = "no text"
    except OSError as error:
        text, reason = None, error.strerror
    if text is None:
        voices.notes.append(f"{path}: cannot be read ({reason}); genders and accents are not known")
        return voices
    odd = []
    for number, line in enumerate(text.splitlines(), start=1):
        # The region is empty, or several words, or a comment in parentheses: columns mean nothing.
        words = line.split(maxsplit=4)
        if not words or words[0].upper() == "ID":
            continue
        speaker = read_speaker(words[0])
        gender = words[2].lower() if len(words) > 2 else ""
        if speaker is None or gender not in ("m", "f"):
            odd.append(f"line {number}")
        elif speaker in speakers:
            voices.genders.setdefault(speaker, gender)
            if len(words) > 3 and not words[3].startswith("("):
                voices.accents.setdefault(speaker, words[3])
    if odd:
        voices.notes.append(f"{path}: {_count(odd, 'row')} not of the form ID AGE GENDER ACCENT")
    if missing := sorted(set(speakers) - set(voices.genders)):
        voices.notes.append(f"{path}: no row for {_count(missing, 'speaker')}; gender not known")
    return voices


def _shared_sentences(speakers: Mapping[str, str]) -> tuple[set[str], list[str]]:
    """The ids of sentences that all speakers read, as far as they are kept apart, and notes."""
    shared = {key for key in speakers if 1 <= int(key.partition("_")[2]) <= NUM_SHARED}
    sentences = f"sentences 001 to {NUM_SHARED:03}, which all speakers read,"
    if 2 * len(shared) > len(speakers):
        return set(), [
            f"the {sentences} are {len(shared)} of {len(speakers)} recordings and not kept apart"
        ]
    if not shared:
        return shared, []
    notes = [f"{len(shared)} recordings of the {sentences} are kept apart as parallel"]
    counts = Counter(speakers.values())
    counts.subtract(speakers[key] for key in shared)
    if idle := sorted(speaker for speaker, count in counts.items() if count == 0):
        notes.append(f"{_count(idle, 'speaker')} with no other sentences, which never train")
    return shared, notes
