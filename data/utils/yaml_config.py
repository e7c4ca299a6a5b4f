"""Configurations in YAML: read, overridden by `key=value`, checked against a typed model.

An unknown key, a missing one or a value out of range is a `UsageError` that names the key's path
in the file, one line a mistake.
"""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import pydantic
import yaml
from pydantic import BaseModel, ConfigDict

from data.utils.errors import UsageError


class Section(BaseModel):
    """A part of a configuration: cannot be changed, and takes no key that it does not define."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_Config = TypeVar("_Config", bound=BaseModel)


def load(model: type[_Config], path: pathlib.Path, overrides: Sequence[str] = ()) -> _Config:
    """Reads a configuration.

    Args:
        model: what the file describes.
        path: a YAML file.
        overrides: `key=value` pairs, the key a path such as `models.0.steps`, the value YAML.

    Returns:
        The validated configuration.

    Raises:
        UsageError: the file cannot be read or does not describe a `model`.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file; --config names a YAML file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from error
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"{path}: is no valid YAML: {error}") from error
    if not isinstance(content, dict):
        required = [f"`{name}`" for name, key in model.model_fields.items() if key.is_required()]
        raise UsageError(f"{path}: must hold the keys {', '.join(required)}, see configs/")
    for override in overrides:
        _set(content, override)
    return check(model, content, str(path))


def from_overrides(model: type[_Config], overrides: Sequence[str]) -> _Config:
    """Makes a configuration of defaults and overrides alone.

    Args:
        model: what the keys describe.
        overrides: as for `load`.

    Raises:
        UsageError: a key or a value is not one of a `model`.
    """
    content: dict[str, Any] = {}
    for override in overrides:
        _set(content, override)
    return check(model, content, "--set")


def check(model: type[_Config], content: Mapping[str, Any], name: str) -> _Config:
    """Checks what a configuration holds.

    Args:
        model: what the content describes.
        content: keys and values.
        name: what messages call it.

    Returns:
        The validated configuration.

    Raises:
        UsageError: the content does not describe a `model`; one line a mistake.
    """
    try:
        return model.model_validate(content)
    except pydantic.ValidationError as error:
        lines = [f"{name}: {problem_text(problem)}" for problem in error.errors()]
        raise UsageError("\n".join(lines)) from None


def problem_text(problem: Any) -> str:
    """Says in one line what is wrong with a configuration.

    Args:
        problem: one of `pydantic.ValidationError.errors()`.

    Returns:
        The key's path, if one key is to blame, and what is wrong with it.
    """
    where = "".join(f"{part}." for part in problem["loc"]).removesuffix(".")
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"{where}: unknown key"
    if problem["type"] == "missing":
        return f"{where}: is missing"
    if not where:
        return message
    return f"{where}: {message} (found {problem['input']!r})"


def _set(content: dict[str, Any], override: str) -> None:
    key, separator, value = override.partition("=")
    if not separator or not key:
        raise UsageError(
            f"--set {override}: write key=value, the key as it stands in the file or a path such "
            "as models.0.steps"
        )
    try:
        parsed = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise UsageError(f"--set {override}: the value is no valid YAML: {error}") from error
    *parents, last = key.split(".")
    place: Any = content
    for parent in parents:
        place = _child(place, parent, override)
    if isinstance(place, list):
        _child(place, last, override)  # says what is wrong with the index
        place[int(last)] = parsed
    elif isinstance(place, dict):
        place[last] = parsed
    else:
        raise UsageError(f"--set {override}: `{'.'.join(parents)}` holds no keys")


def _child(place: Any, key: str, override: str) -> Any:
    if isinstance(place, list):
        if not key.isdigit() or int(key) >= len(place):
            raise UsageError(
                f"--set {override}: `{key}` is no place in a list of {len(place)}, from 0"
            )
        return place[int(key)]
    if isinstance(place, dict):
        return place.setdefault(key, {})
    raise UsageError(f"--set {override}: there is nothing below `{key}`")
