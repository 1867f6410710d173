"""Settings of the first stages of video: frame by frame, or clips with strides in time as well."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from recipes.frames.settings import NetworkSettings, PictureTrainingSettings, VQVAESettings
from vqspeech.config.schema import Positive, QuantizerSettings, Settings


class ClipVQVAESettings(Settings):
    """A VQ-VAE over clips: a code, or one of each group, for 4 x 4 pixels of 2 or 4 frames."""

    kind: Literal["clips"] = "clips"
    network: NetworkSettings = NetworkSettings()
    frames: Positive = 8  # of a clip in training
    time_stride: Literal[2, 4] = 2  # frames for one code
    quantizer: QuantizerSettings = QuantizerSettings()

    @model_validator(mode="after")
    def _stride_divides_frames(self):
        if self.frames % self.time_stride:
            raise ValueError(
                f"frames {self.frames} is no multiple of time_stride {self.time_stride}"
            )
        return self


class TrainFirstStage(Settings):
    """A settings file of `python -m recipes.video.train`.

    Of clips `training.batch_size` is their number, `training.validation_pictures` that of frames.
    """

    model: Annotated[VQVAESettings | ClipVQVAESettings, Field(discriminator="kind")] = (
        VQVAESettings()
    )
    training: PictureTrainingSettings = PictureTrainingSettings()
