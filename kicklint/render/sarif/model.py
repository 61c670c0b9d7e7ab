"""sarif-om, and a serialiser for it that can be trusted.

sarif-om has classes and no usable serialiser. The one that is made for it drops
every value that equals the class's default, so that an explicit level "warning"
under a rule of level "error" is read as an error; copies the log at every depth;
and writes whatever a misspelt attribute holds. This one keeps what was set, refuses
what it does not know, and writes ``$schema`` and ``version`` first, where
readers that stream expect them.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

import sarif_om as om

# A value that equals its default is dropped unless it is one of these: readers take
# an absent level from the rule, and the others are worth stating.
_ALWAYS = frozenset({"level", "kind", "importance"})
_FIRST = ("$schema", "version")

Json = str | int | float | bool | list["Json"] | dict[str, "Json"]


def to_json(log: object) -> dict[str, Json]:
    """A ``sarif_om.SarifLog`` as the object that JSON is written from.

    Raises TypeError on an attribute that the class does not have and on a value
    that is not JSON's: both would otherwise be written as they are.
    """
    value = _object(log)
    return {key: value[key] for key in _FIRST} | value


def _object(item: Any) -> dict[str, Json]:
    fields = type(item).__attrs_attrs__
    unknown = set(vars(item)) - {field.name for field in fields}
    if unknown:
        raise TypeError(f"{type(item).__name__} has no attribute {sorted(unknown)[0]!r}")
    out: dict[str, Json] = {}
    for field in fields:
        value = getattr(item, field.name)
        if value is None or (value == _default(field) and field.name not in _ALWAYS):
            continue
        out[field.metadata["schema_property_name"]] = _value(value)
    return out


def _default(field: Any) -> object:
    factory = getattr(field.default, "factory", None)
    return field.default if factory is None else factory()


def _value(value: object) -> Json:
    if isinstance(value, enum.Enum):
        raise TypeError(f"{value!r} is an enumeration; write its value")
    if isinstance(value, str | int | float):
        return value
    if isinstance(value, list):
        return [_value(each) for each in value]
    if isinstance(value, Mapping):
        return {str(key): _value(each) for key, each in value.items()}
    if hasattr(type(value), "__attrs_attrs__") and type(value).__module__.startswith(om.__name__):
        return _object(value)
    raise TypeError(f"{type(value).__name__} cannot be written to SARIF")


def message(text: str) -> om.Message:
    """A message of plain text, which ends in a full stop (multitool SARIF2001)."""
    return om.Message(text=sentence(text))


def sentence(text: str) -> str:
    """``text`` with a full stop, unless it ends in a mark already."""
    text = text.strip()
    return text if text.endswith((".", "!", "?", "`")) or not text else f"{text}."


def multiformat(text: str, markdown: str | None = None) -> om.MultiformatMessageString:
    """A text with, perhaps, its Markdown (SARIF 2.1.0 section 3.12)."""
    return om.MultiformatMessageString(text=text, markdown=markdown)
