"""The token scanner: comments, strings, directives, brackets, lines.

Works on ``str`` decoded from Latin-1, so that an index is a byte offset.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

# A line end inside a comment or a string does not end a directive; it is held
# as a vertical tab until the text is put together again.
HELD_NEWLINE = "\v"
# What a string holds while tokens are looked for: no part of any.
_FILLER = "$"

_LEXEME = re.compile(
    r"/\*[\s\S]*?(?:\*/|\Z)"
    r"|//(?:[^\n\\]+|\\[\s\S])*"
    r'|"(?:[^"\\\n]+|\\[\s\S])*"?'
    r"|'(?:[^'\\\n]+|\\[\s\S])*'?"
)
_BLANK = dict.fromkeys(range(256), " ") | {ord("\n"): "\n", ord(HELD_NEWLINE): HELD_NEWLINE}
_BLANK_HELD = _BLANK | {ord("\n"): HELD_NEWLINE}
_FILL_HELD = dict.fromkeys(range(256), _FILLER) | {ord("\n"): HELD_NEWLINE}
# Outside comments and strings: other white space is a space, what no C file may hold is "@".
_CLEAN = (
    dict.fromkeys((*range(32), *range(127, 256)), "@")
    | {ord(char): " " for char in "\r\f\v"}
    | {ord("\n"): "\n", ord("\t"): "\t"}
)
_UNPRINTABLE = re.compile(r"[^\n\t\x20-\x7e]")
_NOT_BLANK = re.compile(r"[^\s]")
_DIRECTIVE = re.compile(r"^[ \t\v]*#(?:[^\n\\]+|\\[\s\S])*", re.M)
_DIRECTIVE_PARTS = re.compile(r"[ \t\v]*#[\s]*(\w*)")
CONDITIONALS = frozenset({"if", "ifdef", "ifndef", "elif", "elifdef", "elifndef", "else", "endif"})
_BRACKETS = re.compile(r"[()]")
_WORD_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


@dataclass(frozen=True, slots=True)
class Directive:
    """A preprocessor directive, from its line's first byte to its last (continuations included)."""

    word: str
    start: int
    end: int
    argument: int


@dataclass(frozen=True, slots=True)
class Scan:
    """A file after the scanner.

    ``clean`` is the text with comments blanked. ``masked`` has string contents
    filled as well. ``code`` is ``masked`` with every directive blanked
    that is not a conditional. All have the file's length, and none holds what is never compiled.
    """

    clean: str
    masked: str
    code: str
    strings: tuple[tuple[int, int], ...]
    directives: tuple[Directive, ...]


class Lines:
    """Offsets to lines and columns."""

    __slots__ = ("starts",)

    def __init__(self, text: str) -> None:
        lengths = [len(line) + 1 for line in text.split("\n")]
        self.starts = [0, *accumulate(lengths[:-1])]

    def line(self, offset: int) -> int:
        """The line, from 1, that ``offset`` stands in."""
        return bisect_right(self.starts, offset)

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1


def blank(text: str) -> str:
    """White space of the same length, with the line ends where they were."""
    return text.translate(_BLANK)


