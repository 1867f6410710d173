"""The group `vqspeech analyze`: what codes mean, in numbers."""

import typer

from vqspeech.cli import (
    analyze_abx,
    analyze_codes,
    analyze_likelihood,
    analyze_phonemes,
    analyze_samples,
)


def register(app: typer.Typer) -> None:
    """Add the group and its commands."""
    group = typer.Typer(
        help="Measure what codes mean: phones, speakers, use, stability.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    analyze_phonemes.register(group)
    analyze_codes.register(group)
    analyze_abx.register(group)
    analyze_likelihood.register(group)
    analyze_samples.register(group)
    app.add_typer(group, name="analyze")
