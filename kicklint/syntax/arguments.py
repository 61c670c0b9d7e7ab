"""The arguments of a macro's call that are no expressions: operators, statements, declarations, nothing.

Only a macro can be handed such a thing. The parser is shown a name in its place, and the text
is kept for whoever puts the macro in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kicklint.syntax.scan import skip_space

_MARK = re.compile(r"[()\[\]{},;]")
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
STATEMENT_WORDS = (
    "return",
    "goto",
    "break",
    "continue",
    "if",
    "for",
    "while",
    "do",
    "switch",
    "case",
    "default",
)
"""What a statement begins with that is no expression."""
_NO_EXPRESSION = re.compile(
    rf"(?:{'|'.join(STATEMENT_WORDS)}|else)\b"  # a statement
    r"|[-+*/%&|^<>=!~]+\Z"  # an operator
    r"|\{|\.\s*[A-Za-z_.]|\["  # a block, an initialiser or a designator
    r"|(?!sizeof\b|_*alignof_*\b)[A-Za-z_]\w*\s+\**\s*[A-Za-z_]\w*",  # a declaration, but not `a * b`
    re.A,
)
_ROOM = re.compile(r"[ \t]")
_PRODUCT = re.compile(r"\w+\s+\*\s+\w", re.A)


def split_arguments(text: str, opening: int, close: int) -> Iterator[tuple[int, int, bool]]:
    """Where each argument between two parentheses begins and ends, and whether a `;` stands in it."""
    depth = 0
    start = opening + 1
    statement = False
    for match in _MARK.finditer(text, start, close):
        token = match.group()
        if token in _OPENING:
            depth += 1
        elif token in _CLOSING:
            depth -= 1
        elif token == ";":
            statement = statement or depth == 0
        elif depth == 0:
            yield start, match.start(), statement
            start, statement = match.end(), False
    yield start, close, statement


def unexpressive(text: str, opening: int, close: int) -> Iterator[tuple[int, int]]:
    """Where the arguments of a call stand that are no expressions, white space around them left out.

    One that is empty is the room for it; there is none where nothing is handed over at all.
    """
    found = list(split_arguments(text, opening, close))
    for start, end, statement in found:
        begin = skip_space(text, start)
        if begin >= end:
            place = _ROOM.search(text, start, end)  # a line break stays one
            if len(found) > 1 and place is not None:
                yield place.start(), end
            continue
        if statement or (_NO_EXPRESSION.match(text, begin, end) and not _PRODUCT.match(text, begin, end)):
            yield begin, begin + len(text[begin:end].rstrip())
