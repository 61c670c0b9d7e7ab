"""Colour, when it is asked for (ECMA-48 select graphic rendition)."""

from __future__ import annotations

from dataclasses import dataclass

from kicklint.base import Severity

_SEVERITY = {Severity.ERROR: "1;31", Severity.WARNING: "1;33", Severity.NOTE: "1;36"}


@dataclass(frozen=True, slots=True)
class Style:
    """Wraps text in colour, or leaves it as it is."""

    colour: bool = False

    def _wrap(self, codes: str, text: str) -> str:
        return f"\x1b[{codes}m{text}\x1b[0m" if self.colour and text else text

    def severity(self, severity: Severity, text: str) -> str:
        """Red for an error, yellow for a warning, cyan for a note."""
        return self._wrap(_SEVERITY[severity], text)

    def strong(self, text: str) -> str:
        """Bold."""
        return self._wrap("1", text)

    def faint(self, text: str) -> str:
        """Blue, for line numbers and frames."""
        return self._wrap("34", text)

    def help(self, text: str) -> str:
        """Green, for what to do."""
        return self._wrap("1;32", text)
