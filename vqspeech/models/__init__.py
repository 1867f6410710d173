"""Models: what is trained, as equation 3 states it."""
