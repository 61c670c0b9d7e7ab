"""Paths of a report as they are called from a folder further up."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from kicklint.base.edit import Edit
from kicklint.base.patch import FileChange, Patch
from kicklint.base.report import Excerpt
from kicklint.base.review import Cause
from kicklint.base.span import Span

Value = TypeVar("Value")


def relocated(value: Value, prefix: str) -> Value:
    """``value``, and all values in it, with ``prefix`` put before the paths of places in files.

    The text of messages, and of patches but for the heads of edits, stays as it is.
    """
    result: Value = _relocated(value, prefix) if prefix else value
    return result


def below(patch: Patch, prefix: str) -> Patch:
    """``patch`` with ``prefix`` taken off its files' names, where it stands before them."""

    def within(path: str | None) -> str | None:
        return path.removeprefix(prefix) if path is not None else None

    files = tuple(replace(each, old=within(each.old), new=within(each.new)) for each in patch.files)
    return replace(patch, files=files)


def _relocated(value: Any, prefix: str) -> Any:
    if isinstance(value, (Span, Excerpt, Cause)):
        return replace(value, path=f"{prefix}{value.path}")
    if isinstance(value, Edit):
        head = value.diff.split("\n", 3)
        for side in ("a", "b"):
            head[:3] = [line.replace(f" {side}/", f" {side}/{prefix}") for line in head[:3]]
        changed = _relocated(value.replacements, prefix)
        return replace(value, replacements=changed, diff="\n".join(head))
    if isinstance(value, FileChange):
        old, new = (f"{prefix}{path}" if path is not None else None for path in (value.old, value.new))
        return replace(value, old=old, new=new)
    if isinstance(value, tuple):
        return tuple(_relocated(each, prefix) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        changed = {
            each.name: _relocated(getattr(value, each.name), prefix) for each in fields(value) if each.init
        }
        return replace(value, **changed)
    return value
