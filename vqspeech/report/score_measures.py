"""What the measures of conversions and likelihoods are called, how they are written, which way is
better.

The measures of phoneme discovery, which no two models are held against each other by, utterance by
utterance, are in measures.py.
"""

from typing import NamedTuple

# Files of `vqspeech evaluate conversion` and `evaluate reconstruction`, of which format they are,
# and the system of each that is judged.
CONVERSION, RECONSTRUCTION = "conversion-scores", "reconstruction-scores"
FORMAT = 1
JUDGED = {CONVERSION: "converted", RECONSTRUCTION: "reconstruction"}
MINUS = "\N{MINUS SIGN}"


class Measure(NamedTuple):
    """How a measure is told."""

    label: str
    unit: str  # "%" for shares, "" for plain numbers
    digits: int
    better: int  # 1 where more is better, -1 where less is, 0 where neither is

    @property
    def factor(self) -> float:
        """From the number in a file to the one that is shown."""
        return 100.0 if self.unit == "%" else 1.0

    @property
    def title(self) -> str:
        """The label with its unit: `word error rate, %`."""
        return f"{self.label}, {self.unit}" if self.unit else self.label


MEASURES = {
    "wer": Measure("word error rate", "%", 1, -1),
    "cer": Measure("character error rate", "%", 1, -1),
    "similarity_target": Measure("similarity to the target", "", 3, 1),
    "similarity_source": Measure("similarity to the source", "", 3, -1),
    "nearer_target": Measure("nearer to the target than to the source", "%", 1, 1),
    "identified": Measure("target named among all", "%", 1, 1),
    "f0_median_hz": Measure("F0, median", "Hz", 1, 0),
    "f0_error_semitones": Measure("F0, off the target's median", "semitones", 2, -1),
    "f0_correlation": Measure("F0, correlation with the source", "", 3, 1),
    "voiced_share": Measure("voiced frames", "%", 1, 0),
    "energy_correlation": Measure("energy, correlation with the source", "", 3, 1),
    "mcd_db": Measure("mel-cepstral distortion", "dB", 2, -1),
    "dnsmos": Measure("DNSMOS", "", 2, 1),
    "accuracy": Measure("frames read as the right phone", "%", 1, 1),
    "nll": Measure("waveform given its codes", "nats a sample", 4, -1),
    "swap_gap": Measure("lost with another's codes", "nats a sample", 4, 1),
    "prior_bits": Measure("codes under the prior", "bits a code", 3, -1),
    "trigram_bits": Measure("codes under the trigram", "bits a code", 3, -1),
    "decoder": Measure("waveform given its codes", "bits a sample", 4, -1),
    "total": Measure("waveform with its codes", "bits a sample", 4, -1),
}


def measure(name: str) -> Measure:
    """How a measure is told; one that is not known has its name and no better way."""
    return MEASURES.get(name, Measure(name, "", 3, 0))


def in_order(names: object) -> list[str]:
    """Names as MEASURES has them, those that it does not know at the end, by name."""
    places = {name: place for place, name in enumerate(MEASURES)}
    return sorted(names, key=lambda name: (places.get(name, len(places)), name))


def show(name: str, value: float) -> str:
    """A value without its unit: `27.1`, with a minus sign that is one."""
    told = measure(name)
    text = f"{value * told.factor:.{told.digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)
