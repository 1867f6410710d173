"""Lists of pairs: what a line may say, and that drawn ones are balanced."""

from collections import Counter
from pathlib import Path

import pytest

from vqspeech.data.data_dir import DataDir, Utterance
from vqspeech.errors import InputError, UsageError
from vqspeech.stages.pair_list import Pair, direction_of, draw_pairs, format_pairs, read_pairs

WOMEN, MEN = ("p901", "p902", "p903"), ("p907", "p908")
GENDERS = dict.fromkeys(WOMEN, "f") | dict.fromkeys(MEN, "m")
UTTERANCES = [
    Utterance(f"{name}_{number}", name, Path("no.wav"))
    for name in (*WOMEN, *MEN)
    for number in range(4)
]
DATA = DataDir(Path("data"), {utterance.id: utterance for utterance in UTTERANCES})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("p901_0\tp907\np999_0\tp907\n", r":2: p999_0 is no utterance of data"),
        ("\n# none\np901_0 p999 # who?\n", r":3: p999 is no speaker of mini"),
        ("p901_0\n", r":1: 'p901_0'; an utterance and a target were wanted"),
        ("p901_0 p901\n", r":1: p901_0 is spoken by p901 already"),
        ("p901_0 p907\n\np901_0 p907\n", r":3: p901_0>p907 stands in line 1 too"),
        ("# nothing\n", r": no pairs; write lines"),
    ],
)
def test_a_line_that_cannot_be_meant_is_named(tmp_path, text, message):
    path = tmp_path / "pairs.tsv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_pairs(path, DATA, (*WOMEN, *MEN), "mini")


def test_a_list_that_was_written_is_read_again(tmp_path):
    pairs = [Pair("p901_0", "p907"), Pair("p907_1", "p902")]
    path = tmp_path / "pairs.tsv"
    path.write_text(format_pairs(pairs, "two pairs"))
    assert read_pairs(path, DATA, (*WOMEN, *MEN), "mini") == pairs
    with pytest.raises(InputError, match="No such file"):
        read_pairs(tmp_path / "none.tsv", DATA, WOMEN, "mini")


def test_directions_and_speakers_take_turns():
    pairs = draw_pairs(UTTERANCES, (*WOMEN, *MEN), GENDERS, 24, seed=1)
    assert len(set(pairs)) == 24
    owners = [DATA[pair.utterance].speaker for pair in pairs]
    directions = [direction_of(p, owner, GENDERS) for p, owner in zip(pairs, owners, strict=True)]
    assert Counter(directions) == {"f-f": 6, "f-m": 6, "m-f": 6, "m-m": 6}
    assert all(owner != pair.target for owner, pair in zip(owners, pairs, strict=True))
    counts = Counter(owners)
    assert [counts[name] for name in WOMEN] == [4, 4, 4]
    assert min(counts[name] for name in MEN) >= 5  # who have few other men to be converted to
    to_men = Counter(p.target for p, d in zip(pairs, directions, strict=True) if d == "f-m")
    assert to_men == {"p907": 3, "p908": 3}


def test_the_seed_decides():
    first, again, other = (
        draw_pairs(UTTERANCES, MEN, GENDERS, 12, seed=seed) for seed in (3, 3, 4)
    )
    assert first == again != other


def test_of_unknown_gender_all_are_drawn_without_a_direction():
    pairs = draw_pairs(UTTERANCES, (*WOMEN, *MEN), {}, 80, seed=0)
    assert len(set(pairs)) == 80  # each of 20 utterances in each of 4 other voices
    assert direction_of(pairs[0], "p901", {}) is None
    with pytest.raises(UsageError, match="there are 80 different pairs"):
        draw_pairs(UTTERANCES, (*WOMEN, *MEN), {}, 81, seed=0)
