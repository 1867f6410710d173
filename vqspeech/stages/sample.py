"""Unconditional speech: the prior draws codes, the decoder says them in a voice.

Section 4.3 of the paper: codes by ancestral sampling from the prior, then the waveform given them.
L frames, G groups, P frames of a prompt.
"""

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from vqspeech.audio.waveform import read_waveform, write_waveform
from vqspeech.data.code_file import RecordedCodes, save_codes
from vqspeech.data.targets import check_targets
from vqspeech.errors import InputError, UsageError
from vqspeech.generation.code_sampling import sample_codes
from vqspeech.generation.voice import Voice
from vqspeech.report.spectrograms import Panel, draw_spectrograms
from vqspeech.stages.find_prior import find_prior, load_matching
from vqspeech.stages.list_models import list_speakers
from vqspeech.stages.speaker_choice import describe_speaker, take_turns
from vqspeech.stages.unconditional import SECONDS, whole_frames

LONGEST_SECONDS, MOST_SAMPLES = 3600.0, 10_000  # what a disk and a day have room for
PANELS = 8  # of the picture


@dataclass(frozen=True)
class Sampled:
    """One sample that was written."""

    path: Path
    codes: Path
    speaker: str
    description: str  # gender and accent, as far as they are known: "female, British"
    samples: int
    sample_rate: int

    def __str__(self) -> str:
        seconds = self.samples / self.sample_rate
        line = f"{self.path}  {seconds:.2f} s  {self.sample_rate} Hz  {self.speaker}"
        return f"wrote {line}  {self.description}".rstrip()


@dataclass(frozen=True)
class Samples:
    """What was written, and how long it took."""

    files: tuple[Sampled, ...]
    picture: Path
    prior: str
    model: str
    prompt_seconds: float  # with which each file begins; 0 without a prompt
    codes_used: int
    num_codes: int
    seconds: float  # of work, to draw and to speak
    device: str

    @property
    def speech_seconds(self) -> float:
        """Of all files together."""
        return sum(item.samples / item.sample_rate for item in self.files)

    @property
    def real_time(self) -> float:
        """Seconds of speech a second of work."""
        return self.speech_seconds / max(self.seconds, 1e-9)


def draw_samples(
    out: str | os.PathLike,
    *,
    prior: str | os.PathLike | None = None,
    model: str | os.PathLike | None = None,
    speakers: Sequence[str] = (),
    seconds: float = SECONDS,
    count: int = 8,
    temperature: float = 1.0,
    top_k: int = 0,
    decoder_temperature: float | None = None,
    prompt: str | os.PathLike | None = None,
    prompt_seconds: float = 1.0,
    seed: int = 0,
    overwrite: bool = False,
    device: str = "auto",
    note: Callable[[str], None] = lambda text: None,
    progress: Callable[[int, int], None] | None = None,
) -> Samples:
    """Write `sample-001-<speaker>.wav`, its codes as `.npz`, and so on, and `samples.png`.

    The same arguments make the same files, on a CPU bit for bit, and sample number i is the same
    whatever the count.

    Args:
        out: the folder; its other files are left alone.
        prior: as in `find_prior`, as is `model`.
        speakers: whose voices take turns; those of `take_turns` without any. A prior that has a
            table of speakers is told of the same ones.
        seconds: how much is drawn, after the prompt.
        count: of samples.
        temperature: divides the logits of the prior; 0 takes the likeliest code.
        top_k: codes are drawn from the likeliest k alone; 0 is all.
        decoder_temperature: divides those of the decoder; the model's own without it.
        prompt: a recording whose first codes begin every sample, in the voice of the sample.
        prompt_seconds: how much of it.
        seed: of the random numbers.
        overwrite: replace files of these names.
        device: "auto" takes a CUDA device where there is one.
        note: told of what was changed or found for the user.
        progress: told (steps done, their total); a step draws a code or a sample of the waveform.

    Raises:
        UsageError: a number out of its range, or an unknown speaker.
        InputError: no prior, no model, two that do not fit, or a prompt without a whole code.
        MissingError: no prior is packaged, or no such device.
        WriteError: a file is there already and `overwrite` is not set, or cannot be written.
    """
    _check_numbers(seconds, count, temperature, top_k, decoder_temperature)
    net, voice, facts = load_matching(prior, model, device, note)
    if top_k > net.code_format.num_codes:
        raise UsageError(
            f"--top-k {top_k}: {facts['prior']} has {net.code_format.num_codes} codes; give at "
            "most as many"
        )
    rate = voice.model.code_rate
    frames = whole_frames(seconds, rate)
    rows = list_speakers(find_prior(prior, model)[1])
    named = [voice.speakers[voice.speaker_index(name)] for name in speakers] or take_turns(rows)
    names = list(islice(cycle(named), count))
    out = Path(out)
    paths = [out / f"sample-{i:03d}-{name}.wav" for i, name in enumerate(names, 1)]
    code_paths = [path.with_suffix(".npz") for path in paths]
    picture = out / "samples.png"
    sources = [] if prompt is None else [Path(prompt)]
    check_targets([*paths, *code_paths, picture], sources, overwrite=overwrite)
    given = None
    if prompt is not None:
        given = read_prompt(voice, prompt, prompt_seconds, note)
    voice.get_ready()

    began = time.perf_counter()
    length = frames + (0 if given is None else len(given))
    drawing, speaking = share_progress(progress, count * length, count * length * voice.hop)
    codes = sample_codes(
        net,
        length,
        [net.speaker_row(name) for name in names],
        seed=seed,
        temperature=temperature,
        top_k=top_k,
        prompt=given,
        progress=drawing,
    )
    shown: dict[int, np.ndarray] = {}

    def write(number: int, speech: np.ndarray) -> None:
        recorded = RecordedCodes(
            codes[number],
            voice.sample_rate,
            voice.hop,
            len(speech),
            voice.name,
            facts["model_hash"],
        )
        save_codes(code_paths[number], recorded)
        write_waveform(paths[number], speech, voice.sample_rate)
        if number < PANELS:
            shown[number] = speech

    voice.decode_batch(
        list(codes),
        names,
        seed=seed,
        temperature=decoder_temperature,
        progress=speaking,
        done=write,
    )
    spent = time.perf_counter() - began

    described = {row["speaker"]: describe_speaker(row) for row in rows}
    panels = [
        Panel(f"{paths[i].stem}  {described[names[i]]}".rstrip(), shown[i]) for i in sorted(shown)
    ]
    draw_spectrograms(picture, panels, voice.sample_rate)
    return Samples(
        files=tuple(
            Sampled(path, code_path, name, described[name], length * voice.hop, voice.sample_rate)
            for path, code_path, name in zip(paths, code_paths, names, strict=True)
        ),
        picture=picture,
        prior=facts["prior"],
        model=facts["model"],
        prompt_seconds=0.0 if given is None else len(given) / rate,
        codes_used=len(np.unique(codes)),
        num_codes=net.code_format.num_codes,
        seconds=spent,
        device=str(voice.device),
    )


