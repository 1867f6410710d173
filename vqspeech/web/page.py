"""The page: what is asked above, what is heard below.

What goes wrong is said on the page in the words of the command line, and what was heard before
goes away, so that nobody takes it for the answer.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vqspeech.audio.waveform import write_waveform
from vqspeech.errors import UsageError, VQSpeechError
from vqspeech.generation.voice import WAVENET, Voice
from vqspeech.stages.hear_conversion import MOST_SECONDS, HeardConversion, hear_conversion
from vqspeech.stages.speaker_choice import describe_speaker, take_turns
from vqspeech.web.results import codes_html, facts_html, heading_html, notice_html, picture_html

if TYPE_CHECKING:
    import gradio

TITLE = "vqspeech: the same words in another voice"
LIKELIEST = ""  # of the menu of stand-ins: the voice is chosen by likelihood
MOST_HEAT = 1.5  # of the slider of the temperature
CANDIDATES = 24  # voices that are tried, so that a model of hundreds answers as soon
WAITING = 8  # conversions that may wait for their turn


class Beginning(NamedTuple):
    """What the page shows before anything was asked."""

    recording: Path
    speaker: str
    temperature: float
    seed: int = 0


def build_page(
    voice: Voice,
    rows: Sequence[Mapping[str, str | None]],
    beginning: Beginning,
    is_over: Callable[[], bool] = lambda: False,
) -> "gradio.Blocks":
    """The page, to be mounted; it converts one recording at a time.

    Args:
        voice: who speaks.
        rows: of `list_speakers`.
        beginning: what is chosen at first.
        is_over: asked while speaking; true ends it.
    """
    import gradio as gr

    described = {row["speaker"]: describe_speaker(row) for row in rows}
    speakers = [(f"{name}  {words}".rstrip(), name) for name, words in described.items()]
    candidates = take_turns(rows)[:CANDIDATES]
    nearest: dict[str, str] = {}  # by recording: looked for once, whoever says it then
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True) as page:
        gr.HTML(heading_html(voice.name, voice.sample_rate, len(speakers)))
        with gr.Row(elem_id="asked"):
            with gr.Column(scale=3, min_width=300):
                recording = gr.Audio(
                    str(beginning.recording),
                    sources=["upload", "microphone"],
                    type="filepath",
                    label=f"Recording (the first {MOST_SECONDS:g} s of it)",
                    buttons=[],
                )
            with gr.Column(scale=3, min_width=300):
                speaker = gr.Dropdown(speakers, value=beginning.speaker, label="Say it as")
                stand_in = gr.Dropdown(
                    [("the likeliest voice", LIKELIEST), *speakers],
                    value=LIKELIEST,
                    label="Reconstruct it as",
                )
                with gr.Row():
                    temperature = gr.Slider(
                        *(0.0, max(MOST_HEAT, beginning.temperature)),
                        value=beginning.temperature,
                        step=0.01,
                        label="Temperature",
                        visible=voice.through == WAVENET,  # a vocoder has none
                    )
                    seed = gr.Number(
                        beginning.seed, precision=0, minimum=0, label="Seed", min_width=100
                    )
                button = gr.Button("Convert", variant="primary", elem_id="convert")
        notice = gr.HTML(elem_id="notice")
        with gr.Column(visible=False, elem_id="results") as results:
            heard = []
            with gr.Row():
                for label in ("Source", "Reconstruction", "Conversion"):
                    with gr.Column(min_width=290):
                        player = gr.Audio(
                            label=label, interactive=False, type="filepath", buttons=["download"]
                        )
                        heard += [player, gr.HTML()]
            facts, codes = gr.HTML(), gr.HTML()

        def convert(
            path: str | None,
            name: str,
            other: str,
            heat: float,
            number: int,
            progress: gr.Progress = gr.Progress(),  # noqa: B008  # gradio finds it so
        ) -> list[object]:
            def tell(what: str, done: int, total: int) -> None:
                if is_over():
                    raise CancelledError
                progress(done / total, desc=what)

            is_likeliest = other == LIKELIEST
            if is_likeliest and path in nearest:
                other = nearest[path]
            try:
                if path is None:
                    raise UsageError("no recording; pick a file, or record one")
                made = hear_conversion(
                    *(voice, path, name, [other] if other else candidates),
                    seed=number,
                    temperature=heat,
                    choosing=partial(tell, "comparing the recording with the voices"),
                    progress=partial(tell, "speaking"),
                )
                values = show(made, described, page.GRADIO_CACHE, is_likeliest=is_likeliest)
            except VQSpeechError as error:
                told = notice_html([_without_folder(str(error), path)], is_error=True)
                nothing = [None] * (len(heard) + 2)
                return [told, gr.Column(visible=False), *nothing]
            if is_likeliest:
                nearest[path] = made.stand_in
            told = notice_html([_without_folder(note, path) for note in made.notes])
            return [told, gr.Column(visible=True), *values]

        button.click(
            convert,
            [recording, speaker, stand_in, temperature, seed],
            [notice, results, *heard, facts, codes],
            api_visibility="private",
            show_progress_on=notice,
        )
    return page.queue(max_size=WAITING, default_concurrency_limit=1)


def show(
    made: HeardConversion, described: Mapping[str, str], folder: str, *, is_likeliest: bool
) -> list[str]:
    """What is shown of a conversion: three times a file of sound and a picture, facts, codes.

    Args:
        described: gender and accent by speaker, as far as they are known.
        folder: where a folder for the files is made.
        is_likeliest: whether the stand-in was chosen by likelihood, which is said.
    """
    stem = Path(made.name).stem
    how = " (of the voices, the one as whose the recording is likeliest)"
    titled = (
        (f"{stem}-source", made.source, "as it was recorded"),
        (
            f"{stem}-codes-as-{made.stand_in}",
            made.reconstruction,
            f"its codes, said by {_speaker(made.stand_in, described)}{how if is_likeliest else ''}",
        ),
        (
            f"{stem}-{made.speaker}",
            made.conversion,
            f"the same codes, said by {_speaker(made.speaker, described)}",
        ),
    )
    Path(folder).mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(dir=folder))
    values = []
    for number, (name, samples, words) in enumerate(titled, 1):
        path = place / f"{name}.wav"
        write_waveform(path, samples, made.sample_rate)
        values += [str(path), picture_html(number, words, samples, made.sample_rate)]
    return [*values, facts_html(made), codes_html(made)]


def _speaker(name: str, described: Mapping[str, str]) -> str:
    words = described.get(name)
    return f"{name}, {words}" if words else name


def _without_folder(text: str, path: str | None) -> str:
    """A message as a visitor knows the file: by its name, not by where the upload lies."""
    return text if path is None else text.replace(path, Path(path).name)
