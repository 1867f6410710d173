"""Data directories, corpora, and the batches cut from them."""
