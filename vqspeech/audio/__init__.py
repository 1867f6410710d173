"""Waveforms: reading, writing, resampling, mu-law levels and log-mel features."""
