"""Text that is safe to show, and where its columns are.

Source text, and names and messages taken from it, may hold anything: terminal
escapes, bidirectional controls that show code in another order than it has, bytes
that are not UTF-8 (:class:`~kicklint.base.Excerpt` keeps those as lone surrogates,
as Python's ``surrogateescape`` does). What is shown makes all of them visible.
"""

from __future__ import annotations

import unicodedata

from kicklint.base import Report

_TAB = 8
# Invisible characters that change how the text around them is shown.
_BIDIRECTIONAL = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_ZERO_WIDTH = frozenset("\u200b\u2060\ufeff\u2028\u2029")


class Lines:
    """The lines that a report carries, by path and number."""

    def __init__(self, report: Report) -> None:
        self._text = {(each.path, each.line): each.text for each in report.excerpts}

    def get(self, path: str, line: int) -> str | None:
        """The text of the line, or None when the report does not carry it."""
        return self._text.get((path, line))


def _show(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x20 or 0x7F <= code < 0xA0:
        return f"\\x{code:02x}"
    if character in _BIDIRECTIONAL or character in _ZERO_WIDTH or 0xD800 <= code <= 0xDFFF:
        return f"<U+{code:04X}>"
    return character


def visible(text: str) -> str:
    """``text`` on one line, with every control character made visible."""
    return "".join(" " if each in "\t\n\r" else _show(each) for each in text)


def encodable(text: str) -> str:
    """``text`` without lone surrogates, which no UTF-8 file can hold."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        # Each becomes U+FFFD; "surrogatepass" takes those that stand for no byte, too.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _width(shown: str) -> int:
    cells = 0
    for each in shown:
        if unicodedata.combining(each):
            continue
        cells += 2 if unicodedata.east_asian_width(each) in "WF" else 1
    return cells


def expand(text: str) -> tuple[str, list[int]]:
    """A source line as a terminal shows it, and the cell of each of its bytes.

    Tabs become spaces up to the next multiple of eight and control characters
    become visible. The list holds, for each byte of the line and for its end, the
    number of cells to the left of it.
    """
    shown: list[str] = []
    cells: list[int] = []
    position = 0
    for each in text:
        piece = " " * (_TAB - position % _TAB) if each == "\t" else _show(each)
        cells += [position] * len(each.encode("utf-8", "surrogateescape"))
        shown.append(piece)
        position += _width(piece)
    return "".join(shown), [*cells, position]


def _prefix(text: str | None, column: int) -> str | None:
    if text is None:
        return None
    return text.encode("utf-8", "surrogateescape")[: column - 1].decode("utf-8", "replace")


def character_column(text: str | None, column: int) -> int:
    """The byte column ``column`` of the line ``text`` in Unicode characters, from 1.

    A column beyond the line's end is the end. Without the text, the byte column.
    """
    prefix = _prefix(text, column)
    return column if prefix is None else len(prefix) + 1


def utf16_column(text: str | None, column: int) -> int:
    """The byte column ``column`` of the line ``text`` in UTF-16 code units, from 1.

    The unit that SARIF calls ``utf16CodeUnits`` (SARIF 2.1.0 section 3.14.17).
    """
    prefix = _prefix(text, column)
    return column if prefix is None else len(prefix) + sum(ord(each) > 0xFFFF for each in prefix) + 1


def counted(number: int, thing: str) -> str:
    """``1 finding``, ``2 findings``: a number and its noun."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
