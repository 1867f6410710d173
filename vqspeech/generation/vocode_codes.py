"""Codes as a vocoder speaks them: what the acoustic head says is to be heard, and made audible."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from vqspeech.generation.vocoder import vocode
from vqspeech.generation.voice_profile import VoiceProfile, keep_to_voice
from vqspeech.models.speech import SpeechVQVAE


@torch.inference_mode()
def vocode_codes(
    model: SpeechVQVAE,
    codes: Sequence[Tensor],
    rows: Sequence[int],
    profiles: Mapping[str, VoiceProfile],
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    done: Callable[[int, np.ndarray], None] | None = None,
) -> list[np.ndarray]:
    """Waveforms (L * hop,) float32 of codes (L,) or (L, G), one after another.

    Args:
        model: in evaluation mode, with an acoustic head.
        codes: int64, on the CPU.
        rows: of the speaker table, one for each.
        profiles: of the speakers, by name, as far as they are known.
        seed: of the noise; every one begins with the same.
        progress: told the samples made so far and their total.
        done: told the number and the waveform of each as soon as it is ready.
    """
    device, decoder = next(model.parameters()).device, model.decoder
    total, made = sum(map(len, codes)) * model.hop, 0
    waveforms = []
    for number, (item, row) in enumerate(zip(codes, rows, strict=True)):
        speech = torch.zeros(0)
        if len(item):
            speaker = torch.tensor([row], device=device)
            latents = model.latents(item[None].to(device))
            told = decoder.tell_acoustics(decoder.conditions(latents, speaker)[0])
            speech = vocode(
                *keep_to_voice(told, profiles.get(model.speakers[row])),
                *(model.sample_rate, decoder.acoustics.hop),
                torch.Generator().manual_seed(seed),
            )
        waveforms.append(speech.clamp(-1, 1).cpu().numpy())
        made += len(speech)
        if done is not None:
            done(number, waveforms[-1])
        if progress is not None:
            progress(made, total)
    return waveforms
