"""The tour: one recording in several voices, its codes, and a picture of them all."""

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from importlib import resources
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from vqspeech.analysis.rhythm import energy_correlation
from vqspeech.audio.pitch import Pitch, median_pitch
from vqspeech.audio.waveform import read_waveform, write_waveform
from vqspeech.data.code_labels import save_text_grid
from vqspeech.data.targets import check_targets
from vqspeech.generation.voice import Voice, load_voice
from vqspeech.models.build import load_speech_prior
from vqspeech.report.spectrograms import Panel, draw_spectrograms
from vqspeech.stages.convert import Converted
from vqspeech.stages.find_prior import prior_of
from vqspeech.stages.list_models import list_speakers
from vqspeech.stages.speaker_choice import choose_speakers, describe_speaker, take_turns
from vqspeech.stages.unconditional import draw_speech

UNCONDITIONAL = 2  # samples from the prior
COMPILING_SECONDS = 3.0  # loading what is compiled takes less


@dataclass(frozen=True)
class Measured:
    """What numbers say of how a recording sounds."""

    pitch: Pitch
    energy_correlation: float  # with the source: 1 is the same rhythm; nan where there is none


@dataclass(frozen=True)
class DemoVoice:
    """One conversion of the demo."""

    converted: Converted
    description: str  # gender and accent, as far as they are known: "female, British"
    measured: Measured | None = None  # where it was asked for


@dataclass(frozen=True)
class Unconditional:
    """Speech of the demo that nobody said."""

    path: Path
    speaker: str
    description: str
    seconds: float


@dataclass(frozen=True)
class Demo:
    """What was written, and how long the speech took."""

    recording: Path  # what was converted
    source: Path  # its copy at the model's rate
    text_grid: Path
    picture: Path
    voices: tuple[DemoVoice, ...]
    source_measured: Measured | None
    frames: int
    code_rate: float  # codes a second
    codes_used: int
    num_codes: int
    seconds: float  # of work, to encode and to speak
    at_a_time: int  # conversions
    device: str
    unconditional: tuple[Unconditional, ...] = ()  # where the model has a prior
    unconditional_picture: Path | None = None


def packaged_recording() -> Path:
    """The recording of a person that comes with the package."""
    return Path(str(resources.files("vqspeech"))) / "assets" / "recording" / "librivox.flac"