def mask(text: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The text with comments blanked and strings filled, and where the strings stand."""
    strings: list[tuple[int, int]] = []

    def replace(match: re.Match[str]) -> str:
        lexeme = match.group()
        if lexeme[0] == "/":
            return lexeme.translate(_BLANK_HELD) if "\n" in lexeme else " " * len(lexeme)
        strings.append(match.span())
        closed = len(lexeme) > 1 and lexeme[-1] == lexeme[0]
        inner = lexeme[1:-1] if closed else lexeme[1:]
        filled = inner.translate(_FILL_HELD) if "\n" in inner else _FILLER * len(inner)
        return f"{lexeme[0]}{filled}{lexeme[0] if closed else ''}"

    return _LEXEME.sub(replace, text), tuple(strings)


def comments(text: str) -> Iterator[tuple[int, int]]:
    """Where each comment of ``text`` begins and ends; what looks like one in a string is none."""
    return (each.span() for each in _LEXEME.finditer(text) if each.group()[0] == "/")


def scan(source: bytes) -> Scan:
    """Find comments, strings and directives of one file."""
    text = source.decode("latin-1")
    if _UNPRINTABLE.search(text):
        text = _tidy(text)
    masked, strings = mask(text)
    directives: list[Directive] = []

    def sift(match: re.Match[str]) -> str:
        whole = match.group()
        parts = _DIRECTIVE_PARTS.match(whole)
        word = parts.group(1) if parts else ""
        start = match.start()
        directives.append(Directive(word, start, match.end(), start + (parts.end() if parts else 0)))
        return whole if word in CONDITIONALS else whole.translate(_BLANK)

    code = _DIRECTIVE.sub(sift, masked)
    dead = dead_arms(masked, directives)
    if dead:
        masked, code = _without(masked, dead), _without(code, dead)
        starts = [start for start, _ in dead]
        within = [bisect_right(starts, each.start) - 1 for each in directives]
        directives = [
            each
            for each, arm in zip(directives, within, strict=True)
            if arm < 0 or each.start >= dead[arm][1]
        ]
    return Scan(restore(masked, text, strings), masked, code, strings, tuple(directives))


def _without(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """``text`` with what stands in ``spans`` blanked, which are in order."""
    pieces: list[str] = []
    last = 0
    for start, end in spans:
        pieces += text[last:start], blank(text[start:end])
        last = end
    return "".join((*pieces, text[last:]))


def dead_arms(text: str, directives: Sequence[Directive]) -> list[tuple[int, int]]:
    """Where the arms that are never compiled begin and end: those of `#if 0`, and behind `#if 1`."""
    found: list[tuple[int, int]] = []
    # For each open conditional whether an arm of it was certain to be taken.
    taken: list[bool] = []
    # Where an arm began that is dead, and how many conditionals were open then.
    dead: tuple[int, int] | None = None
    for each in directives:
        opens = each.word in ("if", "ifdef", "ifndef")
        if each.word not in CONDITIONALS or not (opens or taken):
            continue
        if not opens and dead is not None and dead[1] == len(taken):
            found.append((dead[0], each.start))
            dead = None
        if each.word == "endif":
            taken.pop()
            continue
        if opens:
            taken.append(False)
        condition = text[each.argument : each.end].strip() if each.word in ("if", "elif") else ""
        if dead is None and (taken[-1] or condition == "0"):
            dead = (each.end, len(taken))
        taken[-1] = taken[-1] or condition == "1"
    return found


def _tidy(text: str) -> str:
    """Replace what no C file may hold, so that neither the scanner nor the parser meets it."""
    return text.replace("\\\r\n", " \\\n").translate(_CLEAN)


def restore(masked: str, text: str, strings: tuple[tuple[int, int], ...]) -> str:
    """Put the contents of strings back where their quotes still stand."""
    pieces: list[str] = []
    last = 0
    for start, end in strings:
        if masked[start] == text[start]:
            pieces += masked[last:start], text[start:end]
            last = end
    pieces.append(masked[last:])
    return "".join(pieces)


def closing(text: str, opening: int, limit: int = 8192) -> int:
    """The index of the parenthesis that closes the one at ``opening``, -1 if not within ``limit``."""
    depth = 0
    for match in _BRACKETS.finditer(text, opening, min(len(text), opening + limit)):
        if match.group() == "(":
            depth += 1
        else:
            depth -= 1
            if depth == 0:
                return match.start()
    return -1


def skip_space(text: str, position: int) -> int:
    """The index of the first character at or after ``position`` that is not white space (or the length)."""
    match = _NOT_BLANK.search(text, position)
    return match.start() if match else len(text)


def occurrences(text: str, word: str, start: int = 0, end: int | None = None) -> Iterator[int]:
    """Where ``word`` stands alone in ``text`` from ``start`` up to ``end``."""
    offset = text.find(word, start, end)
    while offset >= 0:
        after = offset + len(word)
        if (
            text[after : after + 1] not in _WORD_CHARACTERS
            and text[offset - 1 : offset] not in _WORD_CHARACTERS
        ):
            yield offset
        offset = text.find(word, after, end)


def fold(text: str) -> str:
    """The text on one line: continuations joined, runs of white space made one space."""
    return " ".join(text.replace("\\\n", " ").split())
