"""Actions as text: what was written is followed, and what nobody can follow is one line."""

import pytest

from recipes.video.action_list import MOST_FRAMES, format_actions, parse_actions
from vqspeech.errors import InputError

NAMES = ("forward", "right", "left", "look up")


@pytest.mark.parametrize(
    ("text", "actions"),
    [
        ("forward*10", (0,) * 10),
        ("right", (1,)),
        ("forward*3,left*2,right*5", (0, 0, 0, 2, 2, 1, 1, 1, 1, 1)),
        (" forward * 2 ,\tlook up, left*01 ", (0, 0, 3, 2)),
        (f"left*{MOST_FRAMES}", (2,) * MOST_FRAMES),
    ],
)
def test_a_list_is_read_from_left_to_right(text, actions):
    assert parse_actions(text, NAMES) == actions


@pytest.mark.parametrize("text", ["forward", "forward*3,left,right*2", "look up*12"])
def test_actions_are_written_as_they_are_read(text):
    assert format_actions(parse_actions(text, NAMES), NAMES) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("forwad*3", "no action is called forwad (did you mean forward?); there are forward, righ"),
        ("Right", "no action is called Right (did you mean right?)"),
        ("jump", "no action is called jump; there are forward, right, left, look up"),
        ("forward\nleft", "no action is called forward\\nleft"),
        ("", "an entry without a name"),
        ("forward,,left", "an entry without a name"),
        ("*3", "an entry without a name"),
        ("forward*0", "'0' is no number of times for forward"),
        ("forward*-2", "'-2' is no number"),
        ("forward*", "'' is no number"),
        ("forward*2.5", "'2.5' is no number"),
        ("forward*2*2", "'2*2' is no number"),
        ("forward*" + "9" * 5000, "is no number of times"),
        ("forward*1001", "1001 actions, at most 1000 are followed; give fewer"),
        ("forward*600,left*600", "1200 actions"),
    ],
)
def test_a_list_that_cannot_be_followed_is_one_line(text, message):
    with pytest.raises(InputError) as caught:
        parse_actions(text, NAMES)
    told = str(caught.value)
    assert told.startswith("--actions ")
    assert message in told
    assert "\n" not in told
    assert len(told) < 250
