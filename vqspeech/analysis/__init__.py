"""Measures of codes and of speech: arrays in, numbers out."""
