"""Strict reading of TOML tables into frozen dataclasses.

A key that the dataclass does not have, a key that is missing and a value of the
wrong type are each a :class:`RulebookError` that names the file and the key. In
TOML keys are written with ``-`` where the dataclass has ``_``.
"""

from __future__ import annotations

import dataclasses
import difflib
import enum
import tomllib
import types
import typing
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from kicklint.base import RulebookError

T = typing.TypeVar("T")


def read_file(kind: type[T], path: Path) -> T:
    """The TOML file at ``path`` as a ``kind`` (a dataclass). Raises RulebookError."""
    return read_table(kind, read_toml(path), str(path), "")


def read_toml(path: Path) -> dict[str, object]:
    """What the TOML file at ``path`` says. Raises RulebookError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RulebookError(f"{path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RulebookError(f"{path}: is not TOML: {error}") from error


def read_table(kind: type[T], table: object, file: str, key: str) -> T:
    """``table`` as a ``kind``; ``file`` and ``key`` say where it stands, for errors."""
    if not isinstance(table, dict):
        raise RulebookError(f"{file}: {key or 'the file'} must be a table")
    hints = _hints(typing.cast("typing.Hashable", kind))
    fields = {field.name.replace("_", "-"): field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for name in table:
        if name not in fields:
            near = difflib.get_close_matches(name, fields, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known keys: {', '.join(fields)}"
            raise RulebookError(f"{file}: unknown key {_join(key, name)!r}{hint}")
    values: dict[str, object] = {}
    for name, field in fields.items():
        if name in table:
            values[field.name] = _convert(hints[field.name], table[name], file, _join(key, name))
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise RulebookError(f"{file}: key {_join(key, name)!r} is missing")
    try:
        return kind(**values)
    except ValueError as error:
        raise RulebookError(f"{file}: {key or 'the file'}: {error}") from error


def check_lists(kind: type[object], table: dict[str, object], file: str) -> None:
    """Raise RulebookError for an entry of ``table``, which may say less than a ``kind`` has to."""
    hints = _hints(typing.cast("typing.Hashable", kind))
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        name = field.name.replace("_", "-")
        if isinstance(table.get(name), list):
            _convert(hints[field.name], table[name], file, name)


@lru_cache(maxsize=64)
def _hints(kind: typing.Any) -> dict[str, typing.Any]:
    """The types of the fields of ``kind``; Python compiles every one of them anew each time."""
    return typing.get_type_hints(kind)


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _convert(hint: typing.Any, value: object, file: str, key: str) -> object:
    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if origin is types.UnionType:
        return _convert(next(each for each in arguments if each is not types.NoneType), value, file, key)
    if origin is tuple:
        if not isinstance(value, list):
            raise RulebookError(f"{file}: key {key!r} must be a list")
        return tuple(_convert(arguments[0], each, file, f"{key}[{i}]") for i, each in enumerate(value))
    if origin in (dict, Mapping):
        if not isinstance(value, dict):
            raise RulebookError(f"{file}: key {key!r} must be a table")
        return {name: _convert(arguments[1], each, file, _join(key, name)) for name, each in value.items()}
    if dataclasses.is_dataclass(hint):
        return read_table(typing.cast("type[object]", hint), value, file, key)
    if isinstance(hint, type) and issubclass(hint, enum.StrEnum):
        try:
            return hint(str(value))
        except ValueError:
            raise RulebookError(
                f"{file}: key {key!r} must be one of {', '.join(each.value for each in hint)}"
            ) from None
    if type(value) is not hint:
        raise RulebookError(f"{file}: key {key!r} must be of type {hint.__name__}")
    return value
