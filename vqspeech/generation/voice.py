"""A trained speech model, ready to use: encode, decode, convert."""

import difflib
import os
import re
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vqspeech.audio.mulaw import mulaw_decode
from vqspeech.errors import InputError, MissingError, UsageError
from vqspeech.generation.uniforms import uniforms
from vqspeech.generation.wavenet_torch import sample_wavenet
from vqspeech.models.build import load_speech_vqvae
from vqspeech.models.speech import SpeechVQVAE

# Streams that are stepped together: the cost of a step hardly grows with them.
BATCH = 16
_VCTK_SPEAKER = re.compile(r"(p?[23]\d\d|s5)")


class Voice:
    """Speech to codes, codes to speech in any voice of the model.

    Args:
        model: a trained model; it is moved to the device and put in evaluation mode.
        device: where it computes.
        name: what errors call the model.
    """

    def __init__(
        self, model: SpeechVQVAE, device: torch.device | str = "cpu", name: str = "the model"
    ):
        self.model = model.to(device).eval()
        self.device = torch.device(device)
        self.name = name
        self.sample_rate = model.sample_rate
        self.hop = model.hop
        self.speakers = model.speakers

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
        samples = torch.as_tensor(np.asarray(waveform, dtype=np.float32))
        if samples.dim() != 1:
            raise ValueError(f"one channel (T,) is wanted, found {tuple(samples.shape)}")
        padded = self.model.pad(samples[None].to(self.device))
        return self.model.codes(padded)[0].cpu().numpy()

    def decode(
        self,
        codes: np.ndarray | Tensor,
        speaker: str,
        *,
        seed: int = 0,
        temperature: float = 1.0,
    ) -> np.ndarray:
        """A waveform (L * hop,) float32 that says the codes (L,) in the voice of `speaker`."""
        return self.decode_batch([codes], [speaker], seed=seed, temperature=temperature)[0]

    def convert(
        self,
        waveform: np.ndarray | Tensor,
        speaker: str,
        *,
        seed: int = 0,
        temperature: float = 1.0,
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
        temperature: float = 1.0,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[np.ndarray]:
        """Several `decode` at once, each drawn with the random numbers it would have alone.

        Args:
            codes: (L,) each, of any lengths.
            speakers: one for each.
            seed: of the random numbers; every item of a batch uses the same ones.
            temperature: divides the logits; 0 takes the likeliest level.
            progress: called with the samples drawn so far and their total.

        Raises:
            UsageError: an unknown speaker.
            InputError: a code the model does not have.
        """
        rows = [self.speaker_index(speaker) for speaker in speakers]
        arrays = [self._checked(item) for item in codes]
        # Like lengths go together: a batch steps as long as its longest.
        order = sorted(range(len(arrays)), key=lambda i: len(arrays[i]), reverse=True)
        order = [i for i in order if len(arrays[i])]
        groups = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
        total = sum(len(arrays[group[0]]) * self.hop for group in groups)
        done, results = 0, [np.zeros(0, np.float32)] * len(arrays)
        for group in groups:
            length = len(arrays[group[0]]) * self.hop
            told = None if progress is None else lambda n, done=done: progress(done + n, total)
            levels = self._sample(
                [arrays[i] for i in group], [rows[i] for i in group], seed, temperature, told
            )
            for row, i in zip(levels, group, strict=True):
                samples = row[: len(arrays[i]) * self.hop]
                results[i] = mulaw_decode(samples).cpu().numpy().astype(np.float32)
            done += length
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
        conditions = []
        for item, row in zip(codes, rows, strict=True):
            # One by one: padding must not reach the last frames through the convolutions.
            latents = self.model.latents(item[None].to(self.device))
            speaker = torch.tensor([row], device=self.device)
            condition = self.model.decoder.condition(latents, speaker)  # (1, L, N, G)
            missing = frames - condition.shape[1]
            conditions.append(torch.nn.functional.pad(condition, (0, 0, 0, 0, 0, missing)))
        u = torch.from_numpy(uniforms(seed, 0, 0, frames * self.hop))
        return sample_wavenet(
            self.model.decoder.wavenet,
            torch.cat(conditions),
            u.to(self.device).expand(len(codes), -1),
            hop=self.hop,
            temperature=temperature,
            progress=progress,
        )

    def _checked(self, codes: np.ndarray | Tensor) -> Tensor:
        array = torch.as_tensor(np.asarray(codes).astype(np.int64))
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


def packaged_models() -> dict[str, Path]:
    """Name and folder of each model that comes with the package."""
    folder = Path(str(resources.files("vqspeech"))) / "assets" / "models"
    if not folder.is_dir():
        return {}
    return {
        path.name: path for path in sorted(folder.iterdir()) if (path / "config.json").is_file()
    }


def load_voice(model: str | os.PathLike | None = None, device: torch.device | str = "cpu") -> Voice:
    """A `Voice` from a model folder, a checkpoint, a run, or the name of a packaged model.

    Args:
        model: the path or name; without it, the first packaged model.
        device: where it computes.

    Raises:
        MissingError: no model given and none packaged.
        InputError: the folder holds no speech model, or broken files.
    """
    packaged = packaged_models()
    if model is None:
        if not packaged:
            raise MissingError(
                "--model: no model comes with this version; egs/mini/run.sh trains one in "
                "minutes, then give --model egs/mini/exp/vqvae/best"
            )
        model = next(iter(packaged))
    path = packaged.get(str(model), Path(model))
    return Voice(load_speech_vqvae(path), device, name=str(model))
