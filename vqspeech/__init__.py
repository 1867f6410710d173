"""vqspeech."""
