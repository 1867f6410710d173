"""Sections 4.1 and 4.2 of the paper, and the 27 bits of a frame."""
