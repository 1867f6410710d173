"""The training loop: any model, any batches."""
