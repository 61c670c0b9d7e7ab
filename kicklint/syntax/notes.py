"""What the rewriting has replaced, put back: the text that stands in the file, for macros to be handed."""

from __future__ import annotations

import re
from collections.abc import Mapping

NOTHING = ""
"""What is noted where C wants something, and nothing was there."""
LABEL = ":"
"""What is noted of a label that was made a statement, since no statement follows it."""
_REPLACED = re.compile(r"\w+|\|\|", re.A)


def restored(text: str, notes: Mapping[int, str], start: int, end: int) -> str:
    """The part of a rewritten ``text`` from ``start`` to ``end`` as it was, by the ``notes`` on that."""
    pieces: list[str] = []
    last = start
    for offset in sorted(each for each in notes if start <= each < end):
        token = _REPLACED.match(text, offset, end) if offset >= last else None
        if token is None:
            continue  # it is part of something that was replaced as a whole
        word = notes[offset]
        pieces += text[last:offset], f"{token.group()}{LABEL}" if word == LABEL else word
        last = token.end()
    pieces.append(text[last:end])
    return "".join(pieces)
