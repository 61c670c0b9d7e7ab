"""What the words of a text are used for, without parsing it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kicklint.syntax.scan import occurrences

_WORD = re.compile(r"[A-Za-z_]\w*")
_CALLED = re.compile(r"\b([A-Za-z_]\w*)\s*\(")
_HANDED = re.compile(r"[(,=&?:]\s*([A-Za-z_]\w*)\s*(?=[,);:])")
_MEMBER = re.compile(r"(?:->|\.)\s*([A-Za-z_]\w*)(\s*[,);])?")
_CONDITIONAL = re.compile(r"^[ \t\f\v]*#[ \t\f\v]*(if|endif)?[^\n]*$", re.M)
_POINTER = re.compile(r"struct\s+(\w+)\s*\*+\s*(\w+)\s*(?:\[[^]]*\])?\s*;")


@dataclass(frozen=True, slots=True)
class Spoken:
    """Words of a text: ``mentioned`` are called or handed on as values, ``members`` reached in objects."""

    mentioned: frozenset[str]
    members: frozenset[str]


def words_in(text: str) -> frozenset[str]:
    """Every word of ``text``."""
    return frozenset(_WORD.findall(text))


def spoken_in(text: str) -> Spoken:
    """What the words of ``text`` are used for; an upper bound."""
    reached = _MEMBER.findall(text)
    values = [word for word, handed in reached if handed]
    return Spoken(
        frozenset((*_CALLED.findall(text), *_HANDED.findall(text), *values)),
        frozenset([word for word, _ in reached]),
    )


def conditional_in(text: str, words: frozenset[str]) -> Iterator[str]:
    """Those of ``words`` that stand in ``text``, and in some #if or in a directive wherever they do."""
    always: list[str] = []
    sometimes: list[str] = []
    last = depth = 0
    for match in _CONDITIONAL.finditer(text):
        (sometimes if depth else always).append(text[last : match.start()])
        sometimes.append(match.group())
        last = match.end()
        depth += {"if": 1, "endif": -1}.get(match.group(1), 0)
    (sometimes if depth else always).append(text[last:])
    rest = "".join(always)
    for word in words & words_in(" ".join(sometimes)):
        if next(occurrences(rest, word), None) is None:
            yield word


def struct_pointers(text: str) -> frozenset[tuple[str, str]]:
    """(struct, name) of every pointer to a struct that ``text`` declares in a statement of its own."""
    return frozenset(_POINTER.findall(text))
