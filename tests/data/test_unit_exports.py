"""Codes in the formats of other tools, each line worked by hand."""

import json
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
import torch

from vqspeech.data.codes import join_groups
from vqspeech.data.item_file import Item
from vqspeech.data.unit_exports import (
    check_step,
    discophon_lines,
    fairseq_lines,
    fastabx_lines,
    fit_items,
    one_hot,
    pool_codes,
    save_tensors,
    save_vector_texts,
)
from vqspeech.errors import InputError, UsageError

UNITS = [("a-1", np.array([12, 12, 4], np.uint16)), ("b-é", np.array([7]))]


def test_a_pooled_frame_is_the_commonest_code_and_of_equals_the_first():
    codes = np.array([5, 5, 1, 2, 1, 2, 1, 3, 9, 9], np.uint16)
    pooled = pool_codes(codes, 3)
    assert pooled.tolist() == [5, 2, 1, 9]  # 2 1 2 | 1 3 9: equals, the first | 9 alone
    assert pooled.dtype == np.uint16
    assert pool_codes(np.array([4, 0, 0, 4]), 4).tolist() == [4]  # not the lower, the first
    assert pool_codes(codes, 1).tolist() == codes.tolist()
    assert pool_codes(codes[:0], 4).shape == (0,)
    with pytest.raises(ValueError, match="0 frames"):
        pool_codes(codes, 0)


def test_pooling_agrees_with_counting_in_a_loop():
    codes = np.random.default_rng(0).integers(0, 4, 1001)
    for frames in (2, 5, 8):
        # Counter keeps the order in which codes were met, and most_common is stable.
        windows = [codes[i : i + frames].tolist() for i in range(0, len(codes), frames)]
        wanted = [Counter(window).most_common(1)[0][0] for window in windows]
        assert pool_codes(codes, frames).tolist() == wanted


def test_groups_are_pooled_together():
    codes = np.array([[1, 0], [0, 2], [1, 2], [1, 0], [3, 3]])
    assert pool_codes(codes, 4).tolist() == [[1, 0], [3, 3]]  # (1, 0) twice, (1, 2) never there


def test_groups_make_one_number():
    assert join_groups(np.array([[1, 0, 2], [3, 3, 3]], np.uint16), 4).tolist() == [18, 63]
    assert join_groups(np.array([1, 2]), 4).tolist() == [1, 2]
    with pytest.raises(InputError, match="4 groups of 256 codes make 4294967296 units"):
        join_groups(np.zeros((1, 4), int), 256)


def test_a_step_of_ten_milliseconds_passes():
    assert check_step(640, 16000, 1, "codes") == 40
    assert check_step(64, 16000, 5, "codes") == 20
    assert check_step(80, 8000, 1, "codes") == 10


@pytest.mark.parametrize(
    ("hop", "rate", "message"),
    [
        (64, 16000, "every 4 ms, .* --pool 5 takes 5 frames as one of 20 ms"),
        (128, 16000, "every 8 ms, .* --pool 5 takes 5 frames as one of 40 ms"),
        (256, 16000, "every 16 ms, .* --pool 5 takes 5 frames as one of 80 ms"),
        (40, 8000, "every 5 ms, .* --pool 2 takes 2 frames as one of 10 ms"),
        (512, 44100, r"every 11\.6\d* ms, .* no --pool below 0\.1 s helps"),
    ],
)
def test_another_step_is_refused_with_the_smallest_pooling_that_helps(hop, rate, message):
    with pytest.raises(UsageError, match=f"codes: units {message}"):
        check_step(hop, rate, 1, "codes")


def test_lines_by_hand():
    assert "".join(discophon_lines(UNITS)) == (
        '{"file": "a-1", "units": [12, 12, 4]}\n{"file": "b-é", "units": [7]}\n'
    )
    assert "".join(fairseq_lines(UNITS)) == "a-1|12 12 4\nb-é|7\n"
    with pytest.raises(InputError, match=r"a\|1: fairseq ends an id with '\|'"):
        list(fairseq_lines([("a|1", np.array([1]))]))


