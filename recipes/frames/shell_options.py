"""What a recipe's run.sh takes from `--config`: a YAML file in, assignments for its shell out."""

import shlex
from pathlib import Path

from vqspeech.config.loader import load_config
from vqspeech.config.schema import Settings
from vqspeech.errors import InputError


def print_options(config: Path, schema: type[Settings], recipe: Path) -> None:
    """Print the values of a settings file as assignments that a shell can evaluate.

    Args:
        schema: of the file. Its paths are folders of settings.
        recipe: that they are relative to, unless they are absolute.

    Raises:
        InputError: the file is not as the schema says, or a folder is not there.
    """
    for name, value in load_config(config, schema):
        if isinstance(value, Path):
            value = recipe / value
            if not value.is_dir():
                raise InputError(f"{config}: {name} is {value}: no such folder; give one")
        print(f"{name}={shlex.quote('' if value is None else str(value))}")
