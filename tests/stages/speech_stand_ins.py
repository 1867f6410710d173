"""Stand-ins for a model and for the evaluators: a hum for a voice, heard by simple arithmetic.

A source is loud and quiet in its own rhythm; the voice hums that rhythm at the pitch of a speaker.
Who hums is known by the pitch, and what is said by the rhythm.
"""

from types import SimpleNamespace

import numpy as np

from vqspeech.audio.waveform import write_waveform
from vqspeech.data.data_dir import Utterance, write_data_dir
from vqspeech.stages.evaluators import Evaluators

RATE, FRAME = 8000, 160
PITCHES = {"p901": 250.0, "p902": 200.0, "p907": 125.0, "p908": 100.0}
GENDERS = {"p901": "f", "p902": "f", "p907": "m", "p908": "m"}
TEXTS = ("One two three four.", "The rain, the dust, the street!")


def rhythm(number, frames=60):
    """(frames,) loud and quiet, of each text its own."""
    return 0.1 + 0.4 * (np.random.default_rng(number).random(frames // 4) > 0.5).repeat(4)


def hum(loudness, hz):
    """(T,) float32 of the loudness of each frame."""
    samples = np.repeat(loudness, FRAME)
    return (samples * np.sin(2 * np.pi * hz * np.arange(len(samples)) / RATE)).astype(np.float32)


def write_hums(folder, *, name="test", speakers=tuple(PITCHES), has_text=True):
    """A data directory in which each of the speakers says both texts."""
    rows = []
    for speaker in speakers:
        for number, text in enumerate(TEXTS):
            path = folder / "audio" / f"{speaker}_{number}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_waveform(path, hum(rhythm(number), PITCHES[speaker]), RATE)
            said = text if has_text else None
            rows.append(Utterance(path.stem, speaker, path, said))
    write_data_dir(folder / name, rows, genders=GENDERS)
    return folder / name


class HummingVoice:
    """What the stages use of a `Voice`."""

    name, sample_rate, temperature, speakers = "hums", RATE, 0.8, tuple(PITCHES)
    through = "humming"

    def __init__(self, is_deaf=False):
        self.is_deaf = is_deaf  # whether everyone gets the voice of p908

    def get_ready(self):
        pass

    def encode(self, waveform):
        frames = waveform[: len(waveform) // FRAME * FRAME].reshape(-1, FRAME)
        return np.sqrt(2 * (frames**2).mean(axis=1))

    def decode_batch(self, codes, speakers, *, seed, temperature, progress, done):
        spoken = []
        for index, (loudness, speaker) in enumerate(zip(codes, speakers, strict=True)):
            hz = PITCHES["p908" if self.is_deaf else speaker]
            spoken.append(hum(np.append(loudness, 0.1), hz))  # a frame more than the source
            done(index, spoken[-1])
            progress(index + 1, len(codes))
        return spoken


class RhythmRecognizer:
    """Writes the text whose rhythm is nearest; of a voice at 100 Hz it loses the first word."""

    name, model, version = "rhythm", "tiny", "1"

    def transcribe(self, samples, sample_rate):
        loudness = HummingVoice().encode(samples)
        wanted = [rhythm(number)[: len(loudness)] for number in range(len(TEXTS))]
        distances = [np.abs(loudness - other).sum() for other in wanted]
        text = TEXTS[int(np.argmin(distances))]
        return text.split(maxsplit=1)[1] if pitch_of(samples) < 110 else text


class PitchEncoder:
    """An angle by the logarithm of the pitch; octaves are 45 degrees apart."""

    name, version = "angle", "2"

    def embed(self, samples, sample_rate):
        if not np.any(samples):
            return None
        angle = np.pi / 4 * np.log2(pitch_of(samples) / 100)
        return np.array([np.cos(angle), np.sin(angle)])


class HummingEvaluators(Evaluators):
    """Pitch by the largest line of the spectrum, which is faster than pYIN; all is voiced."""

    def track(self, samples):
        return np.full(len(samples) // FRAME, pitch_of(samples))


def humming_evaluators(**changes):
    judge = SimpleNamespace(name="judge", version="3", rate=lambda samples, rate: 3.0)
    parts = {"recognizer": RhythmRecognizer(), "encoder": PitchEncoder(), "judge": judge}
    return HummingEvaluators(RATE, **(parts | changes))


def pitch_of(samples):
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 15))
    return float(spectrum.argmax() * RATE / (1 << 15))
