"""A trained speech model, ready to use: encode, decode, convert."""

import difflib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vqspeech.audio.mulaw import mulaw_decode
from vqspeech.checkpoint import find_model, load_json, named_models, packaged_models
from vqspeech.devices import choose_device
from vqspeech.errors import InputError, MissingError, UsageError
from vqspeech.generation.uniforms import uniforms
from vqspeech.generation.vocode_codes import vocode_codes
from vqspeech.generation.voice_profile import VoiceProfile, profiles_of
from vqspeech.generation.wavenet_cpu import load_kernel, sample_wavenet_cpu
from vqspeech.generation.wavenet_torch import sample_wavenet
from vqspeech.models.build import load_speech_vqvae
from vqspeech.models.speech import SpeechVQVAE

# Streams that are stepped together. On an accelerator a step hardly costs more with them. On a CPU
# 4 give twice the samples a second of 1, 16 hardly more, and they wait for the longest of them.
BATCH, CPU_BATCH = 16, 4
PIECE_SECONDS = 10.0  # of a recording that is encoded at once
# What makes sound of the conditions: the model of the paper, sample after sample, or, where it has
# an acoustic head, a vocoder, which has no likelihood and is far cheaper.
WAVENET, VOCODER = "wavenet", "vocoder"
_VCTK_SPEAKER = re.compile(r"(p?[23]\d\d|s5)")