def test_an_id_with_a_dot_survives_the_suffix_that_fastabx_takes_off():
    (line,) = fastabx_lines([("a.1", np.array([12, 4]))])
    facts = json.loads(line)
    assert facts == {"audio": "a.1.wav", "units": [12, 4]}


def test_text_of_vectors_reads_back_as_the_same_float32(tmp_path):
    table = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    units = [("a", np.array([4, 0, 4, 4])), ("b", np.array([1]))]
    save_vector_texts(tmp_path, units, lambda codes: table[codes])
    for name, codes in units:
        found = np.loadtxt(tmp_path / f"{name}.txt", dtype=np.float32, ndmin=2)
        np.testing.assert_array_equal(found, table[codes])
    lines = (tmp_path / "a.txt").read_text().split("\n")
    assert lines[0] == lines[2] == lines[3] != lines[1]
    assert len(lines) == 5
    assert lines[4] == ""  # one newline at the end
    assert all(line == line.strip() and "  " not in line for line in lines)


def test_one_hot_text_by_hand(tmp_path):
    save_vector_texts(tmp_path, [("a", np.array([2, 0]))], one_hot(3))
    assert (tmp_path / "a.txt").read_bytes() == b"0 0 1\n1 0 0\n"
    save_vector_texts(tmp_path, [("g", np.array([[1, 0], [1, 0], [0, 1]]))], one_hot(2))
    assert (tmp_path / "g.txt").read_bytes() == b"0 1 1 0\n0 1 1 0\n1 0 0 1\n"


def test_tensors_are_frames_of_float32(tmp_path):
    save_tensors(tmp_path, [("a.b", np.array([2, 0]))], one_hot(3))
    found = torch.load(tmp_path / "a.b.pt", weights_only=True)
    assert torch.equal(found, torch.tensor([[0.0, 0, 1], [1, 0, 0]]))


def centres(item, frames, hop, rate):
    """Frames whose centre is in a token, with fractions of the decimals that the file has."""
    start, end = (Fraction(f"{time:.4f}") for time in item[1:3])
    return [i for i in range(frames) if start <= Fraction(2 * i + 1, 2) * hop / rate <= end]


def token(start, end, utterance="a"):
    return Item(utterance, start, end, "AH", "K", "T", "s")


def test_a_token_that_holds_no_centre_is_left_out_and_counted():
    # 40 ms a frame: centres at 0.02 and 0.06.
    items = [token(0, 0.0199), token(0, 0.02), token(0.02, 0.06), token(0.021, 0.0599)]
    kept, short = fit_items([*items, token(0, 0.08, "without codes")], {"a": 2}, 640, 16000)
    assert kept == [items[1], items[2]]
    assert short == 2


def test_a_token_ends_where_the_frames_do():
    (item,), short = fit_items([token(0.01, 0.2)], {"a": 4}, 640, 16000)
    assert (item, short) == (token(0.01, 0.16), 0)
    assert fit_items([token(0.17, 0.2)], {"a": 4}, 640, 16000) == ([], 1)


@pytest.mark.parametrize(("hop", "rate"), [(640, 16000), (160, 8000), (64, 16000), (512, 44100)])
def test_tokens_are_kept_when_fractions_find_a_centre(hop, rate):
    rng = np.random.default_rng(hop)
    times = rng.uniform([0, 0.001], [0.5, 0.1], (80, 2)).round(4).tolist()
    items = [token(start, round(start + length, 4)) for start, length in times]
    frames = int(0.4 * rate / hop)
    kept, short = fit_items(items, {"a": frames}, hop, rate)
    held = [item for item in items if centres(item, frames, hop, rate)]
    assert [item[:2] for item in kept] == [item[:2] for item in held]
    assert short == 80 - len(held) > 0
    for item, whole in zip(kept, held, strict=True):
        # What fastabx slices, with its own formula: never behind the last frame.
        onset, offset = (Fraction(f"{time:.4f}") * rate / hop for time in item[1:3])
        half = Fraction(1, 2)
        first, last = -((half - onset) // 1), (offset - half) // 1
        assert list(range(first, last + 1)) == centres(whole, frames, hop, rate)
