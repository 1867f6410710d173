"""How far a model as ONNX is from the model in torch, on a recording of a person."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vqspeech.audio.waveform import read_waveform
from vqspeech.models.speech import SpeechVQVAE
from vqspeech.nn.wavenet import WaveNet
from vqspeech.stages.demo import packaged_recording

# Further from torch than rounding explains, and the export is wrong.
TOLERANCE, LEAST_EQUAL = 1e-4, 0.99
CHECK_SECONDS, CHECK_STEPS = 5.0, 200


class Comparison(NamedTuple):
    """How far onnxruntime is from torch; what the model lacks is None."""

    equal_codes: float  # share of the codes
    conditions: float  # largest difference, of the largest value where that is above 1
    logits: float  # the same, of steps that follow each other
    equal_lags: float | None = None  # share of the frames
    acoustics: float | None = None  # largest difference of envelope, pitch and voicing

    def known(self) -> dict[str, float]:
        """By name, without what the model lacks."""
        return {name: value for name, value in self._asdict().items() if value is not None}

    @property
    def is_rounding(self) -> bool:
        """Whether rounding explains all of it."""
        known = self.known()
        shares = [known.pop(name) for name in ("equal_codes", "equal_lags") if name in known]
        return min(shares) >= LEAST_EQUAL and max(known.values()) <= TOLERANCE


def compare(model: SpeechVQVAE, parts: dict[str, bytes]) -> Comparison:
    """Run the files and the model on the same recording, sample after sample.

    Args:
        parts: content of each ONNX file by its name.
    """
    sessions = {name.removesuffix(".onnx"): open_session(part) for name, part in parts.items()}
    recording = read_waveform(packaged_recording(), model.sample_rate).samples
    waveform = torch.from_numpy(recording[: round(CHECK_SECONDS * model.sample_rate)])[None]
    waveform = model.pad(waveform)  # (1, T)
    speaker = torch.tensor([len(model.speakers) - 1])
    wavenet, decoder = model.decoder.wavenet, model.decoder
    with torch.inference_mode():
        codes = model.codes(waveform)
        local, row = decoder.conditions(model.latents(codes), speaker)
        frames = wavenet.condition(local, row)  # (1, L, N, G)
        lags = wavenet.lags(local) if wavenet.lag_taps else None  # (1, L)
        (found_codes,) = sessions["encoder"].run(None, {"waveform": waveform.numpy()})
        asked = {"codes": codes.numpy(), "speaker": speaker.numpy()}
        found, *found_lags = sessions["conditions"].run(None, asked)
        acoustics = None
        if decoder.acoustics is not None:
            told = decoder.tell_acoustics(local)
            wanted = [x.numpy() for x in (told.envelope, told.hz, told.voiced)]
            given = sessions["acoustics"].run(None, asked)
            acoustics = max(map(_distance, given, wanted))
        return Comparison(
            float((found_codes == codes.numpy()).mean()),
            _distance(found, frames.numpy()),
            _compare_steps(wavenet, sessions["decoder_step"], frames, lags),
            None if lags is None else float((found_lags[0] == lags.numpy()).mean()),
            acoustics,
        )


def _compare_steps(wavenet: WaveNet, session, frames: Tensor, lags: Tensor | None) -> float:
    """Largest difference of logits, each step after the likeliest level of the one before.

    Args:
        frames: (1, L, N, G).
        lags: (1, L), where the WaveNet has lags.
    """
    first, count = 0, min(CHECK_STEPS, frames.shape[1] * wavenet.hop)
    if lags is not None:
        # Where the shortest lag stands: it soon reaches back to what was said.
        shortest = lags[0].where(lags[0] > 0, wavenet.longest_lag + 1).argmin()
        first = min(int(shortest), frames.shape[1] - -(-count // wavenet.hop))
    state, level = wavenet.start(1), None
    dilations, layers = np.array(wavenet.dilations), np.arange(len(wavenet.dilations))
    ring = np.zeros((max(dilations), len(layers), wavenet.residual_channels), np.float32)
    said = np.zeros(wavenet.longest_lag + wavenet.lag_taps, np.float32)
    about = np.arange(-wavenet.lag_taps, wavenet.lag_taps + 1)
    worst = 0.0
    for t in range(count):
        place = first + t // wavenet.hop
        frame, lag = frames[:, place], None if lags is None else lags[:, place]
        inputs = {
            "level": np.array([wavenet.num_classes if level is None else int(level)]),
            "past": ring[(t - dilations) % len(ring), layers][None],
            "condition": frame.numpy(),
        }
        if lag is not None:
            before = said[(t - int(lag) + about) % len(said)] * (int(lag) > 0)
            inputs["a_period_ago"] = before[None].astype(np.float32)
        logits, now = session.run(None, inputs)
        ring[t % len(ring)] = now[0]
        wanted, state = wavenet.step(level, state, frame, lag)
        worst = max(worst, _distance(logits, wanted.numpy()))
        level = wanted.argmax(1)
        if len(said):
            said[t % len(said)] = float(wavenet.scaled(level))
    return worst


def open_session(content: bytes):
    """What runs an ONNX file on one thread of the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _distance(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.abs(found - wanted).max() / max(1.0, np.abs(wanted).max()))
