"""The rules of Kaldi's utils/validate_data_dir.sh, written anew from what the script checks.

A referee for the data directories we write: it knows nothing of the code under test. It asks as
the script does with --no-feats --no-text; that there is one speaker only is a warning there, and
nothing here. Kaldi compares bytes (LC_ALL=C) and splits lines at spaces and tabs.
"""

import re
import unicodedata

UTTERANCE_TABLES = ("feats.scp", "vad.scp", "utt2lang", "utt2uniq", "utt2dur", "utt2num_frames")
SPEAKER_TABLES = ("cmvn.scp", "spk2gender")
RECORDING_TABLES = ("reco2file_and_channel", "reco2dur")
NOT_WORDS = (b"<s>", b"</s>", b"#0")


def kaldi_breaches(folder):
    """What Kaldi would refuse `folder` for, a sentence each; none for a good data directory."""
    if not folder.is_dir():
        return ["no such directory"]
    needed = ("utt2spk", "spk2utt", "wav.scp")
    missing = [f"{name}: no such file" for name in needed if not (folder / name).is_file()]
    if missing:
        return missing
    tables = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    checked = {*needed, "text", "segments", *UTTERANCE_TABLES, *SPEAKER_TABLES, *RECORDING_TABLES}
    found = []
    for name in sorted(checked & set(tables)):
        found += _form(name, tables[name])
    rows = {name: [line.split() for line in _lines(tables[name])] for name in checked & set(tables)}
    found += _speakers(tables["utt2spk"], rows)
    found += _sounds(tables["wav.scp"], rows)
    if "text" in tables:
        found += _words(tables["text"])
    found += _values(rows)
    return found + _lists(rows)


def _lines(content):
    return content.removesuffix(b"\n").split(b"\n") if content else []


def _keys(rows):
    return [row[0] if row else b"" for row in rows]


def _form(name, content):
    if not content:
        return [f"{name}: empty"]
    found = [] if content.endswith(b"\n") else [f"{name}: no newline at the end"]
    keys = _keys(line.split() for line in _lines(content))
    if keys != sorted(set(keys)):
        found.append(f"{name}: not sorted, or with duplicates")
    return found


def _speakers(utt2spk, rows):
    if any(len(row) != 2 for row in rows["utt2spk"]):
        return ["utt2spk: not two fields in every line"]
    found = []
    lines = _lines(utt2spk)
    # sort -k2: from the blank before the second field on, then the line as a whole.
    if lines != sorted(lines, key=lambda line: (line[len(line.split()[0]) :], line)):
        found.append("utt2spk: not sorted by speaker as well")
    inverse = [[utterance, row[0]] for row in rows["spk2utt"] if row for utterance in row[1:]]
    if inverse != rows["utt2spk"]:
        found.append("spk2utt: not the inverse of utt2spk")
    return found


def _sounds(wav_scp, rows):
    found = []
    if any(re.match(rb"\S+\s+~", line) for line in _lines(wav_scp)):
        found.append("wav.scp: a tilde")
    if "segments" not in rows:
        return found
    segments = rows["segments"]
    if any(len(row) != 4 or not _number(row[3]) > _number(row[2]) for row in segments):
        return [*found, "segments: not four fields, or an end that is not after its start"]
    if sorted({row[1] for row in segments}) != _keys(rows["wav.scp"]):
        found.append("segments: recordings that differ from those of wav.scp")
    return found


def _words(content):
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return ["text: not UTF-8"]
    found = []
    if any(c.isspace() and c not in "\t\n " for c in text):
        found.append("text: white space other than space and tab")
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cn", "Co") and not c.isspace() for c in text):
        found.append("text: characters that cannot be printed")
    for symbol in NOT_WORDS:
        # grep -w: no letter, digit or underscore on either side.
        if re.search(rb"(?<![\w])" + re.escape(symbol) + rb"(?![\w])", content):
            found.append(f"text: {symbol.decode()} is no word")
    return found


def _values(rows):
    """Second and later fields of the tables that have rules for them."""
    good = {
        "utt2dur": lambda row: len(row) == 2 and _number(row[1]) > 0,
        "reco2dur": lambda row: len(row) == 2 and _number(row[1]) > 0,
        "utt2num_frames": lambda row: len(row) == 2 and re.fullmatch(rb"0*[1-9][0-9]*", row[1]),
        "spk2gender": lambda row: len(row) == 2 and row[1] in (b"m", b"f"),
        "reco2file_and_channel": lambda row: len(row) == 3 and row[2] in (b"A", b"B", b"1"),
    }
    return [
        f"{name}: a malformed line"
        for name, is_good in good.items()
        if name in rows and not all(is_good(row) for row in rows[name])
    ]


def _lists(rows):
    utterances, speakers = _keys(rows["utt2spk"]), _keys(rows["spk2utt"])
    origin = "segments" if "segments" in rows else "wav.scp"
    expected = dict.fromkeys((origin, "text", *UTTERANCE_TABLES), utterances)
    expected |= dict.fromkeys(SPEAKER_TABLES, speakers)
    expected |= dict.fromkeys(RECORDING_TABLES, _keys(rows["wav.scp"]))
    return [
        f"{name}: its keys are not those of the other tables"
        for name, keys in expected.items()
        if name in rows and _keys(rows[name]) != keys
    ]


def _number(field):
    # As awk reads a field: what is no number counts as 0.
    try:
        return float(field)
    except ValueError:
        return 0.0
