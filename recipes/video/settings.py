"""Settings of the prior over frames of codes."""

from typing import Annotated

from pydantic import Field

from recipes.frames.settings import CodeTrainingSettings, PixelCNNSettings
from vqspeech.config.schema import Positive, Settings


class ContextSettings(Settings):
    """The network that sees the frames before: a map for the PixelCNN, aligned with the codes."""

    channels: Positive = 128
    blocks: Annotated[int, Field(ge=0)] = 8
    embedding_channels: Positive = 32  # of a code of a frame before
    # Each place looks at the last frame around it, as far as things move from frame to frame.
    heads: Annotated[int, Field(gt=0, le=64)] = 8
    reach_down: Annotated[int, Field(ge=0)] = 2  # codes up and down
    reach_across: Annotated[int, Field(ge=0)] = 6  # codes to either side
    map_channels: Positive = 128  # of the map


class VideoPriorSettings(Settings):
    """p(codes of a frame | those of the frames before it, the action that leads to it)."""

    context: Annotated[int, Field(ge=0, le=64)] = 6  # frames that it sees; 0: each by itself
    actions: bool = True  # whether it is told the action
    network: ContextSettings = ContextSettings()
    pixelcnn: PixelCNNSettings = PixelCNNSettings()


class VideoPriorTrainingSettings(CodeTrainingSettings):
    """The loop over frames of codes."""

    # Of the codes' likelihood given the frames before and the action alone, beside that of the
    # PixelCNN, which at first learns more from the codes beside and is in no need of the map.
    guide_weight: Annotated[float, Field(ge=0)] = 0.25


class TrainVideoPrior(Settings):
    """A settings file of `python -m recipes.video.train_prior`."""

    model: VideoPriorSettings = VideoPriorSettings()
    training: VideoPriorTrainingSettings = VideoPriorTrainingSettings()