def read_prompt(
    voice: Voice,
    prompt: str | os.PathLike,
    seconds: float,
    note: Callable[[str], None] = lambda text: None,
) -> np.ndarray:
    """The first codes of a recording: (P,) or (P, G), of all of it where it is shorter.

    Raises:
        UsageError: `seconds` is shorter than a code, or no number.
        InputError: no audio, or less than a code of it.
    """
    frames = whole_frames(seconds, voice.model.code_rate, "--prompt-seconds")
    waveform = read_waveform(prompt, voice.sample_rate)
    for text in waveform.notes:
        note(text)
    samples = waveform.samples
    whole = len(samples) // voice.hop
    if not whole:
        raise InputError(
            f"{prompt}: {len(samples)} samples at {voice.sample_rate} Hz, shorter than one code "
            f"({voice.hop} samples); give a longer prompt"
        )
    if whole < frames:
        note(
            f"{prompt}: {len(samples) / voice.sample_rate:.2f} s, shorter than --prompt-seconds "
            f"{seconds:g}; all of it is the prompt"
        )
        frames = whole
    # What a code is depends on the audio around it: as much more of it as the encoder sees.
    return voice.encode(samples[: frames * voice.hop + voice.model.encoder.context])[:frames]


def check_choice(option: str, temperature: float, top_k: int = 0) -> None:
    """Refuse a temperature or a top-k that nothing can be drawn by.

    Raises:
        UsageError: it names the option.
    """
    if not 0 <= temperature < math.inf:
        raise UsageError(f"{option} {temperature:g}: 0 (the likeliest) or more is wanted")
    if top_k < 0:
        raise UsageError(f"--top-k {top_k}: 0 (all codes) or more is wanted")


def _check_numbers(
    seconds: float,
    count: int,
    temperature: float,
    top_k: int,
    decoder_temperature: float | None,
) -> None:
    """Refuse what no model can do, before one is loaded."""
    if count < 1:
        raise UsageError(f"--count {count}: at least one sample is wanted")
    if count > MOST_SAMPLES:
        raise UsageError(f"--count {count}: at most {MOST_SAMPLES} at once; sample with more seeds")
    if not 0 < seconds <= LONGEST_SECONDS:
        raise UsageError(
            f"--seconds {seconds:g}: more than 0 and at most {LONGEST_SECONDS:g} is wanted"
        )
    check_choice("--temperature", temperature, top_k)
    if decoder_temperature is not None:
        check_choice("--decoder-temperature", decoder_temperature)


def share_progress(
    progress: Callable[[int, int], None] | None, codes: int, samples: int
) -> tuple[Callable[[int, int], None] | None, Callable[[int, int], None] | None]:
    """Progress of drawing and of speaking as parts of one count of steps."""
    if progress is None:
        return None, None
    total = codes + samples
    return (
        lambda done, of: progress(codes * done // max(of, 1), total),
        lambda done, of: progress(codes + samples * done // max(of, 1), total),
    )
