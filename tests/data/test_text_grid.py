import itertools
import os
import random
import string
import time

import pytest
from praatio.textgrid import IntervalTier, PointTier, Textgrid

from vqspeech.data.text_grid import MAX_BYTES, read_text_grid
from vqspeech.errors import InputError

PHONES = [(0.0, 0.25, ""), (0.25, 0.5, "HH"), (0.5, 1.0, "AY1"), (1.0, 1.5, "sp")]
LONG = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 1.5
tiers? <exists>
size = 1
item []:
    item [1]:
        class = "IntervalTier"
        name = "phones"
        xmin = 0
        xmax = 1.5
        intervals: size = 4
"""
for _number, (_start, _end, _label) in enumerate(PHONES, start=1):
    LONG += f"        intervals [{_number}]:\n            xmin = {_start}\n"
    LONG += f'            xmax = {_end}\n            text = "{_label}"\n'


def write(tmp_path, content):
    path = tmp_path / "a.TextGrid"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(tmp_path, content):
    path = write(tmp_path, content)
    with pytest.raises(InputError) as refused:
        read_text_grid(path)
    said = str(refused.value)
    assert said.startswith(f"{path}: ")
    assert "; " in said
    assert "\n" not in said
    return said


def rows(grid, tier=0):
    return [tuple(row) for row in grid.tiers[tier].intervals]


@pytest.mark.parametrize("form", ["long_textgrid", "short_textgrid"])
def test_what_praatio_writes_is_read_in_both_forms(tmp_path, form):
    grid = Textgrid(0, 1.5)
    grid.addTier(IntervalTier("words", [(0.25, 1.0, 'say "hi"')], 0, 1.5))
    grid.addTier(PointTier("events", [(0.3, "click"), (0.4, "IntervalTier")], 0, 1.5))
    grid.addTier(IntervalTier("phones", [row for row in PHONES if row[2]], 0, 1.5))
    grid.save(str(tmp_path / "a.TextGrid"), form, includeBlankSpaces=True)
    read = read_text_grid(tmp_path / "a.TextGrid")
    assert [tier.name for tier in read.tiers] == ["words", "phones"]
    assert (read.start_seconds, read.end_seconds) == (0, 1.5)
    assert rows(read) == [(0, 0.25, ""), (0.25, 1.0, 'say "hi"'), (1.0, 1.5, "")]
    assert rows(read, 1) == PHONES


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"]
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_encoding_and_line_end_is_the_same_text_grid(tmp_path, encoding, newline):
    text = LONG.replace("HH", "é").replace("\n", newline)
    grid = read_text_grid(write(tmp_path, text.encode(encoding)))
    assert rows(grid) == [PHONES[0], (0.25, 0.5, "é"), *PHONES[2:]]


@pytest.mark.parametrize(
    "label",
    [
        "intervals [2]:",
        "item [1]:",
        "two\nlines",
        'say "hi"',
        '"',
        "IntervalTier",
        "ooTextFile short",
        "xmin = 7\nxmax = 8",
        "! no comment",
        " 12 ",
        "s3",
    ],
)
def test_a_label_may_hold_whatever_the_format_is_made_of(tmp_path, label):
    quoted = label.replace('"', '""')
    text = LONG.replace('"HH"', f'"{quoted}"').replace('"sp"', f'"{quoted}"')
    grid = read_text_grid(write(tmp_path, text))
    assert rows(grid) == [PHONES[0], (0.25, 0.5, label), PHONES[2], (1.0, 1.5, label)]


def test_a_label_called_like_a_class_may_end_a_tier_before_another(tmp_path):
    tier = LONG[LONG.index("    item [1]:") :].replace('"sp"', '"IntervalTier"')
    second = tier.replace("item [1]", "item [2]").replace('"phones"', '"words"')
    head = LONG[: LONG.index("    item [1]:")].replace("size = 1", "size = 2")
    grid = read_text_grid(write(tmp_path, head + tier + second))
    assert [tier.name for tier in grid.tiers] == ["phones", "words"]
    assert rows(grid) == rows(grid, 1) == [*PHONES[:3], (1.0, 1.5, "IntervalTier")]


def test_signs_exponents_and_comments_are_read_as_praat_does(tmp_path):
    text = LONG.replace("xmin = 0.0", "xmin = -5.5e-17").replace("xmax = 0.25", "xmax = 2.5E-1")
    text = text.replace("item []:", 'item []: ! 4 numbers and a " in a comment')
    assert rows(read_text_grid(write(tmp_path, text)))[0] == (-5.5e-17, 0.25, "")


def test_intervals_that_overlap_run_backwards_or_have_no_end_are_refused(tmp_path):
    overlap = LONG.replace("xmin = 0.5", "xmin = 0.4")
    assert "interval 3 of tier 'phones' starts at 0.4 s" in refusal(tmp_path, overlap)
    backwards = LONG.replace("xmax = 1.0", "xmax = 0.4")
    assert "interval 3 of tier 'phones' ends at 0.4 s" in refusal(tmp_path, backwards)
    assert "cut off or damaged" in refusal(tmp_path, LONG.replace("            xmax = 1.0\n", ""))
    assert "a time without end" in refusal(tmp_path, LONG.replace("xmax = 1.0", "xmax = 1e999"))
    assert "lasts from 0 to 0 s" in refusal(tmp_path, LONG.replace("xmax = 1.5", "xmax = 0", 1))


def test_overlaps_of_rounding_are_read(tmp_path):
    grid = read_text_grid(write(tmp_path, LONG.replace("xmin = 0.5", "xmin = 0.499")))
    assert rows(grid)[2] == (0.499, 1.0, "AY1")


def test_every_file_that_is_cut_off_is_refused(tmp_path):
    whole = LONG.rstrip()
    for length in range(0, len(whole) - 1, 7):
        assert refusal(tmp_path, whole[:length])
    assert refusal(tmp_path, whole[:-1])


def test_counts_that_do_not_hold_are_refused(tmp_path):
    said = refusal(tmp_path, LONG.replace("intervals: size = 4", "intervals: size = 5"))
    assert "tier 'phones' has 4 intervals, 5 were announced" in said
    assert "1 tiers, 2 were announced" in refusal(
        tmp_path, LONG.replace("size = 1\n", "size = 2\n")
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "an empty file"),
        (b" \r\n\0", "an empty file"),
        (b"ooBinaryFile\x08TextGrid\0\0\0\0", "binary"),
        (b'{"start": 0, "end": 1, "tiers": {}}', "JSON"),
        (b'"Praat chronological TextGrid text file"\n0 1 ! time\n', "chronological"),
        (b'File type = "ooTextFile"\nObject class = "Collection"\n\nsize = 1', "collection"),
        (b'File type = "ooTextFile"\nObject class = "Pitch 1"\n\n0\n1\n2\n', "no TextGrid"),
        (b"HELLO WORLD\n", "no TextGrid"),
        (bytes(range(256)) * 8, "no TextGrid"),
        (b'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n1\n<exists>\n0\n', "0 tiers"),
    ],
)
def test_what_is_no_text_grid_in_text_form_is_named(tmp_path, content, reason):
    assert reason in refusal(tmp_path, content)


def test_absent_files_folders_pipes_and_large_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_text_grid(tmp_path / "none.TextGrid")
    with pytest.raises(InputError, match="Is a directory"):
        read_text_grid(tmp_path)
    os.mkfifo(tmp_path / "pipe.TextGrid")
    with pytest.raises(InputError, match="neither a file nor a folder"):
        read_text_grid(tmp_path / "pipe.TextGrid")
    with open(tmp_path / "large.TextGrid", "wb") as file:
        file.truncate(MAX_BYTES + 1)  # a hole, which takes no space
    with pytest.raises(InputError, match="more than 50 MB"):
        read_text_grid(tmp_path / "large.TextGrid")


def mutate(content, rng):
    """One of six kinds of damage."""
    place = rng.randrange(len(content))
    end = min(len(content), place + rng.randint(1, 20))
    kind = rng.randrange(6)
    if kind == 0:
        return content[:place] + rng.randbytes(end - place) + content[end:]
    if kind == 1:
        return content[:place]
    if kind == 2:
        return content[:place] + rng.choices([rng.randbytes(8), b'"', b"\n"])[0] + content[place:]
    if kind == 3:
        return content[:place] + content[end:]
    if kind == 4:
        numbers = [at for at, byte in enumerate(content) if chr(byte) in string.digits]
        place = rng.choice(numbers)
        number = rng.choice([b"-1", b"1e308", b"99999999999", b"nan", b"0", b"2147483648", b"x"])
        return content[:place] + number + content[place + 1 :]
    flipped = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
    return bytes(flipped)


@pytest.mark.parametrize("seed", range(100))
def test_a_damaged_file_is_read_or_refused_in_one_line(tmp_path, seed):
    rng = random.Random(seed)
    short = "\n".join(line.partition(" = ")[2] or line for line in LONG.splitlines())
    content = rng.choice([LONG.encode(), short.encode(), LONG.encode("utf-16")])
    path = write(tmp_path, mutate(content, rng))
    began, said, edges = time.monotonic(), f"{path}: ", [0.0, 0.0]
    try:
        edges = [time for row in rows(read_text_grid(path)) for time in row[:2]]
    except InputError as refused:
        said = str(refused)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said
    assert max((a - b for a, b in itertools.pairwise(edges)), default=0) < 0.002  # in order
    assert time.monotonic() - began < 5
