"""Item files as ZeroSpeech writes them, and the triphones of an alignment."""

import pytest

from vqspeech.data.alignment import Phone
from vqspeech.data.item_file import Item, read_items, triphone_items, write_items
from vqspeech.errors import InputError

HEADER = "#file onset offset #phone prev-phone next-phone speaker\n"
LINE = "6295-244435-0009 0.2925 0.4725 IH L NG 6295\n"
ITEM = Item("6295-244435-0009", 0.2925, 0.4725, "IH", "L", "NG", "6295")


def test_a_line_of_libri_light_is_read(tmp_path):
    path = tmp_path / "triphone.item"
    path.write_text(HEADER + LINE)
    assert read_items(path) == [ITEM]
    path.write_bytes((HEADER + LINE).replace("\n", "\r\n").encode())
    assert read_items(path) == [ITEM]


def test_what_is_written_is_what_libri_light_writes_and_comes_back(tmp_path):
    items = [ITEM, ITEM._replace(start_seconds=1.0, end_seconds=1.23456)]
    write_items(tmp_path / "out.item", items)
    text = (tmp_path / "out.item").read_text()
    assert text == HEADER + LINE + "6295-244435-0009 1.0000 1.2346 IH L NG 6295\n"
    assert read_items(tmp_path / "out.item") == [ITEM, items[1]._replace(end_seconds=1.2346)]


@pytest.mark.parametrize("word", ["", "a b"])
def test_a_word_that_would_break_the_line_is_not_written(tmp_path, word):
    with pytest.raises(ValueError, match="space in it"):
        write_items(tmp_path / "out.item", [ITEM._replace(speaker=word)])
    assert not (tmp_path / "out.item").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r":1: the header '#file onset .*' was wanted"),
        (LINE, r":1: the header"),
        (HEADER.replace("prev-phone ", ""), r":1: the header"),
        (HEADER, "a header and no tokens"),
        (HEADER + LINE + "\n" + LINE, r":3: 0 fields"),
        (HEADER + LINE.replace(" NG", ""), r":2: 6 fields"),
        (HEADER + LINE + LINE.replace("0.2925", "now"), r":3: onset now and offset 0.4725 must"),
        (HEADER + LINE.replace("0.4725", "0.2925"), r":2: onset 0.2925 and offset 0.2925 must"),
        (HEADER + LINE.replace("0.2925", "-0.1"), r":2: onset -0.1"),
        (HEADER + LINE.replace("0.4725", "nan"), r":2: onset 0.2925 and offset nan"),
        (HEADER + LINE.replace("0.4725", "inf"), r":2: onset 0.2925 and offset inf"),
    ],
)
def test_a_breach_is_named_with_its_line(tmp_path, text, message):
    path = tmp_path / "bad.item"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as error:
        read_items(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.item: no such file"):
        read_items(tmp_path / "none.item")
    with pytest.raises(InputError, match="cannot be read"):
        read_items(tmp_path)
    (tmp_path / "bytes.item").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8"):
        read_items(tmp_path / "bytes.item")


def lay(*rows):
    """Phones from (start, label) rows that end where the next begins; the last ends at 1 s."""
    ends = [start for start, _ in rows[1:]] + [1.0]
    return tuple(
        Phone(start, end - start, label) for (start, label), end in zip(rows, ends, strict=True)
    )


def test_a_triphone_spans_all_three_phones():
    # In 1 s: SIL K AE T SIL; the only phone with two neighbours is AE, from K's start to T's end.
    phones = {"u": lay((0, "sil"), (0.25, "K"), (0.5, "AE1"), (0.625, "t"), (0.75, ""))}
    assert triphone_items(phones, {"u": "s"}) == [Item("u", 0.25, 0.75, "AE", "K", "T", "s")]


@pytest.mark.parametrize("between", ["SIL", "spn", "<eps>"])
def test_silence_and_noise_are_no_neighbours(between):
    phones = {"u": lay((0, "K"), (0.25, "AE"), (0.5, between), (0.75, "T"))}
    assert triphone_items(phones, {"u": "s"}) == []


def test_a_gap_that_nobody_labelled_parts_phones_and_rounding_does_not():
    def triple(gap):
        return {"u": (Phone(0, 0.1, "K"), Phone(0.1 + gap, 0.1, "AE"), Phone(0.2 + gap, 0.1, "T"))}

    assert len(triphone_items(triple(0.001), {"u": "s"})) == 1
    assert triphone_items(triple(0.01), {"u": "s"}) == []


def test_neighbours_are_of_the_same_utterance_and_strangers_are_left_out():
    phones = {
        "u": lay((0, "K"), (0.5, "AE")),
        "v": lay((0, "T"), (0.5, "S")),
        "w": lay((0, "K"), (0.3, "AE"), (0.6, "T")),
    }
    assert triphone_items(phones, {"u": "s", "v": "s"}) == []


def test_labels_of_another_set_are_counted():
    phones = {"u": lay((0, "K"), (0.2, "Q"), (0.4, "T"), (0.6, "Q"), (0.8, "X"))}
    with pytest.raises(InputError, match=r"^a\.ctm: labels .*'Q' \(2\), 'X' \(1\)"):
        triphone_items(phones, {"u": "s"}, source="a.ctm")
