"""The VQ-VAE of section 3: encoder, quantiser and a decoder that is a likelihood.

It counts no axes: latents may lie on one (speech), two (images) or three (video). Encoders and
decoders have channels second, (B, D, *axes); quantisers have them last, (B, *axes, D).
"""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from vqspeech.nn.quantizer import Quantized


class Likelihood(NamedTuple):
    """How well targets are predicted: nats summed over each example, and what was summed."""

    nats: Tensor  # (B,) float32
    elements: Tensor  # (B,) int64

    @property
    def nats_per_element(self) -> Tensor:
        """() the mean over all elements of the batch."""
        return self.nats.sum() / self.elements.sum().clamp(min=1)


class Decoder(Protocol):
    """p(x | z_q) of equation 3; how it is sampled from is its own affair."""

    def nll(
        self,
        target: Tensor,
        latents: Tensor,
        condition: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> Likelihood:
        """-log p(target | latents, condition).

        Args:
            target: (B, ...) what is predicted.
            latents: (B, D, *axes).
            condition: (B, ...) what the decoder is told besides, such as the speaker.
            lengths: (B,) elements of each example that count; all without it.
        """
        ...


class VQVAEOutput(NamedTuple):
    """One pass: the likelihood, the bottleneck's terms, and what its update needs."""

    likelihood: Likelihood
    quantized: Quantized
    encoded: Tensor  # (B, *axes, D) before quantisation


class VQVAE(nn.Module):
    """Encoder, bottleneck and decoder under equation 3.

    Args:
        encoder: (B, C, ...) to (B, D, *axes).
        quantizer: a bottleneck as `vqspeech.nn.quantizer.VectorQuantizer`.
        decoder: a `Decoder`.
    """

    def __init__(self, encoder: nn.Module, quantizer: nn.Module, decoder: nn.Module):
        super().__init__()
        self.encoder = encoder
        self.quantizer = quantizer
        self.decoder = decoder

    def encode(self, x: Tensor) -> Tensor:
        """z_e(x), channels last: (B, *axes, D)."""
        return self.encoder(x).movedim(1, -1)

    def codes(self, x: Tensor) -> Tensor:
        """q(z | x), equation 1: (B, *axes) int64, or (B, *axes, G) with several groups."""
        return self.quantizer(self.encode(x)).codes

    def latents(self, codes: Tensor) -> Tensor:
        """z_q of given codes, as the decoder takes it: (B, D, *axes)."""
        return self.quantizer.lookup(codes).movedim(-1, 1)

    def forward(
        self,
        x: Tensor,
        target: Tensor,
        condition: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> VQVAEOutput:
        """Encode x, quantise, and score the target."""
        encoded = self.encode(x)
        quantized = self.quantizer(encoded)
        latents = self.disturb(quantized.latents).movedim(-1, 1)
        return VQVAEOutput(
            self.decoder.nll(target, latents, condition, lengths), quantized, encoded
        )

    def disturb(self, latents: Tensor) -> Tensor:
        """What training does to latents (B, *axes, D) on their way to the decoder: nothing here."""
        return latents

    @staticmethod
    def losses(output: VQVAEOutput) -> dict[str, Tensor]:
        """Equation 3 with its terms apart; `loss` is minimised.

        The reconstruction term is in nats an element, so that the commitment cost means the same
        for every crop length; the quantiser's terms are averaged over the latents, as the paper
        says below equation 3.
        """
        nll = output.likelihood.nats_per_element
        return {
            "loss": nll + output.quantized.loss,
            "nll": nll,
            "codebook": output.quantized.codebook_loss,
            "commitment": output.quantized.commitment_loss,
        }

    @torch.no_grad()
    def update_codebook(self, output: VQVAEOutput, is_real: Tensor | None = None) -> Tensor:
        """Once a step, after the optimiser: move an EMA codebook, restart dead codes.

        Args:
            is_real: (B, *axes) bool, the latents that count; all without it.

        Returns:
            (R, 2) int64, group and index of each code that was restarted.
        """
        vectors, codes = output.encoded.detach(), output.quantized.codes
        if is_real is not None:
            vectors, codes = vectors[is_real], codes[is_real]
        return self.quantizer.update(vectors, codes)
