"""Settings of the three models of section 4.1, of priors over codes, and of the second stage."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from recipes.frames.settings import (
    CodeTrainingSettings,
    NetworkSettings,
    PictureTrainingSettings,
    PixelCNNSettings,
    VQVAESettings,
)
from vqspeech.config.schema import Positive, QuantizerSettings, Settings


class VAESettings(Settings):
    """A VAE with Gaussian latents, beside which section 4.1 puts the VQ-VAE."""

    kind: Literal["vae"] = "vae"
    network: NetworkSettings = NetworkSettings()
    latent_channels: Positive = 64  # numbers for every 4 x 4 pixels


class VIMCOSettings(Settings):
    """Latents that are sampled and learnt through by VIMCO (Mnih and Rezende 2016)."""

    kind: Literal["vimco"] = "vimco"
    network: NetworkSettings = NetworkSettings()
    # Codes as the VQ-VAE has them, all equally likely; or Gaussians without reparameterisation.
    latents: Literal["categorical", "gaussian"] = "categorical"
    num_codes: Positive = 512  # K, of each group; categorical alone
    groups: Positive = 1  # codes at a place
    dim: Positive = 64  # D: of the embedding of a place's codes, or the Gaussian numbers there
    samples: Annotated[int, Field(ge=2)] = 50
    chunk: Positive = 10  # samples that are decoded at once: memory against speed

    @model_validator(mode="after")
    def _groups_divide_dim(self):
        if self.latents == "categorical" and self.dim % self.groups:
            raise ValueError(f"dim {self.dim} is no multiple of groups {self.groups}")
        return self


PictureModelSettings = Annotated[
    VQVAESettings | VAESettings | VIMCOSettings, Field(discriminator="kind")
]


class TrainPictureModel(Settings):
    """A settings file of `python -m recipes.images.train`."""

    model: PictureModelSettings = VQVAESettings()
    training: PictureTrainingSettings = PictureTrainingSettings()


class TrainPicturePrior(Settings):
    """A settings file of `python -m recipes.images.train_prior`."""

    model: PixelCNNSettings = PixelCNNSettings()
    training: CodeTrainingSettings = CodeTrainingSettings()


class SecondStageSettings(Settings):
    """A VQ-VAE over the codes of another (section 4.2): a few latents and a PixelCNN decoder."""

    pixelcnn: PixelCNNSettings = PixelCNNSettings()
    channels: Positive = 128  # of the encoder
    condition_channels: Positive = 64  # of the map that tells the PixelCNN of the latents
    # Three latents of 512 codes are 27 bits.
    quantizer: QuantizerSettings = QuantizerSettings(groups=3, dim=192)


class SecondStageTrainingSettings(CodeTrainingSettings):
    """The loop of the second stage."""

    # Of the codes' likelihood given the latents alone, beside that of the PixelCNN.
    guide_weight: Annotated[float, Field(ge=0)] = 0.1
    guide_steps: Annotated[int, Field(ge=0)] = 0  # at first, without the PixelCNN

    def phase(self, step: int) -> tuple[int, int]:
        """Two, where the PixelCNN begins later: it has a schedule as if it were trained alone."""
        first = self.guide_steps
        return (0, first) if step < first else (first, self.steps)


class TrainSecondStage(Settings):
    """A settings file of `python -m recipes.images.train_second`."""

    model: SecondStageSettings = SecondStageSettings()
    training: SecondStageTrainingSettings = SecondStageTrainingSettings()

    @model_validator(mode="after")
    def _something_is_learnt(self):
        training = self.training
        if training.guide_steps >= training.steps:
            raise ValueError(
                f"training.guide_steps {training.guide_steps} of {training.steps} steps leaves "
                "none for the PixelCNN"
            )
        return self