def run_demo(
    out: str | os.PathLike,
    *,
    model: str | os.PathLike | None = None,
    source: str | os.PathLike | None = None,
    speakers: Sequence[str] | None = None,
    seed: int = 0,
    temperature: float | None = None,
    through: str | None = None,
    jobs: int | None = None,
    device: str = "auto",
    measure: bool = False,
    note: Callable[[str], None] = lambda text: None,
    progress: Callable[[int, int], None] | None = None,
) -> Demo:
    """Convert a recording into several voices and show what was done.

    Writes `source.wav`, `<recording>-<speaker>.wav` for each voice, `<recording>.TextGrid` and
    `spectrograms.png`; files of these names are replaced, others are left alone. The voices are
    those of `convert_files` with the same seed, on a CPU bit for bit. Where the model has a prior
    (see `prior_of`), also `unconditional-<number>-<speaker>.wav`, a woman and a man, and
    `unconditional.png`.

    Args:
        out: the folder.
        model: the first packaged model without it.
        source: the packaged recording without it.
        speakers: two women and two men without it (see `choose_speakers`).
        seed: of the random numbers.
        temperature: divides the logits of the decoder; the model's own without it.
        through: "wavenet" or "vocoder"; the model's own without it.
        jobs: conversions at a time; two without it, or one where there is one core.
        device: where the model computes; "auto" takes a CUDA device where there is one.
        measure: pitch and rhythm too; it takes some seconds more.
        note: told what had to be changed in the recording.
        progress: told (samples drawn, their total), from the threads that draw, one at a time.

    Raises:
        MissingError: no model given and none packaged, or no such device.
        InputError: no model or no audio where they were said to be.
        UsageError: an unknown speaker, or a file that would replace the recording itself.
        WriteError: a file cannot be written, as far as possible said before the work.
    """
    if jobs is None:
        jobs = min(2, os.cpu_count() or 1)
    elif jobs < 1:
        raise ValueError(f"{jobs} conversions at a time: at least 1 is wanted")
    recording = Path(source) if source is not None else packaged_recording()
    voice = load_voice(model, device)
    if through is not None:
        voice.speak_through(through)
    rows = list_speakers(model)
    chosen = [voice.speakers[voice.speaker_index(name)] for name in speakers or ()]
    chosen = list(dict.fromkeys(chosen)) or choose_speakers(rows)
    out = Path(out)
    copy, picture = out / "source.wav", out / "spectrograms.png"
    text_grid = out / f"{recording.stem}.TextGrid"
    targets = {name: out / f"{recording.stem}-{name}.wav" for name in chosen}
    prior_path = prior_of(model)
    unasked = _unconditional_targets(out, rows, chosen) if prior_path is not None else {}
    unasked_picture = out / "unconditional.png" if unasked else None
    wanted = [copy, *targets.values(), text_grid, picture, *unasked]
    wanted += [unasked_picture] if unasked else []
    check_targets(wanted, [recording], overwrite=True)

    waveform = read_waveform(recording, voice.sample_rate)
    for text in waveform.notes:
        note(text)
    samples, rate = waveform.samples, voice.sample_rate
    began = time.perf_counter()
    voice.get_ready()
    waited = time.perf_counter() - began
    if waited > COMPILING_SECONDS:
        note(f"compiled the sampler in {waited:.0f} s; later runs find it ready")
    began = time.perf_counter()
    codes = voice.encode(samples)
    speech: dict[str, np.ndarray] = {}

    def write(speaker: str, drawn: np.ndarray) -> None:
        speech[speaker] = drawn[: len(samples)]
        write_waveform(targets[speaker], speech[speaker], rate)

    _speak(voice, codes, chosen, write, seed, temperature, jobs, progress)
    spent = time.perf_counter() - began
    # After the voices: a demo that was stopped leaves no codes beside the voices of another.
    write_waveform(copy, samples, rate)
    save_text_grid(text_grid, codes, hop=voice.hop, sample_rate=rate, samples=len(samples))
    speed = len(chosen) * len(samples) / rate / max(spent, 1e-9)

    described = {row["speaker"]: describe_speaker(row) for row in rows}
    panels = [Panel(f"source: {recording.name}", samples)]
    panels += [Panel(f"{name}  {described[name]}".rstrip(), speech[name]) for name in chosen]
    draw_spectrograms(picture, panels, rate)
    unconditional = []
    if unasked:
        prior = load_speech_prior(prior_path).to(voice.device)
        names = list(unasked.values())
        drawn = draw_speech(prior, voice, names, seed=seed, temperature=temperature)
        panels = []
        for (path, name), made in zip(unasked.items(), drawn, strict=True):
            write_waveform(path, made, rate)
            panels.append(Panel(f"{path.stem}  {described[name]}".rstrip(), made))
            unconditional.append(Unconditional(path, name, described[name], len(made) / rate))
        draw_spectrograms(unasked_picture, panels, rate)

    measured: dict[str | None, Measured] = {}
    if measure:
        measured = {name: _measure(samples, speech[name], rate) for name in chosen}
        measured[None] = _measure(samples, samples, rate)
    voices = []
    for name in chosen:
        item = Converted(targets[name], recording, name, len(samples), rate, speed)
        voices.append(DemoVoice(item, described[name], measured.get(name)))
    return Demo(
        recording=recording,
        source=copy,
        text_grid=text_grid,
        picture=picture,
        voices=tuple(voices),
        source_measured=measured.get(None),
        frames=len(codes),
        code_rate=voice.model.code_rate,
        codes_used=len(np.unique(codes)),
        num_codes=voice.model.quantizer.num_codes,
        seconds=spent,
        at_a_time=min(jobs, len(chosen)),
        device=str(voice.device),
        unconditional=tuple(unconditional),
        unconditional_picture=unasked_picture,
    )


def _unconditional_targets(
    out: Path, rows: Sequence[Mapping[str, str | None]], chosen: Sequence[str]
) -> dict[Path, str]:
    """The files of unconditional speech, each with its voice: of those chosen, in turn."""
    names = take_turns([row for row in rows if row["speaker"] in chosen])
    names = islice(cycle(names), UNCONDITIONAL)
    return {out / f"unconditional-{i}-{name}.wav": name for i, name in enumerate(names, 1)}


def _measure(source: np.ndarray, speech: np.ndarray, sample_rate: int) -> Measured:
    alike = energy_correlation(source, speech, sample_rate)
    return Measured(median_pitch(speech, sample_rate), alike)


def _speak(
    voice: Voice,
    codes: np.ndarray,
    speakers: Sequence[str],
    done: Callable[[str, np.ndarray], None],
    seed: int,
    temperature: float | None,
    jobs: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Say the codes as each speaker, `jobs` at a time; `done` gets each in the calling thread."""
    lock, is_over, drawn = threading.Lock(), threading.Event(), dict.fromkeys(speakers, 0)

    def speak(speaker: str) -> np.ndarray:
        def tell(samples: int, total: int) -> None:
            # A thread cannot be stopped from outside; it asks at each step of its progress.
            if is_over.is_set():
                raise CancelledError
            with lock:
                drawn[speaker] = samples
                if progress is not None:
                    progress(sum(drawn.values()), total * len(speakers))

        return voice.decode_batch(
            [codes], [speaker], seed=seed, temperature=temperature, progress=tell
        )[0]

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        try:
            futures = {pool.submit(speak, speaker): speaker for speaker in speakers}
            for future in as_completed(futures):
                done(futures[future], future.result())
        except BaseException:  # an error of one voice, or a signal while waiting
            is_over.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
