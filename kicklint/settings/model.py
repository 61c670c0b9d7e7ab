"""What a configuration file may say."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Waiver:
    """One entry of ``[[waiver]]``: findings that somebody has looked at and accepts.

    ``rule`` is an id or a name. At least one of ``function``, ``path`` (a file, a
    directory, or a pattern with ``*``) and ``fingerprint`` says where; all that are
    given have to match. ``expires`` is the last day on which it holds. A reason that is
    missing is reported with the findings and not refused with the file, so that one
    slip does not switch off the rest.
    """

    rule: str
    reason: str = ""
    function: str = ""
    path: str = ""
    fingerprint: str = ""
    expires: datetime.date | None = None
    link: str = ""

    def __post_init__(self) -> None:
        if not (self.function or self.path or self.fingerprint):
            raise ValueError("a waiver needs one of 'function', 'path' and 'fingerprint'")


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys of ``.kicklint.toml`` and of ``[tool.kicklint]`` in ``pyproject.toml``.

    ``select``, ``ignore`` and ``arch`` are as the options of the same names;
    ``exclude`` are paths or patterns below the tree for which nothing is reported;
    ``baseline`` and ``waivers`` are files, relative to the one that names them;
    ``remedies`` asks for the edits that remove findings.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    arch: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    format: str = ""
    jobs: int = 0
    baseline: str = ""
    waivers: str = ""
    remedies: bool = False
    waiver: tuple[Waiver, ...] = ()


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """Settings, the file that they were read from (None where there is none), and the keys that it gives."""

    settings: Settings
    path: Path | None = None
    given: frozenset[str] = frozenset()

    def beside(self, name: str) -> Path | None:
        """The file ``name`` as the configuration means it; None for no name."""
        if not name:
            return None
        return self.path.parent / name if self.path is not None else Path(name)