class Voice:
    """Speech to codes, codes to speech in any voice of the model.

    Args:
        model: a trained model; it is moved to the device and put in evaluation mode.
        device: where it computes.
        name: what errors call it.
        temperature: divides the logits where a call names no other.
        through: WAVENET or VOCODER.
        profiles: of speakers, by name; for the vocoder.

    Raises:
        UsageError: the vocoder, of a model without an acoustic head.
    """

    def __init__(
        self,
        model: SpeechVQVAE,
        device: torch.device | str = "cpu",
        name: str = "the model",
        temperature: float = 1.0,
        through: str = WAVENET,
        profiles: Mapping[str, VoiceProfile] | None = None,
    ):
        self.model = model.to(device).eval()
        self.device = torch.device(device)
        self.name = name
        self.temperature = temperature
        self.profiles = profiles or {}
        self.speak_through(through)
        self.sample_rate = model.sample_rate
        self.hop = model.hop
        self.speakers = model.speakers

    def speak_through(self, through: str) -> None:
        """Choose what makes the sound from now on: `WAVENET` or `VOCODER`.

        Raises:
            UsageError: neither of them, or the vocoder of a model that was not trained for it.
        """
        if through not in (WAVENET, VOCODER):
            raise UsageError(f"--through {through}: {WAVENET} or {VOCODER} was wanted")
        if through == VOCODER and self.model.decoder.acoustics is None:
            raise UsageError(
                f"--through {VOCODER}: {self.name} was trained without decoder.acoustic_bands; "
                f"take {WAVENET}, or train it anew with them"
            )
        self.through = through

    def get_ready(self) -> None:
        """Load what the first `decode` would load, the compiled sampler of a CPU."""
        if self.device.type == "cpu" and self.through == WAVENET:
            load_kernel()

    def speaker_index(self, speaker: str) -> int:
        """Row of a speaker in the model's table; `225` is taken for `p225`.

        Raises:
            UsageError: unknown; the message names the nearest speakers.
        """
        for name in (speaker, f"p{speaker}"):
            if name in self.speakers:
                return self.speakers.index(name)
        close = difflib.get_close_matches(speaker, self.speakers, n=3, cutoff=0.3)
        close = close or list(self.speakers[:3])
        message = (
            f"--speaker {speaker}: not one of the {len(self.speakers)} speakers of {self.name} "
            f"(close: {', '.join(close)}; see 'vqspeech speakers')"
        )
        if _VCTK_SPEAKER.fullmatch(speaker):
            message += (
                f"; {speaker} speaks in VCTK: egs/vctk/run.sh makes a model of it, "
                "then give --model egs/vctk/exp/vqvae/best"
            )
        raise UsageError(message)

    @torch.inference_mode()
    def encode(self, waveform: np.ndarray | Tensor) -> np.ndarray:
        """Codes (L,) int64 of a waveform (T,) at `sample_rate`; (L, G) where the model has groups.

        L = ceil(T / hop): the end is filled up with silence to a whole frame.
        """
        samples = _checked_waveform(waveform).to(self.device)
        padded = self.model.pad(samples[None])  # (1, L * hop)
        frames, hop = padded.shape[1] // self.hop, self.hop
        # In pieces with as much more on both sides as a frame sees, so that memory does not grow
        # with the length and the codes are those of the whole.
        piece = max(1, round(PIECE_SECONDS * self.model.code_rate))
        margin = -(-self.model.encoder.context // hop)
        codes = []
        for start in range(0, max(frames, 1), piece):
            first, last = max(start - margin, 0), min(start + piece + margin, frames)
            part = self.model.codes(padded[:, first * hop : last * hop])[0]
            codes.append(part[start - first : start - first + piece].cpu())
        return torch.cat(codes).numpy()

    def decode(
        self,
        codes: np.ndarray | Tensor,
        speaker: str,
        *,
        seed: int = 0,
        temperature: float | None = None,
    ) -> np.ndarray:
        """A waveform (L * hop,) float32 that says the codes (L,) in the voice of `speaker`."""
        return self.decode_batch([codes], [speaker], seed=seed, temperature=temperature)[0]

    def convert(
        self,
        waveform: np.ndarray | Tensor,
        speaker: str,
        *,
        seed: int = 0,
        temperature: float | None = None,
    ) -> np.ndarray:
        """The waveform (T,), said by `speaker`: (T,) float32."""
        speech = self.decode(self.encode(waveform), speaker, seed=seed, temperature=temperature)
        return speech[: len(waveform)]

    @torch.inference_mode()
    def decode_batch(
        self,
        codes: Sequence[np.ndarray | Tensor],
        speakers: Sequence[str],
        *,
        seed: int = 0,
        temperature: float | None = None,
        progress: Callable[[int, int], None] | None = None,
        done: Callable[[int, np.ndarray], None] | None = None,
    ) -> list[np.ndarray]:
        """Several `decode` at once, each drawn with the random numbers it would have alone.

        Args:
            codes: (L,) each, of any lengths.
            speakers: one for each.
            seed: of the random numbers; every item of a batch uses the same ones.
            temperature: divides the logits; 0 takes the likeliest level; the voice's own when None.
                A vocoder has none.
            progress: called with the samples drawn so far and their total.
            done: called with the number and the waveform of each item as soon as it is ready.

        Raises:
            UsageError: an unknown speaker.
            InputError: a code the model does not have.
        """
        rows = [self.speaker_index(speaker) for speaker in speakers]
        arrays = [self._checked(item) for item in codes]
        if self.through == VOCODER:
            return vocode_codes(self.model, arrays, rows, self.profiles, seed, progress, done)
        temperature = self.temperature if temperature is None else temperature
        # Like lengths go together: a batch steps as long as its longest.
        order = sorted(range(len(arrays)), key=lambda i: len(arrays[i]), reverse=True)
        if done is not None:
            for i in order:
                if not len(arrays[i]):
                    done(i, np.zeros(0, np.float32))
        order = [i for i in order if len(arrays[i])]
        batch = CPU_BATCH if self.device.type == "cpu" else BATCH
        groups = [order[i : i + batch] for i in range(0, len(order), batch)]
        total = sum(len(arrays[group[0]]) * self.hop for group in groups)
        drawn, results = 0, [np.zeros(0, np.float32)] * len(arrays)
        for group in groups:
            length = len(arrays[group[0]]) * self.hop
            told = None if progress is None else lambda n, drawn=drawn: progress(drawn + n, total)
            levels = self._sample(
                [arrays[i] for i in group], [rows[i] for i in group], seed, temperature, told
            )
            for row, i in zip(levels, group, strict=True):
                samples = row[: len(arrays[i]) * self.hop]
                results[i] = mulaw_decode(samples).cpu().numpy().astype(np.float32)
                if done is not None:
                    done(i, results[i])
            drawn += length
        return results

    def _sample(
        self,
        codes: Sequence[Tensor],
        rows: Sequence[int],
        seed: int,
        temperature: float,
        progress: Callable[[int], None] | None,
    ) -> Tensor:
        """Levels (B, T) of codes sorted by length, the longest first."""
        frames = len(codes[0])
        decoder = self.model.decoder
        local, global_ = [], []
        for item, row in zip(codes, rows, strict=True):
            # One by one: padding must not reach the last frames through the convolutions.
            latents = self.model.latents(item[None].to(self.device))
            told, who = decoder.conditions(latents, torch.tensor([row], device=self.device))
            local.append(F.pad(told, (0, frames - len(item))))  # (1, C, L)
            global_.append(who)  # (1, S)
        u = torch.from_numpy(uniforms(seed, 0, 0, frames * self.hop)).to(self.device)
        sample = sample_wavenet_cpu if self.device.type == "cpu" else sample_wavenet
        return sample(
            decoder.wavenet,
            u.expand(len(codes), -1),
            torch.cat(local),
            torch.cat(global_),
            temperature=temperature,
            progress=progress,
        )

    def _checked(self, codes: np.ndarray | Tensor) -> Tensor:
        array = torch.as_tensor(codes).detach().cpu().to(torch.int64)
        quantizer = self.model.quantizer
        wanted = 1 if quantizer.groups == 1 else 2
        if array.dim() != wanted or (wanted == 2 and array.shape[1] != quantizer.groups):
            raise InputError(
                f"codes of shape {tuple(array.shape)}: {self.name} wants "
                + ("(L,)" if wanted == 1 else f"(L, {quantizer.groups})")
            )
        if array.numel() and not 0 <= int(array.min()) <= int(array.max()) < quantizer.num_codes:
            raise InputError(
                f"codes from {int(array.min())} to {int(array.max())}: {self.name} has "
                f"{quantizer.num_codes} codes; give the model that made them"
            )
        return array


def _checked_waveform(waveform: np.ndarray | Tensor) -> Tensor:
    """(T,) float32, refused where a caller most likely meant something else."""
    samples = torch.as_tensor(waveform).detach()
    if samples.dim() != 1:
        raise ValueError(f"one channel (T,) is wanted, found {tuple(samples.shape)}")
    if not samples.is_floating_point():
        raise ValueError(f"float samples in [-1, 1] are wanted, found {samples.dtype}; rescale")
    if not torch.isfinite(samples).all():
        raise ValueError("the waveform holds NaN or infinity")
    return samples.float()


def load_voice(model: str | os.PathLike | None = None, device: torch.device | str = "cpu") -> Voice:
    """A `Voice` from a model folder, a checkpoint, a run, or the name of a model.

    Args:
        model: the path, or the name of a packaged model or of one of this checkout; without it,
            the first packaged model.
        device: where it computes; "auto" takes a CUDA device where there is one.

    Raises:
        MissingError: no model given and none packaged, or no such device.
        InputError: the folder holds no speech model, or broken files.
    """
    if model is None:
        packaged = packaged_models()
        if not packaged:
            raise MissingError(
                "--model: no model comes with this version; egs/mini/run.sh trains one in "
                "minutes, then give --model egs/mini/exp/vqvae/best"
            )
        model = next(iter(packaged))
    path = named_models().get(str(model), Path(model))
    place = find_model(path) / "config.json"
    loaded = load_speech_vqvae(path)
    temperature = load_json(place).get("temperature", 1.0)
    if not isinstance(temperature, int | float) or not 0 <= temperature <= 10:
        raise InputError(f"{place}: temperature {temperature}; a number from 0 to 10 was wanted")
    through = load_json(place).get("through", WAVENET)
    if through not in (WAVENET, VOCODER):
        raise InputError(f"{place}: through {through}; {WAVENET} or {VOCODER} was wanted")
    profiles = profiles_of(load_json(place), loaded.decoder.acoustics, str(place))
    where, name = choose_device(str(device)), str(model)
    return Voice(loaded, where, name, float(temperature), through, profiles)
