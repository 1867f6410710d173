"""Settings files: YAML in, overrides applied, a frozen schema out, resolved YAML back."""

import difflib
import os
import reprlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from vqspeech.errors import InputError

Schema = TypeVar("Schema", bound=BaseModel)


def load_config(
    path: str | os.PathLike, schema: type[Schema], overrides: Sequence[str] = ()
) -> Schema:
    """Read a settings file into `schema`.

    Args:
        path: a YAML file; tags and aliases are refused, so that it holds data and never code.
        schema: a pydantic model that forbids unknown fields.
        overrides: `training.steps=100`, each replacing one value; the value is read as YAML.

    Raises:
        InputError: one line for the first thing that is wrong, naming the setting, and for an
            unknown one the nearest known.
    """
    try:
        values = read_yaml(Path(path).read_bytes(), str(path))
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror}; give the path of a settings file, such as "
            "egs/mini/conf/vqvae.yaml"
        ) from error
    for override in overrides:
        _apply(values, override)
    return parse_config(values, schema, str(path))


def read_yaml(text: str | bytes, place: str) -> dict[str, Any]:
    """Names and values of YAML without tags and aliases; `place` names its source in an error.

    Raises:
        InputError: no such YAML, with the line.
    """
    try:
        values = yaml.load(text if isinstance(text, str) else text.decode("utf-8"), _PlainLoader)
    except _NOT_YAML as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not readable"
        raise InputError(f"{place}{line}: no valid YAML ({problem}); mend the file") from error
    values = {} if values is None else values
    if not isinstance(values, dict):
        raise InputError(f"{place}: settings are 'name: value' lines; found {_short(values)}")
    return values


def dump_yaml(values: dict[str, Any]) -> str:
    """Names and values as YAML that `read_yaml` reads back; nothing in it refers to another."""
    return yaml.dump(values, Dumper=_PlainDumper, sort_keys=False, allow_unicode=True)


def parse_config(values: dict[str, Any], schema: type[Schema], place: str) -> Schema:
    """Settings already read, into `schema`; `place` names their source in an error."""
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        raise InputError(f"{place}: {_explain(error, schema)}") from error


def dump_config(settings: BaseModel) -> str:
    """The resolved settings as YAML that `load_config` reads back to an equal object."""
    return yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False)


class _PlainDumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # a list that is used twice is written twice
        return True


class _PlainLoader(yaml.SafeLoader):
    """Data alone: no tags that make objects, no aliases (a few lines of them make gigabytes)."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.composer.ComposerError(None, None, "aliases are not taken", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict:
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):  # the last of two would win without a word
            raise yaml.constructor.ConstructorError(
                None, None, "a setting is given twice", node.start_mark
            )
        return mapping


# Values such as `!!int foo` or 2020-99-99 are errors of Python's, not of YAML's.
_NOT_YAML = (yaml.YAMLError, ValueError, AttributeError, TypeError, RecursionError)


def _apply(values: dict[str, Any], override: str) -> None:
    name, equals, text = override.partition("=")
    keys = name.strip().split(".")
    if not equals or not all(keys):
        raise InputError(f"--set {override}: wanted NAME=VALUE, such as training.steps=1000")
    try:
        value = yaml.load(text, _PlainLoader)
    except _NOT_YAML as error:
        raise InputError(f"--set {override}: the value is no valid YAML") from error
    if isinstance(value, str) and _is_number(value):
        value = float(value)  # YAML 1.1 reads 1e-4 as a word
    for key in keys[:-1]:
        if not isinstance(values.get(key), dict):
            values[key] = {}
        values = values[key]
    values[keys[-1]] = value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _explain(error: ValidationError, schema: type[BaseModel]) -> str:
    first = error.errors()[0]
    location = [str(part) for part in first["loc"]]
    name = ".".join(location) or "settings"
    if first["type"] == "extra_forbidden":
        nearest = difflib.get_close_matches(name, sorted(_names(schema)), n=1, cutoff=0.5)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        return f"{name} is no setting{hint}"
    message = first["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    if not location:  # settings that do not go together; the message names them
        return message
    return f"{name} is {_short(first['input'])}: {message}"


def _names(schema: type[BaseModel], prefix: str = "") -> set[str]:
    """Dotted names of all settings; of a choice of kinds, those of each kind under its name."""
    names = set()
    for key, field in schema.model_fields.items():
        names.add(prefix + key)
        for option in getattr(field.annotation, "__args__", (field.annotation,)):
            if isinstance(option, type) and issubclass(option, BaseModel):
                names |= _names(option, f"{prefix}{key}.")
                kind = option.model_fields.get("kind")
                if kind is not None:  # pydantic puts the kind into the place of an error
                    names |= _names(option, f"{prefix}{key}.{kind.default}.")
    return names


def _short(value: Any) -> str:
    return reprlib.repr(value)
