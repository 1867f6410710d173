"""A comparison in bits per dimension as text."""

from typing import Any


def format_bits(facts: dict[str, Any]) -> str:
    """One line for each system."""
    lines = []
    for name, entry in facts["systems"].items():
        lines.append(f"{name}: {entry['bits_per_dim']:.3f} bits/dim")
    return "\n".join(lines)
