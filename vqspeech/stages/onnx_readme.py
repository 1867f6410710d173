"""What a folder of ONNX files says of itself: inputs, outputs, and how to call them in turn."""

from typing import Any

from vqspeech.stages.onnx_comparison import CHECK_STEPS

EXAMPLE = "convert.py"

_LAGS = """

This decoder is also shown its own levels of a pitch period ago. Where `lags` says n > 0 of a \
frame, `a_period_ago` of its sample t holds those of the samples t - n - {taps} to t - n + {taps}, \
as the numbers (2 level + 1 - {levels}) / {levels}, and zeros before the start; where it says 0, \
it is all zeros. A ring of the last {ring} numbers is enough: read it before number t is written \
at t mod {ring}."""

_ACOUSTICS = """

From the same codes `acoustics.onnx` says what is to be heard in short frames of {hop} samples, \
N = {spectra} L: the envelope e of {bands} bands, the pitch in Hz (of no meaning where unvoiced) \
and the share of voice, 0 to 1. At the bin `centres[m]` of a transform of {n_fft} samples the \
natural logarithm of the power is {scale:g} e[m] + ({offset:g}) - ln(`areas[m]`), with the numbers \
of `acoustics` in `config.json`. A vocoder makes speech of that, much faster than the decoder: \
`vqspeech.generation.vocoder` in torch, `vocode` of `{example}` in NumPy. `python {example} in.wav \
{speaker} out.wav vocoder` takes it; without the last word, `{through}` speaks."""


def write_readme(config: dict[str, Any]) -> str:
    """README.md of the folder whose config.json this is."""
    groups, rate, hop = config["groups"], config["sample_rate"], config["hop"]
    layers, width = len(config["dilations"]), config["residual_channels"]
    codes = "(B, L)" if groups == 1 else f"(B, L, {groups})"
    row = f"(B, {layers}, {config['gate_channels']})"
    found, speaker = config["against_torch"], config["speakers"][0]
    lags, lag_input, about_lags, lag_share = "", "", "", ""
    if "lag_taps" in config:
        taps = config["lag_taps"]
        lags = "; `lags` (B, L) int64: samples, 0 for none"
        lag_input = f"; `a_period_ago` (B, {2 * taps + 1}): the levels about a lag before"
        ring = taps + config["longest_lag"]
        about_lags = _LAGS.format(taps=taps, levels=config["levels"], ring=ring)
        lag_share = f" and {100 * found['equal_lags']:g} % of the lags"
    acoustic_row, about_acoustics, acoustic_difference = "", "", ""
    if "acoustics" in config:
        facts = config["acoustics"]
        acoustic_row = (
            "\n| acoustics.onnx | `codes`, `speaker` as above | "
            f"`envelope` (B, {facts['bands']}, N); `hz` (B, N); `voiced` (B, N) |"
        )
        more = {"spectra": hop // facts["hop"], "example": EXAMPLE, "speaker": speaker}
        about_acoustics = _ACOUSTICS.format(**facts, **more, through=config["through"])
        acoustic_difference = f", {found['acoustics']:.1e} (acoustics)"
    return f"""# Voice conversion with ONNX

A speech model of vqspeech: {rate} Hz, {rate / hop:g} codes a second out of {config["num_codes"]}, \
{len(config["speakers"])} voices. `config.json` names them and all sizes.

    pip install onnxruntime soundfile
    python {EXAMPLE} in.wav {speaker} out.wav

| file | input | output |
|---|---|---|
| encoder.onnx | `waveform` (B, T) float32 in [-1, 1], T a multiple of {hop} | `codes` {codes} \
int64, L = T / {hop} |
| conditions.onnx | `codes`, `speaker` (B,) int64: a place in `speakers` | `conditions` \
(B, L, {layers}, {config["gate_channels"]}){lags} |
| decoder_step.onnx | `level` (B,) int64: the one drawn last, {config["first_level"]} before the \
first; `past` (B, {layers}, {width}); `condition` {row}: the row of the frame that the next sample \
belongs to{lag_input} | `logits` (B, {config["levels"]}) of the next level; `now` \
(B, {layers}, {width}) |{acoustic_row}

Of layer i, `past` is the `now` of `dilations[i]` samples ago, zeros before the start. A level is \
drawn from softmax(logits / {config["temperature"]:g}) and is mu-law: with c = 2 level / 255 - 1 \
the sample is sign(c) (256^|c| - 1) / 255. `{EXAMPLE}` shows all of it.{about_lags}{about_acoustics}

On five seconds of a person's speech onnxruntime gives {100 * found["equal_codes"]:g} % of the \
codes{lag_share} that torch gives; the largest differences are {found["conditions"]:.1e} \
(conditions){acoustic_difference} and {found["logits"]:.1e} (logits of {CHECK_STEPS} steps), \
relative where values are above 1.

One step a sample is made to be understood and embedded; `vqspeech convert` is faster. Convert the \
voice of a person only with that person's consent.
"""
