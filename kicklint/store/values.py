"""Frozen dataclasses as JSON and back.

JSON and not pickle, because reading a pickle may run what somebody else has written.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import types
import typing
from collections.abc import Callable
from functools import lru_cache

T = typing.TypeVar("T")

_Reader = Callable[[typing.Any], typing.Any]


def encoded(value: object) -> bytes:
    """``value`` (a dataclass of dataclasses, tuples, sets, enumerations and plain values) as text."""
    return json.dumps(_plain(value), separators=(",", ":")).encode()


def decoded(kind: type[T], text: bytes) -> T:
    """The ``kind`` that ``text`` was made from. Raises ValueError where it is not one."""
    try:
        found: T = _reader(typing.cast("typing.Hashable", kind))(json.loads(text))
    except (TypeError, KeyError, IndexError, RecursionError) as error:
        raise ValueError(f"no {kind.__name__}: {error}") from error
    return found


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value):
        return [_plain(getattr(value, each.name)) for each in dataclasses.fields(value)]
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, frozenset):
        return sorted(_plain(each) for each in value)  # type: ignore[type-var]
    if value is None or isinstance(value, bool | int | str):
        return value
    raise TypeError(f"{type(value).__name__} cannot be kept")


@lru_cache(maxsize=256)
def _reader(kind: typing.Any) -> _Reader:
    """What makes a ``kind`` of what JSON gives, with every type looked at."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        readers = [_reader(hints[each.name]) for each in dataclasses.fields(kind)]
        made: typing.Any = kind
        return lambda data: made(*_each(readers, data))
    if origin is types.UnionType:
        inner = _reader(next(each for each in arguments if each is not types.NoneType))
        return lambda data: None if data is None else inner(data)
    if origin is frozenset:
        inner = _reader(arguments[0])
        return lambda data: frozenset(map(inner, _checked(list, data)))
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        inner = _reader(arguments[0])
        return lambda data: tuple(map(inner, _checked(list, data)))
    if origin is tuple:
        readers = [_reader(each) for each in arguments]
        return lambda data: tuple(_each(readers, data))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind
    return lambda data: _checked(kind, data)


def _each(readers: list[_Reader], data: object) -> list[object]:
    return [read(each) for read, each in zip(readers, _checked(list, data), strict=True)]


def _checked(kind: type[T], data: object) -> T:
    if type(data) is not kind:
        raise ValueError(f"{kind.__name__} expected, {type(data).__name__} found")
    return data
