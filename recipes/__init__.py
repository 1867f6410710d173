"""Pictures and moving pictures on the core of vqspeech; run from a checkout, not installed."""
