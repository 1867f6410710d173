"""Settings of the first stage: pictures to codes and back."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from vqspeech.config.schema import Positive, QuantizerSettings, Settings, TrainingSettings


class NetworkSettings(Settings):
    """Encoder and mirrored decoder of section 4.1, and what the decoder says of a pixel."""

    channels: Positive = 256  # hidden units of all layers
    residual_blocks: Annotated[int, Field(ge=0)] = 2
    # "softmax" over the 256 levels of a sub-pixel is the most general and the slowest to learn.
    likelihood: Literal["softmax", "logistic", "gaussian"] = "logistic"
    # Scales of the other two are predicted for each sub-pixel, or one is learnt for each channel.
    scales: Literal["pixel", "channel"] = "pixel"


class VQVAESettings(Settings):
    """A VQ-VAE over pictures: a code, or one of each group, for every 4 x 4 pixels."""

    kind: Literal["vqvae"] = "vqvae"
    network: NetworkSettings = NetworkSettings()
    quantizer: QuantizerSettings = QuantizerSettings()


class PictureTrainingSettings(TrainingSettings):
    """The loop over pictures."""

    FIXED: ClassVar[tuple[str, ...]] = (*TrainingSettings.FIXED, "crop", "flip")

    batch_size: Positive = 128
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 2e-4  # section 4.1
    crop: Annotated[int, Field(ge=0, multiple_of=4)] = 0  # pixels a side; 0: whole pictures
    flip: bool = False  # half of the pictures are mirrored
    validation_pictures: Positive = 256


class PixelCNNSettings(Settings):
    """A gated PixelCNN over maps of codes; the arguments of `vqspeech.nn.pixelcnn`."""

    channels: Positive = 128
    layers: Annotated[int, Field(gt=0, le=100)] = 15
    kernel_size: Annotated[int, Field(ge=3)] = 3
    first_kernel_size: Annotated[int, Field(ge=3)] = 7
    head_channels: Positive = 512


class CodeTrainingSettings(TrainingSettings):
    """The loop over maps of codes."""

    batch_size: Positive = 32
    validation_pictures: Positive = 512
