"""Settings of models and of training, with the section of the paper that each follows.

Field names are the constructors' argument names. What the data knows is no setting: the speakers
come from the training directory, the hop from the strides.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Positive = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
ShareBelowOne = Annotated[float, Field(ge=0, lt=1)]
Strides = Annotated[list[Positive], Field(min_length=1)]


class Settings(BaseModel):
    """Frozen, and strict about names: an unknown setting is an error, not a silent default."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class WaveformEncoderSettings(Settings):
    """The paper's encoder (section 4.3): strided convolutions over the waveform."""

    kind: Literal["waveform"] = "waveform"
    strides: Strides = [2, 2, 2, 2, 2, 2]  # six: 64 samples a code; seven: 128
    channels: Positive = 128
    residual_blocks: Annotated[int, Field(ge=0)] = 2


class LogMelEncoderSettings(Settings):
    """The same convolutions over a log-mel spectrogram, which finds phones more readily."""

    kind: Literal["log_mel"] = "log_mel"
    num_mels: Positive = 80
    mel_hop: Positive = 160  # samples between spectra: 100 Hz at 16 kHz
    strides: Strides = [2]  # 50 codes a second
    channels: Positive = 128
    residual_blocks: Annotated[int, Field(ge=0)] = 2


def _with_kind(value: Any) -> Any:
    """The paper's kind, where none is named."""
    return {"kind": "waveform", **value} if isinstance(value, dict) else value


EncoderSettings = Annotated[
    Annotated[WaveformEncoderSettings | LogMelEncoderSettings, Field(discriminator="kind")],
    BeforeValidator(_with_kind),
]


class QuantizerSettings(Settings):
    """The bottleneck of section 3.1."""

    num_codes: Positive = 512  # K
    dim: Positive = 64  # D
    groups: Positive = 1  # codebooks side by side, each over dim / groups channels
    commitment_cost: Annotated[float, Field(ge=0)] = 0.25  # beta of equation 3
    # "sum" is equation 3 to the letter; "mean" also averages over D, so that beta keeps its
    # meaning beside a likelihood in nats a sample whatever D is.
    reduction: Literal["sum", "mean"] = "mean"
    codebook_update: Literal["ema", "gradient"] = "ema"  # appendix A.1, or the loss of equation 3
    decay: ShareBelowOne = 0.99  # gamma of appendix A.1
    restart_below: ShareBelowOne = 0.01  # of uniform use; 0 never restarts a code
    initialize: Literal["kmeans", "sample", "uniform"] = "kmeans"

    @model_validator(mode="after")
    def _groups_divide_dim(self):
        if self.dim % self.groups:
            raise ValueError(f"dim {self.dim} is no multiple of groups {self.groups}")
        return self


class WaveNetDecoderSettings(Settings):
    """The decoder of section 4.3; the paper gives no sizes."""

    layers: Annotated[int, Field(gt=0, le=200)] = 10
    dilation_cycle: Annotated[int, Field(gt=0, le=16)] = 10  # the longest dilation is 2^15
    residual_channels: Positive = 64
    gate_channels: Annotated[int, Field(gt=0, multiple_of=2)] = 128
    skip_channels: Positive = 128
    head_channels: Positive = 256
    condition_channels: Positive = 128  # convolutions over the latents, at the code rate
    condition_layers: Annotated[int, Field(ge=0)] = 2
    speaker_channels: Positive = 64
    # Bands of the spectral envelope that the conditions must also predict, with pitch and voicing:
    # what a vocoder needs. 0 for none.
    acoustic_bands: Annotated[int, Field(ge=0, le=256)] = 0
    # Samples about a pitch period ago that the WaveNet is shown, on each side; the pitch is that
    # which acoustic_bands has the conditions predict. 0 for none.
    lag_taps: Annotated[int, Field(ge=0, le=16)] = 0

    @model_validator(mode="after")
    def _pitch_is_known(self):
        if self.lag_taps and not self.acoustic_bands:
            raise ValueError("lag_taps without acoustic_bands, which predict the pitch; set both")
        return self


class SpeechModelSettings(Settings):
    """A VQ-VAE over speech: encoder, quantiser, speaker-conditioned decoder."""

    sample_rate: Positive = 16000
    encoder: EncoderSettings = WaveformEncoderSettings()
    quantizer: QuantizerSettings = QuantizerSettings()
    decoder: WaveNetDecoderSettings = WaveNetDecoderSettings()
    # Chorowski et al. 2019: the chance that a frame takes a neighbour's latents in training.
    jitter: Share = 0.0
    # Bands of the spectrum that the decoder's conditions must also predict; 0 for none.
    guide_mels: Annotated[int, Field(ge=0, le=256)] = 0
    guide_reach: Annotated[int, Field(ge=0, le=8)] = 0  # frames on each side that they predict too
    guide_level_weight: Share = 1.0  # of a frame's loudness beside the shape of its spectrum


class SpeechPriorSettings(Settings):
    """The prior over the codes of section 4.3, a WaveNet; the paper gives no sizes."""

    layers: Annotated[int, Field(gt=0, le=200)] = 20
    dilation_cycle: Annotated[int, Field(gt=0, le=16)] = 10  # 20 layers see the last 2,047 codes
    residual_channels: Positive = 128
    gate_channels: Annotated[int, Field(gt=0, multiple_of=2)] = 256
    skip_channels: Positive = 256
    head_channels: Positive = 256
    speaker_channels: Annotated[int, Field(ge=0)] = 0  # 0: it is told of no speaker
    dropout: ShareBelowOne = 0.0  # of what the first layer and the head are given


