"""Drawing from trained models: codes in, waveforms out."""
