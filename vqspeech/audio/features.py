"""Log-mel features: what the ear resolves of a waveform, as input of an encoder.

The mel scale and its filters are Slaney's (linear below 1 kHz, logarithmic above, each filter of
unit area), the same as librosa's default. B batch, T samples, L frames.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# A sine of amplitude 1 gives 1 in its bin and 0.03 in its filter; what is 75 dB weaker counts as
# silence, so that the digital zero of synthetic speech looks like the quiet of a room.
FLOOR = 1e-9
# Mean and standard deviation of ln(mel) over read and synthetic speech of 85 voices, 80 filters.
MEAN, STD = -17.8, 3.3


LONGEST_HOP_SECONDS = 0.0125  # a spectrum changes little within


def spectra_a_frame(hop: int, sample_rate: int) -> int:
    """The fewest equal parts of a frame of `hop` samples that are no longer than that."""
    longest = LONGEST_HOP_SECONDS * sample_rate
    return next(n for n in range(1, hop + 1) if hop % n == 0 and hop / n <= longest)


class LogMel(nn.Module):
    """Logarithmic mel spectrogram of about zero mean and unit variance on speech, one frame a hop.

    Frame i is centred on the middle of samples [i * hop, (i + 1) * hop), so that it describes the
    samples that a code at the same index describes. Zeros are assumed outside the signal.
    The output is (ln(max(mel, FLOOR)) - MEAN) / STD.

    Args:
        sample_rate: Hz.
        hop: samples a frame.
        window: samples of the Hann window, centred within `n_fft`; 25 ms when None.
        n_fft: samples of the Fourier transform, at least `hop` and `window`; when None 512, or the
            next power of two that holds the window.
        low_hz: lower edge of the first filter; 50 Hz lies below voices and above mains hum's worst.
        high_hz: upper edge of the last filter; half the rate when None.

    Raises:
        ValueError: sizes that do not fit together.
    """

    def __init__(
        self,
        sample_rate: int = 16000,
        hop: int = 160,
        window: int | None = None,
        n_fft: int | None = None,
        num_mels: int = 80,
        low_hz: float = 50.0,
        high_hz: float | None = None,
    ) -> None:
        super().__init__()
        window = round(0.025 * sample_rate) if window is None else window
        n_fft = max(512, 1 << (window - 1).bit_length()) if n_fft is None else n_fft
        if not 1 <= hop <= n_fft or not 1 <= window <= n_fft:
            raise ValueError(f"hop {hop} and window {window} must lie within 1 and n_fft {n_fft}")
        self.hop, self.n_fft, self.window = hop, n_fft, window
        filters = mel_filters(sample_rate, n_fft, num_mels, low_hz, high_hz)
        shape = torch.hann_window(window)
        # Not saved with the weights: both follow from the settings.
        self.register_buffer("filters", filters, persistent=False)  # (num_mels, n_fft // 2 + 1)
        self.register_buffer("shape", shape, persistent=False)  # (window,)
        self.full_scale = float(shape.sum() / 2) ** 2  # power of a sine of amplitude 1 in its bin

    def forward(self, waveform: Tensor) -> Tensor:
        """Features of a batch of waveforms.

        Args:
            waveform: (B, T), T a multiple of `hop`, in [-1, 1].

        Returns:
            (B, num_mels, T // hop) float32, even under autocast: a spectrum spans more than half
            precision can hold.

        Raises:
            ValueError: T is no multiple of `hop`.
        """
        batch, length = waveform.shape
        if length % self.hop:
            raise ValueError(f"{length} samples are no multiple of the hop, {self.hop}")
        if length == 0:
            return waveform.new_zeros(batch, len(self.filters), 0, dtype=torch.float32)
        with torch.autocast(waveform.device.type, enabled=False):
            left = self.n_fft // 2 - self.hop // 2
            # A hop longer than half the transform crops on the left what no frame would see.
            x = F.pad(waveform.float(), (left, self.n_fft - self.hop - left))
            spectrum = torch.stft(
                x,
                self.n_fft,
                self.hop,
                self.window,
                self.shape.float(),
                center=False,
                return_complex=True,
            )  # (B, n_fft // 2 + 1, L)
            power = spectrum.abs().square() / self.full_scale
            mel = self.filters.float() @ power  # (B, num_mels, L)
            return (mel.clamp(min=FLOOR).log() - MEAN) / STD


def mel_filters(
    sample_rate: int, n_fft: int, num_mels: int, low_hz: float, high_hz: float | None = None
) -> Tensor:
    """Triangular filters of unit area in Hz, evenly spaced on Slaney's mel scale.

    Returns:
        (num_mels, n_fft // 2 + 1) float32.

    Raises:
        ValueError: the edges are not 0 <= low < high <= sample_rate / 2.
    """
    high_hz = sample_rate / 2 if high_hz is None else high_hz
    if not 0 <= low_hz < high_hz <= sample_rate / 2:
        raise ValueError(f"{low_hz} to {high_hz} Hz is no band within {sample_rate / 2} Hz")
    low_mel, high_mel = _hz_to_mel(low_hz), _hz_to_mel(high_hz)
    mels = torch.linspace(low_mel, high_mel, num_mels + 2, dtype=torch.float64)
    edges = _mel_to_hz(mels)  # (num_mels + 2,)
    bins = torch.arange(n_fft // 2 + 1, dtype=torch.float64) * sample_rate / n_fft
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (bins - left) / (centre - left)
    falling = (right - bins) / (right - centre)
    triangles = torch.minimum(rising, falling).clamp(min=0)
    return (triangles * 2 / (right - left)).float()


# Slaney's scale: 3 mel for 200 Hz up to 1 kHz = 15 mel, then 27 mel for each factor of 6.4.
_BREAK_HZ, _BREAK_MEL = 1000.0, 15.0
_STEP = math.log(6.4) / 27


def _hz_to_mel(hz: float) -> float:
    if hz < _BREAK_HZ:
        return hz * 3 / 200
    return _BREAK_MEL + math.log(hz / _BREAK_HZ) / _STEP


def _mel_to_hz(mel: Tensor) -> Tensor:
    above = _BREAK_HZ * torch.exp(_STEP * (mel - _BREAK_MEL))
    return torch.where(mel < _BREAK_MEL, mel * 200 / 3, above)
