"""Patterns of C with holes, such as ``WRITE_ONCE({place}, {value})``, held against a piece of text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_HOLE = re.compile(r"\{([a-z]+)\}")
_OPENING, _CLOSING = "([{", ")]}"
_SEPARATORS = ",;"
_JOINT = re.compile(r"(&&|\|\||\?)")
_OPERATORS = "=!<>+-*/&|^%"


@dataclass(frozen=True, slots=True)
class _Dense:
    """A text without the white space that means nothing, and where each letter stood."""

    text: str
    at: tuple[int, ...]


def holes(pattern: str) -> tuple[str, ...]:
    """The names of the holes in ``pattern``."""
    return tuple(_HOLE.findall(pattern))


def matched(pattern: str, text: str) -> dict[str, str] | None:
    """What stands in the holes of ``pattern`` when it is the whole of ``text``; None when it is not.

    White space does not matter. What fills a hole is one operand or argument: brackets in it close, and no
    comma stands outside of them. A hole that occurs twice has to be filled alike.
    """
    dense = _dense(text)
    pieces = _HOLE.split(pattern)
    literals = [_dense(each).text for each in pieces[0::2]]
    found = _fill(dense.text, 0, literals, pieces[1::2], {})
    if found is None:
        return None
    return {name: _original(text, dense, extent) for name, extent in found.items()}


def filled(text: str, values: Mapping[str, str]) -> str | None:
    """``text`` with its holes filled; None when something is missing for one."""
    if any(name not in values for name in holes(text)):
        return None
    return _HOLE.sub(lambda match: values[match[1]], text)


def conjuncts(condition: str) -> list[str]:
    """What has to hold for ``condition`` to: itself, or the operands of its ``&&`` outside of brackets."""
    found = [""]
    depth = 0
    for piece in _JOINT.split(condition):
        if piece in ("||", "?") and depth == 0:
            return [condition]
        if piece == "&&" and depth == 0:
            found.append("")
            continue
        depth += sum((letter in _OPENING) - (letter in _CLOSING) for letter in piece)
        found[-1] += piece
    return found


def _dense(text: str) -> _Dense:
    letters: list[str] = []
    at: list[int] = []
    gap = False
    for offset, letter in enumerate(text):
        if letter.isspace():
            gap = True
            continue
        if gap and letters and _word(letters[-1]) and _word(letter):
            letters.append(" ")
            at.append(offset - 1)
        letters.append(letter)
        at.append(offset)
        gap = False
    return _Dense("".join(letters), tuple(at))


def _word(letter: str) -> bool:
    return letter.isalnum() or letter == "_"


def _original(text: str, dense: _Dense, extent: tuple[int, int]) -> str:
    first, last = dense.at[extent[0]], dense.at[extent[1] - 1]
    return " ".join(text[first : last + 1].split())


def _fill(
    text: str, start: int, literals: list[str], names: list[str], known: dict[str, tuple[int, int]]
) -> dict[str, tuple[int, int]] | None:
    """The extents of the holes when ``literals``, with holes between them, are the rest of ``text``."""
    literal = literals[0]
    if not text.startswith(literal, start):
        return None
    start += len(literal)
    if not names:
        return known if start == len(text) else None
    for end in range(start + 1, len(text) + 1):
        if not text.startswith(literals[1], end) or not _operand(text[start:end]):
            continue
        before = known.get(names[0])
        if before is not None and text[slice(*before)] != text[start:end]:
            continue
        found = _fill(text, end, literals[1:], names[1:], {**known, names[0]: (start, end)})
        if found is not None:
            return found
    return None


def _operand(text: str) -> bool:
    depth = 0
    for letter in text:
        if letter in _OPENING:
            depth += 1
        elif letter in _CLOSING:
            depth -= 1
            if depth < 0:
                return False
        elif letter in _SEPARATORS and depth == 0:
            return False
    return depth == 0 and text[0] != "=" and text[-1] not in _OPERATORS
