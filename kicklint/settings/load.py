"""Finding and reading configuration and waiver files."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from kicklint.base import RulebookError, SettingsError
from kicklint.rulebook import load_rulebook, read_table
from kicklint.settings.model import Settings, SettingsFile, Waiver

CONFIGURATION = ".kicklint.toml"
"""The configuration's own file; ``pyproject.toml`` may hold it as ``[tool.kicklint]`` instead."""

PYPROJECT = "pyproject.toml"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _WaiverFile:
    waiver: tuple[Waiver, ...] = ()


def load_settings(start: Path, named: Path | None = None) -> SettingsFile:
    """The settings in ``named``, else in the nearest configuration at or above ``start``.

    A directory's ``.kicklint.toml`` goes before its ``pyproject.toml``, which counts only
    when it has a ``[tool.kicklint]``. Raises SettingsError, naming the file and the key,
    for a file that cannot be read, an unknown key, rule or type.
    """
    if named is not None:
        found = _read(named)
        if found is None:
            raise SettingsError(f"{named}: has no [tool.kicklint]")
        return found
    for folder in (start, *start.parents):
        for path in (folder / CONFIGURATION, folder / PYPROJECT):
            if path.is_file() and (found := _read(path)) is not None:
                return found
    return SettingsFile(Settings())


def load_waivers(path: Path) -> tuple[Waiver, ...]:
    """The ``[[waiver]]`` tables of a file that holds nothing else, or of a configuration.

    Raises SettingsError as :func:`load_settings` does.
    """
    if path.name in (CONFIGURATION, PYPROJECT):
        found = _read(path)
        return found.settings.waiver if found is not None else ()
    table = _parse(path)
    waivers = _checked(_WaiverFile, table, path).waiver
    _check_rules(path, [(f"waiver[{at}].rule", each.rule) for at, each in enumerate(waivers)])
    return waivers


def _read(path: Path) -> SettingsFile | None:
    table = _parse(path)
    if path.name == PYPROJECT:
        tool = table.get("tool")
        if not isinstance(tool, dict) or "kicklint" not in tool:
            return None
        table = tool["kicklint"]
    settings = _checked(Settings, table, path)
    named = [(key, name) for key in ("select", "ignore") for name in getattr(settings, key)]
    named += [(f"waiver[{at}].rule", each.rule) for at, each in enumerate(settings.waiver)]
    _check_rules(path, named)
    if settings.jobs < 0:
        raise SettingsError(f"{path}: key 'jobs' must not be negative")
    return SettingsFile(settings, path, frozenset(table))


def _parse(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{path}: is not TOML: {error}") from error


def _checked(kind: type[T], table: object, path: Path) -> T:
    try:
        return read_table(kind, table, str(path), "")
    except RulebookError as error:
        raise SettingsError(str(error)) from None


def _check_rules(path: Path, named: list[tuple[str, str]]) -> None:
    known = {each for rule in load_rulebook().rules for each in (rule.id, rule.name)}
    for key, name in named:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1, 0.5)
            hint = f"; did you mean {near[0]!r}?" if near else "; kicklint rules lists them"
            raise SettingsError(f"{path}: key {key!r} names {name!r}, which is no rule{hint}")
