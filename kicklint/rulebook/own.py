"""Rules of somebody's own, put upon those that come with kicklint."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

from kicklint.base import RulebookError

SHARED = ("vocabulary.toml", "macros.toml", "architectures.toml", "dialect.toml")
"""The files of a rulebook that are no rules."""

Table = Mapping[str, object]


def merged(base: Table, own: Table) -> dict[str, object]:
    """``base`` with what ``own`` says besides, or otherwise.

    Words are added to a list of words. An entry of a list of tables takes the place of the one with its
    ``name``; one with ``names`` takes these names away from the entries before it. Anything else of ``own``
    takes the place of what ``base`` has.
    """
    done = dict(base)
    for key, value in own.items():
        before = done.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            done[key] = merged(before, value)
        elif isinstance(before, list) and isinstance(value, list):
            done[key] = _joined(before, value)
        else:
            done[key] = value
    return done


def _joined(before: list[object], own: list[object]) -> list[object]:
    kept: list[object] = []
    names = {name for each in own if isinstance(each, dict) for name in _names(each)}
    for each in before:
        if not isinstance(each, dict):
            kept.append(each)
        elif "name" in each:
            if each["name"] not in names:
                kept.append(each)
        elif rest := [name for name in _names(each) if name not in names]:
            kept.append({**each, "names": rest})
        elif not _names(each):
            kept.append(each)
    return kept + [each for each in own if each not in kept]


def _names(entry: Table) -> list[object]:
    if "name" in entry:
        return [entry["name"]]
    names = entry.get("names")
    return names if isinstance(names, list) else []


def check_names(folder: Path, rules: list[Path]) -> None:
    """Raise RulebookError for a TOML file in ``folder`` that nothing reads; ``rules`` are its rules."""
    if not folder.is_dir():
        raise RulebookError(f"{folder}: is no directory with rules")
    found = sorted(folder.glob("*.toml"))
    if not found:
        raise RulebookError(f"{folder}: holds no rules (NAME001.toml) and none of {', '.join(SHARED)}")
    for path in found:
        if path not in rules and path.name not in SHARED:
            near = difflib.get_close_matches(path.name, SHARED, 1, 0.8)
            hint = f"did you mean {near[0]}?" if near else "a rule's file is named as its id: NAME001.toml"
            raise RulebookError(f"{path}: nothing reads a file of this name; {hint}")
