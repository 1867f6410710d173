"""Every breach of the format of a data directory, each with file and line.

The rules of single tables are those the reader stops at (`data_dir.py`, `alignment.py`); here none
stops the next, and what a reader takes on trust is checked too: that `spk2utt` is the inverse of
`utt2spk`, that audio exists and is as long as `utt2dur` says, that phones fit their utterances.
"""

import os
from pathlib import Path

from vqspeech.audio.waveform import Header, count_samples, read_header
from vqspeech.data.alignment import scan_phones
from vqspeech.data.data_dir import DataDir, report_missing, scan_data_dir
from vqspeech.data.tables import Report, read_table
from vqspeech.errors import InputError

DURATION_SECONDS = 0.02  # how far utt2dur may be from the audio; Kaldi rounds it to hundredths


def validate_data_dir(path: str | os.PathLike, *, read_audio: bool = False) -> list[str]:
    """All breaches, in the order of the checks; none when the directory is in order.

    Args:
        path: the data directory.
        read_audio: also decode every file, which takes about as long as preparing it again.
    """
    path = Path(path)
    breaches: list[str] = []
    report = breaches.append
    data_dir = scan_data_dir(path, report)
    if not path.is_dir():
        return breaches
    _check_speakers(path, report)
    _check_complete(data_dir, report)
    seconds = _check_audio(data_dir, report, read_audio)
    if (path / "phones.ctm").exists():
        durations = {**seconds, **data_dir.durations}
        scan_phones(path / "phones.ctm", report, known=data_dir, durations=durations)
    return breaches


def _check_speakers(path: Path, report: Report) -> None:
    """`utt2spk` sorted by speaker as well, and `spk2utt` its inverse."""
    # Its own breaches were reported by the scan.
    utt2spk = read_table(path / "utt2spk", lambda breach: None, fields=(2, 2))
    wanted: dict[str, list[str]] = {}
    previous = ""
    for utterance, (line, speaker) in utt2spk.items():
        if speaker < previous:
            report(
                f"{path / 'utt2spk'}:{line}: speaker {speaker} comes after {previous};"
                " no speaker's id may begin with another's"
            )
        previous = speaker
        wanted.setdefault(speaker, []).append(utterance)
    table = path / "spk2utt"
    found = read_table(table, report, fields=(2, None))
    remedy = "write spk2utt anew as the inverse of utt2spk"
    for speaker, (line, value) in found.items():
        utterances = value.split()
        if speaker not in wanted:
            report(f"{table}:{line}: {speaker} is not in utt2spk; {remedy}")
            continue
        for utterance in utterances:
            if utterance not in wanted[speaker]:
                report(f"{table}:{line}: {utterance} is not of {speaker} in utt2spk; {remedy}")
        for utterance in wanted[speaker]:
            if utterance not in utterances:
                report(f"{table}:{line}: {utterance} of {speaker} is missing; {remedy}")
        if utterances != sorted(utterances) or len(set(utterances)) < len(utterances):
            report(f"{table}:{line}: utterances of {speaker} not sorted or twice; {remedy}")
    lines = {speaker: utt2spk[utterances[0]].line for speaker, utterances in wanted.items()}
    for speaker in wanted:
        if found and speaker not in found:
            report(f"{path / 'utt2spk'}:{lines[speaker]}: {speaker} is not in spk2utt; {remedy}")


def _check_complete(data_dir: DataDir, report: Report) -> None:
    """`text` and `utt2dur`, where they are, name every utterance."""
    for name in ("text", "utt2dur"):
        if (data_dir.path / name).exists():
            report_missing(data_dir.path / "utt2spk", _lines(data_dir.path / name), name, report)


def _check_audio(data_dir: DataDir, report: Report, read_audio: bool) -> dict[str, float]:
    """Existence, readability and length of the audio; returns seconds by utterance."""
    path = data_dir.path
    origin = "segments" if (path / "segments").exists() else "wav.scp"
    sources, claims = _lines(path / origin), _lines(path / "utt2dur")
    seconds: dict[str, float] = {}
    headers: dict[Path, Header | None] = {}
    for utterance in data_dir.values():
        place = f"{path / origin}:{sources[utterance.id]}"
        audio = utterance.audio
        if audio not in headers:  # a recording of many segments is read and reported once
            headers[audio] = None
            try:
                headers[audio] = count_samples(audio) if read_audio else read_header(audio)
            except InputError as error:
                report(f"{place}: {error}")
        header = headers[audio]
        if header is None:
            continue
        length = header.length / header.sample_rate
        if utterance.end_seconds is not None:
            if utterance.end_seconds > length + DURATION_SECONDS:
                report(
                    f"{place}: {utterance.id} ends at {utterance.end_seconds} s,"
                    f" {audio} at {length:.3f} s; cut the segment shorter"
                )
            length = utterance.end_seconds - utterance.start_seconds
        seconds[utterance.id] = length
        claimed = data_dir.durations.get(utterance.id)
        if claimed is not None and abs(claimed - length) > DURATION_SECONDS:
            report(
                f"{path / 'utt2dur'}:{claims[utterance.id]}: {utterance.id} lasts {claimed:.3f} s,"
                f" its audio {length:.3f} s; prepare the data again"
            )
    return seconds


def _lines(path: Path) -> dict[str, int]:
    """Line of each key, for messages; the breaches of the table were reported before."""
    if not path.exists():
        return {}
    table = read_table(path, lambda breach: None, fields=(1, None))
    return {key: entry.line for key, entry in table.items()}
