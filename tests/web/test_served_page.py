"""What the button of the page gives: the files of convert, or a message in words."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from vqspeech.audio.waveform import write_waveform
from vqspeech.generation.voice import Voice
from vqspeech.stages.convert import convert_files

gradio = pytest.importorskip("gradio", reason="the page needs the extra vqspeech[web]")

from vqspeech.web import page as module  # noqa: E402
from vqspeech.web.page import Beginning, build_page  # noqa: E402

ROWS = (
    {"speaker": "p901", "gender": "f", "accent": "American"},
    {"speaker": "p907", "gender": "m", "accent": None},
    {"speaker": "<b>", "gender": None, "accent": None},
)


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "hum.wav"
    write_waveform(path, (0.4 * np.sin(np.arange(2001) / 20)).astype(np.float32), 16000)
    return path


@pytest.fixture
def voice(make_model):
    return Voice(make_model([row["speaker"] for row in ROWS]), name="a<b")


async def built_in_a_loop(*arguments, **options):
    """Without a loop that runs gradio makes some that nobody closes."""
    return build_page(*arguments, **options)


@pytest.fixture
def press(voice, recording, tmp_path, monkeypatch):
    """What comes of the button: the notice, whether results are shown, and their values."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    built = asyncio.run(built_in_a_loop(voice, ROWS, Beginning(recording, "p907", 0.8)))

    def press(path, name="p907", other="p901", heat=0.9, seed=5):
        (button,) = (fn for fn in built.fns.values() if fn.fn is not None)
        path = None if path is None else str(path)
        notice, results, *values = button.fn(path, name, other, heat, seed)
        return notice, results.visible, values

    press.page = built
    return press


def test_the_button_gives_the_samples_of_convert_with_the_same_seed(
    press, voice, recording, tmp_path
):
    notice, is_shown, values = press(recording)
    assert (notice, is_shown) == ("", True)
    for player, name in ((2, "p901"), (4, "p907")):
        target = tmp_path / f"{name}.wav"
        convert_files(voice, [recording], [name], target, seed=5, temperature=0.9)
        assert Path(values[player]).read_bytes() == target.read_bytes()
    assert Path(values[0]).read_bytes() == recording.read_bytes()
    assert [Path(values[i]).name for i in (0, 2, 4)] == [
        "hum-source.wav",
        "hum-codes-as-p901.wav",
        "hum-p907.wav",
    ]
    for picture in (1, 3, 5, 7):
        assert "<svg" in values[picture]
    assert "its codes, said by p901, female, American<" in values[3]
    assert "the same codes, said by p907, male<" in values[5]
    assert "126, " in values[6]  # ceil(2001 / 16) codes
    assert "4000, of 256,000 in the recording at 16 kHz" in values[6]


def test_the_likeliest_voice_is_looked_for_once_for_a_recording(press, recording, monkeypatch):
    asked = []
    wrapped = module.hear_conversion

    def watch(voice, path, name, stand_ins, **options):
        asked.append(stand_ins)
        return wrapped(voice, path, name, stand_ins, **options)

    monkeypatch.setattr(module, "hear_conversion", watch)
    first = press(recording, other=module.LIKELIEST)[2]
    again = press(recording, other=module.LIKELIEST, name="p901")[2]
    assert sorted(asked[0]) == ["<b>", "p901", "p907"]
    assert len(asked[1]) == 1
    assert Path(first[2]).name == Path(again[2]).name == f"hum-codes-as-{asked[1][0]}.wav"
    for values in (first, again):
        assert "(of the voices, the one as whose the recording is likeliest)" in values[3]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no recording; pick a file, or record one"),
        (np.zeros(4000), "a.wav: silence; check the microphone, or take another recording"),
        (b"no audio, but some words of text", "a.wav: not readable as audio"),
    ],
)
def test_what_cannot_be_converted_is_said_and_nothing_is_shown(press, tmp_path, content, message):
    path = None
    if content is not None:
        path = tmp_path / "a.wav"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            write_waveform(path, content.astype(np.float32), 16000)
    notice, is_shown, values = press(path)
    assert notice.startswith(f"<p role='alert' class='error'>{message}")
    assert str(tmp_path) not in notice
    assert not is_shown
    assert values == [None] * 8


def test_what_was_changed_in_a_recording_is_told_by_its_name(press, tmp_path):
    path = tmp_path / "<i>.wav"
    write_waveform(path, np.full(4000, 0.3, np.float32), 8000)
    notice, is_shown, values = press(path, name="<b>")
    assert is_shown
    assert notice == (
        "<p role='status' class='note'>&lt;i&gt;.wav: 8000 Hz mono -&gt; 16000 Hz mono</p>"
    )
    assert "said by &lt;b&gt;<" in values[5]


def test_a_server_that_ends_ends_the_voices(voice, recording, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    beginning = Beginning(recording, "p907", 0.8)
    built = asyncio.run(built_in_a_loop(voice, ROWS, beginning, lambda: True))
    (button,) = (fn for fn in built.fns.values() if fn.fn is not None)
    with pytest.raises(module.CancelledError):
        button.fn(str(recording), "p907", "p901", 0.9, 5)


def test_one_conversion_is_made_at_a_time_and_no_api_is_offered(press):
    (button,) = (fn for fn in press.page.fns.values() if fn.fn is not None)
    assert button.concurrency_limit == "default"
    assert press.page._queue.default_concurrency_limit == 1
    assert button.api_visibility == "private"
    assert not press.page.analytics_enabled
