"""Edits of one file as a person would make them: whole lines, the indentation of what stands around."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kicklint.base import Replacement, Span
from kicklint.syntax import Statement

_WIDTH = 100
_TAB = 8
_AROUND = 3
_HUNK = re.compile(r"([-+])(\d+)")


@dataclass(frozen=True, slots=True)
class Change:
    """The bytes from ``start`` to ``end`` of a file give way to ``text``."""

    start: int
    end: int
    text: str


class FileText:
    """The bytes of one file, and the places in it."""

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.data = data
        self._starts = [0]
        for offset, byte in enumerate(data):
            if byte == 0x0A:
                self._starts.append(offset + 1)

    def offset(self, line: int, column: int) -> int:
        """The offset of a place; lines and columns count from 1."""
        return min(self._starts[min(line, len(self._starts)) - 1] + column - 1, len(self.data))

    def text(self, start: int, end: int) -> str:
        """A piece of the file."""
        return self.data[start:end].decode("utf-8", "surrogateescape")

    def indentation(self, offset: int) -> str:
        """The white space that the line of ``offset`` begins with."""
        start = self.data.rfind(b"\n", 0, offset) + 1
        line = self.data[start : self.line_end(offset)]
        return line[: len(line) - len(line.lstrip(b" \t"))].decode("ascii")

    def line_end(self, offset: int) -> int:
        """The offset of the line feed that ends the line of ``offset``, or of the end of the file."""
        end = self.data.find(b"\n", offset)
        return end if end >= 0 else len(self.data)

    def alone(self, statement: Statement) -> bool:
        """Whether nothing else stands in the lines of ``statement``."""
        start = self.data.rfind(b"\n", 0, statement.start) + 1
        before, behind = (
            self.data[start : statement.start],
            self.data[statement.end : self.line_end(statement.end)],
        )
        return not before.strip() and not behind.strip()

    def changed(self, changes: Iterable[Change]) -> bytes:
        """The file after ``changes``, which do not overlap."""
        data = self.data
        for each in sorted(changes, key=lambda each: (each.start, each.end), reverse=True):
            data = data[: each.start] + each.text.encode("utf-8", "surrogateescape") + data[each.end :]
        return data

    def replacements(self, changes: Iterable[Change]) -> tuple[Replacement, ...]:
        """``changes`` in lines and columns, in the order of the text."""
        return tuple(
            Replacement(Span(self.path, *self._place(each.start), *self._place(each.end)), each.text)
            for each in sorted(changes, key=lambda each: (each.start, each.end))
        )

    def _place(self, offset: int) -> tuple[int, int]:
        start = self.data.rfind(b"\n", 0, offset) + 1
        return self.data.count(b"\n", 0, offset) + 1, offset - start + 1


def put_before(file: FileText, path: tuple[Statement, ...], text: str) -> list[Change] | None:
    """``text`` as a statement before the last of ``path``; None where none can stand."""
    statement = path[-1]
    if statement.kind in ("declaration", "block") or (statement.kind == path[-2].kind == "if"):
        return None
    braces = _braces(file, path)
    return [
        *(braces or ()),
        Change(statement.start, statement.start, f"{text}\n{file.indentation(statement.start)}"),
    ]


def put_behind(file: FileText, path: tuple[Statement, ...], text: str) -> list[Change] | None:
    """``text`` as a statement behind the last of ``path``; None where none can stand."""
    statement = path[-1]
    if statement.kind not in ("simple", "declaration"):
        return None
    if statement.kind == "declaration":
        statement = _last_declaration(path)
    indentation = file.indentation(statement.start)
    braces = _braces(file, path)
    if braces is not None:
        opening, closing = braces
        inner = Change(closing.start, closing.end, f"\n{indentation}{text}{closing.text}")
        return [opening, inner]
    end = statement.end
    rest = file.data[end : file.line_end(end)].strip()
    if rest.startswith(b"/*") and rest.endswith(b"*/") and rest.count(b"*/") == 1:
        end = file.line_end(end)
    return [Change(end, end, f"\n{indentation}{text}")]


def _last_declaration(path: tuple[Statement, ...]) -> Statement:
    found = path[-1]
    for each in path[-2].parts[path[-2].parts.index(found) :]:
        if each.kind != "declaration":
            break
        found = each
    return found


def _braces(file: FileText, path: tuple[Statement, ...]) -> tuple[Change, Change] | None:
    """What puts braces around the last of ``path`` where it stands without; None where it need not."""
    statement, parent = path[-1], path[-2]
    if parent.kind not in ("if", "loop") or statement.kind == "block":
        return None
    head = len(file.data[: statement.start].rstrip())
    outer = file.indentation(parent.start)
    closing = Change(statement.end, statement.end, f"\n{outer}}}")
    if parent.kind == "if" and len(parent.parts) > 1 and parent.parts[0] == statement:
        behind = file.data[statement.end : parent.end]
        blank = len(behind) - len(behind.lstrip())
        closing = Change(statement.end, statement.end + blank, f"\n{outer}}} ")
    return Change(head, head, " {"), closing


def guard(file: FileText, path: tuple[Statement, ...], condition: str) -> list[Change] | None:
    """The last of ``path`` only where ``condition`` holds, in the ``if`` before it or in a new one."""
    statement, parent = path[-1], path[-2]
    if statement.kind not in ("simple", "jump"):
        return None
    only = parent.kind == "if" and len(parent.parts) == 1
    if only and parent.condition is not None:
        return [_narrowed(file, parent, parent.condition, condition)]
    if parent.kind == "if" and parent.parts[0] == statement:
        return None  # an else would go to the new one
    indentation = file.indentation(statement.start)
    return [Change(statement.start, statement.start, f"if ({condition})\n{indentation}\t")]


def _narrowed(file: FileText, parent: Statement, extent: tuple[int, int], condition: str) -> Change:
    start, end = extent
    before = file.text(start, end)
    loose = any(mark in before for mark in ("||", "?", ","))
    if loose:
        before = f"({before})"
    line = file.text(file.data.rfind(b"\n", 0, end) + 1, file.line_end(end)).expandtabs(_TAB)
    fits = len(line) + len(condition) + 4 <= _WIDTH
    join = " && " if fits else f" &&\n{file.indentation(parent.start)}    "
    if loose:
        return Change(start, end, f"{before}{join}{condition}")
    return Change(end, end, f"{join}{condition}")


def cut(file: FileText, statement: Statement) -> Change:
    """Take ``statement`` out, with its lines where it is alone in them."""
    if file.alone(statement):
        start = file.data.rfind(b"\n", 0, statement.start) + 1
        return Change(start, min(file.line_end(statement.end) + 1, len(file.data)), "")
    behind = file.data[statement.end : file.line_end(statement.end)]
    if not behind.strip():
        return Change(len(file.data[: statement.start].rstrip(b" \t")), statement.end, "")
    blank = len(behind) - len(behind.lstrip(b" \t"))
    return Change(statement.start, statement.end + blank, "")


def unified(path: str, before: bytes, after: bytes) -> str:
    """The difference as ``git apply`` takes it; "" when there is none."""
    if before == after:
        return ""
    left, right = (_lines(each) for each in (before, after))
    # A hunk holds three lines around what differs. The rest of a large file takes difflib long to look at.
    first = max(_alike(left, right) - _AROUND, 0)
    last = max(_alike(left[first:][::-1], right[first:][::-1]) - _AROUND, 0)
    left, right = (each[first : len(each) - last] for each in (left, right))
    out = [f"diff --git a/{path} b/{path}\n"]
    for each in difflib.unified_diff(left, right, f"a/{path}", f"b/{path}", n=_AROUND):
        line = _HUNK.sub(lambda match: f"{match[1]}{int(match[2]) + first}", each) if each[0] == "@" else each
        out.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
    return "".join(out)


def _alike(left: Sequence[str], right: Sequence[str]) -> int:
    """How many lines at the beginning of both are the same."""
    pairs = enumerate(zip(left, right, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(left), len(right)))


def _lines(data: bytes) -> list[str]:
    text = data.decode("utf-8", "surrogateescape")
    return [each + "\n" for each in text.split("\n")[:-1]] + [each for each in text.split("\n")[-1:] if each]