class TrainingSettings(Settings):
    """The loop. Every step is a function of (seed, step), so a run resumes bit for bit."""

    # What may not change when a run goes on: the batches that it was promised depend on it.
    FIXED: ClassVar[tuple[str, ...]] = ("seed", "batch_size", "optimizer")

    steps: Positive = 250_000
    batch_size: Positive = 8
    optimizer: Literal["adam", "adamw", "muon"] = "adam"
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 4e-4
    final_learning_rate: Annotated[float, Field(ge=0)] = 1e-5  # reached along a cosine
    warmup_steps: Annotated[int, Field(ge=0)] = 100
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    gradient_clip: Annotated[float, Field(gt=0)] = 1.0  # norm over all parameters
    average_decay: ShareBelowOne = 0.999  # running average, for sampling
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    threads: Annotated[int, Field(ge=0, le=256)] = 0  # of the CPU; 0 leaves torch's choice
    log_every: Positive = 50
    checkpoint_every: Positive = 5000  # validates too
    keep_checkpoints: Positive = 2  # beside the best one
    skipped_batches_allowed: Annotated[int, Field(ge=0)] = 5  # not finite, one after another

    def phase(self, step: int) -> tuple[int, int]:
        """First step and end of the phase that `step` lies in; each has its own schedule."""
        return 0, self.steps

    @model_validator(mode="after")
    def _decay_is_heeded(self):
        if self.optimizer == "muon" and self.weight_decay:
            raise ValueError("optimizer muon decays no weights; set weight_decay to 0")
        return self


class CropTrainingSettings(TrainingSettings):
    """The loop over crops of utterances."""

    FIXED: ClassVar[tuple[str, ...]] = (*TrainingSettings.FIXED, "crop_seconds")

    crop_seconds: Annotated[float, Field(gt=0, le=600)] = 0.5  # rounded to whole frames
    validation_seconds: Annotated[float, Field(gt=0)] = 120.0  # of audio, for the likelihood


class SpeechTrainingSettings(CropTrainingSettings):
    """The loop over waveforms."""

    # Of what the conditions predict (guide_mels, acoustic_bands), beside nats a sample.
    guide_weight: Annotated[float, Field(ge=0)] = 1.0
    guide_steps: Annotated[int, Field(ge=0)] = 0  # at first, without the likelihood
    # After them only the WaveNet learns, at a rate that begins anew: codes and conditions stay.
    freeze: bool = False
    # The likelihood is taken of a stretch of this length in so many crops of a batch; 0: of all.
    # Codes and conditions want long crops, and the WaveNet costs a hundred times as much a second.
    likelihood_seconds: Annotated[float, Field(ge=0)] = 0.0
    likelihood_crops: Annotated[int, Field(ge=0)] = 0
    augment: Share = 0.0  # crops that the encoder hears with noise, colour and level changed
    # As if of another throat: the encoder hears frequencies moved by up to this share.
    warp: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    # Crops that the encoder hears vocoded instead, resonances moved by up to `warp` and the pitch
    # by up to so many octaves: the codes forget who speaks. For models with acoustic_bands.
    revoice: Share = 0.0
    revoice_octaves: Annotated[float, Field(ge=0, le=2)] = 0.9

    def phase(self, step: int) -> tuple[int, int]:
        """Two where the WaveNet learns alone in the second."""
        if not self.freeze:
            return 0, self.steps
        return (0, self.guide_steps) if step < self.guide_steps else (self.guide_steps, self.steps)


class PriorTrainingSettings(CropTrainingSettings):
    """The loop over codes."""

    crop_seconds: Annotated[float, Field(gt=0, le=600)] = 2.56  # 320 codes at 125 a second
    # Crops whose speaker the prior is not told, so that it can speak as nobody in particular.
    speaker_dropout: Share = 0.2
    speaker_utterances: Positive = 5  # of a speaker with fewer it is never told
    # Codes before the one to be predicted that are replaced by any other: what is drawn errs too.
    corruption: ShareBelowOne = 0.0


class TrainSpeechPrior(Settings):
    """A settings file of `vqspeech train prior`."""

    model: SpeechPriorSettings = SpeechPriorSettings()
    training: PriorTrainingSettings = PriorTrainingSettings()


class TrainSpeechVQVAE(Settings):
    """A settings file of `vqspeech train vqvae`."""

    model: SpeechModelSettings = SpeechModelSettings()
    training: SpeechTrainingSettings = SpeechTrainingSettings()

    @model_validator(mode="after")
    def _guide_exists(self):
        if self.training.freeze and not self.training.guide_steps:
            raise ValueError(
                "training.freeze without training.guide_steps: nothing would be learnt"
            )
        if self.training.likelihood_seconds > self.training.crop_seconds:
            raise ValueError("training.likelihood_seconds is longer than training.crop_seconds")
        if self.training.revoice and not self.model.decoder.acoustic_bands:
            raise ValueError("training.revoice without model.decoder.acoustic_bands; set both")
        has_guide = self.model.guide_mels or self.model.decoder.acoustic_bands
        if self.training.guide_steps and not has_guide:
            raise ValueError(
                "training.guide_steps without model.guide_mels or model.decoder.acoustic_bands; "
                "set one of them, to 80 or 40"
            )
        if self.training.guide_steps and not self.training.guide_weight:
            raise ValueError("training.guide_steps with a guide_weight of 0 would train nothing")
        if self.training.guide_steps >= self.training.steps:
            raise ValueError(
                f"training.guide_steps {self.training.guide_steps} of {self.training.steps} steps "
                "leaves none for the decoder"
            )
        return self
