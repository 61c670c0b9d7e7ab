"""Hunks in, C out that holds what they show: for patches that there is no tree for.

A hunk begins and ends somewhere in a function. The function's head is what git writes behind the
``@@``; blocks and parentheses that are open on either side are opened and closed again, under a
condition that nobody knows. Lines keep their numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kicklint.base import FileChange, Hunk, SourceError
from kicklint.source import is_kvm_code

_UNSEEN = "unseen"
_HEAD = re.compile(r"(?P<before>[A-Za-z_][\w\s*]*?\b)(?P<name>[A-Za-z_]\w*)\s*\((?P<parameters>.*)$")
_PARAMETER = re.compile(r"\s*\w[\w\s*]*[\s*]\w+\s*|\s*void\s*")
_TOKEN = re.compile(r"//.*|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|/\*.*?\*/|/\*|\*/|[(){};]")
_OPERATOR = re.compile(r"\s*(?:&&|\|\||[-+*/%|&^<>=?:]|\.\w|->)")
_UNFINISHED = re.compile(r"(?:&&|\|\||[-+*/%|&^<>=?:,(])\s*$")
_CASE = re.compile(r"\s*(?:case\b|default\s*:)")
_JUMP = re.compile(r"\b(?:break|continue)\s*;")
_LOOP = re.compile(r"\b(?:for|while|do|switch)\b|_for_each_")
_CONDITIONAL = re.compile(r"\s*#\s*(if|ifdef|ifndef|else|elif|endif)\b")
_LABEL = re.compile(r"\w+:")


@dataclass(frozen=True, slots=True)
class ShownTree:
    """The files of a patch as far as its hunks show them."""

    files: dict[str, bytes]

    @property
    def root(self) -> Path:
        """No place on disk."""
        return Path("hunks")

    def paths(self) -> tuple[str, ...]:
        """The files, sorted."""
        return tuple(sorted(self.files))

    def read(self, path: str) -> bytes:
        """The bytes of one file. Raises SourceError when there are none."""
        if path not in self.files:
            raise SourceError(f"{path}: is not in the patch")
        return self.files[path]

    def architectures(self) -> tuple[str, ...]:
        """The architectures whose files the patch touches."""
        parts = (path.split("/") for path in self.files)
        return tuple(sorted({each[1] for each in parts if each[0] == "arch" and each[2] == "kvm"}))


def shown_tree(changes: Sequence[FileChange], *, after: bool) -> ShownTree:
    """What the hunks of ``changes`` show of the files after the patch, or before it."""
    files = {}
    for change in changes:
        path = change.new if after else change.old
        if path is not None and is_kvm_code(path):
            files[path] = shown_file(change, after=after)
    return ShownTree(files)


def indented(change: FileChange) -> FileChange:
    """``change`` with its lines inside of their functions again, where they have lost their white space."""
    return replace(change, hunks=tuple(_indented(each) for each in change.hunks))


def _indented(hunk: Hunk) -> Hunk:
    """``hunk`` inside of its function, where all of its lines have lost what they were indented by."""
    if any(line.text.startswith(("\t", "  ")) for line in hunk.lines) or _function_head(hunk.section) is None:
        return hunk
    lines = (replace(line, text=f"\t{line.text}" if line.text else "") for line in hunk.lines)
    return replace(hunk, lines=tuple(lines))


def shown_file(change: FileChange, *, after: bool) -> bytes:
    """One side of one file, each line of a hunk at its own number."""
    found: dict[int, str] = {}
    opened = ""
    for index, hunk in enumerate(change.hunks):
        lines = _side(hunk, after)
        if not lines:
            continue
        piece = _Piece(hunk.section, [text for _, text in lines])
        following = change.hunks[index + 1] if index + 1 < len(change.hunks) else None
        goes_on = piece.left_open if following is not None and _goes_on(piece, following, after) else ""
        first, last = lines[0][0], lines[-1][0]
        before = piece.prefix(opened)
        for (number, _), text in zip(lines, piece.lines, strict=True):
            found[number] = text
        if before:
            at = first - 1 if first > 1 else first
            found[at] = f"{found.get(at, '')} {before}" if at < first else f"{before} {found[first]}"
        found[last] += piece.suffix(opened, bool(goes_on))
        opened = goes_on
    size = max(found, default=0)
    return "".join(f"{found.get(n, '')}\n" for n in range(1, size + 1)).encode("utf-8", "surrogateescape")


def _side(hunk: Hunk, after: bool) -> list[tuple[int, str]]:
    numbered = ((line.new if after else line.old, line.text) for line in hunk.lines)
    return [(number, text) for number, text in numbered if number is not None]


def _goes_on(piece: _Piece, following: Hunk, after: bool) -> bool:
    """Whether the next hunk begins in the function that this one has left open."""
    next_piece = _Piece(following.section, [text for _, text in _side(following, after)])
    return bool(piece.left_open) and next_piece.inside == piece.left_open


class _Piece:
    """The lines of one side of one hunk, and what is missing around them.

    ``inside`` is the function that they begin in, "" if they begin outside; ``left_open`` the one
    that they end in.
    """

    def __init__(self, section: str, lines: list[str]) -> None:
        self.lines = _without_conditionals(_without_comment(lines))
        self.head = _function_head(section)
        self.lead = self._lead()
        self.inside = self.head[0] if self.head is not None and self.lead else ""
        if not self.inside:
            # What stands in front of the first definition belongs to something that is not shown.
            self.lines[: self.lead] = [""] * self.lead
        self.blocks, self.parentheses = _needed(self.lines[: self.lead]) if self.inside else (0, 0)
        self.case = any(_CASE.match(line) for line in self.lines[: self.lead])
        jumps = [n for n, line in enumerate(self.lines[: self.lead]) if _JUMP.search(line)]
        self.jump = bool(jumps) and not any(_LOOP.search(line) for line in self.lines[: jumps[0]])
        closed = self.lead > 0 and self.lines[self.lead - 1].startswith("}")
        if (self.case or self.jump) and not closed:
            self.blocks += 1
        elif (self.case or self.jump) and closed and self.blocks == 0:
            self.lines[: self.lead] = [""] * self.lead
            self.inside = ""
        self.left_open = self._left_open()

    def _lead(self) -> int:
        """How many lines belong to the function that the hunk begins in."""
        for number, line in enumerate(self.lines):
            if line.startswith("}"):
                return number + 1
            if line[:1].strip() and line[0] not in "#{/*" and not _LABEL.match(line):
                return number
        return len(self.lines)

    def _left_open(self) -> str:
        blocks, _, _ = _depths("\n".join(self.lines))
        if self.inside and self.lead == len(self.lines) and not self.lines[self.lead - 1].startswith("}"):
            return self.inside
        if blocks <= 0:
            return ""
        heads = [head for line in self.lines[self.lead :] if (head := _function_head(line)) is not None]
        return heads[-1][0] if heads else ""

    def prefix(self, opened: str) -> str:
        """What has to stand in front; ``opened`` is the function that is open already."""
        if not self.inside or self.head is None:
            return ""
        head = "" if opened else f"{self.head[1]} {{ "
        keyword = "switch" if self.case else "while" if self.jump else "if"
        blocks = [f"if ({_UNSEEN}) {{"] * self.blocks
        if blocks and (self.case or self.jump):
            blocks[0] = f"{keyword} ({_UNSEEN}) {{"
        first = next((line for line in self.lines if line.strip()), "")
        expression = ""
        if self.parentheses:
            expression = "if " + "(" * self.parentheses + (_UNSEEN if _OPERATOR.match(first) else "")
        return f"{head}{' '.join(blocks)} {expression}".rstrip()

    def suffix(self, opened: str, goes_on: bool) -> str:
        """What has to stand behind; the function stays open when it ``goes_on``."""
        text = "\n".join([self.prefix(opened), *self.lines])
        blocks, parentheses, comment = _depths(text)
        blocks += bool(opened) - goes_on
        out = " */" if comment else ""
        if parentheses > 0 or _UNFINISHED.search(self.lines[-1]):
            out += _UNSEEN if _UNFINISHED.search(self.lines[-1]) else ""
            out += ")" * max(parentheses, 0)
        if blocks > 0 or parentheses > 0 or goes_on:
            out += " ;" + " }" * max(blocks, 0)
        return out


def _function_head(section: str) -> tuple[str, str] | None:
    """The name and the whole head of the function that ``section`` is the first line of."""
    match = _HEAD.match(section.rstrip())
    if match is None or section.rstrip().endswith(";") or match["name"] in ("if", "while", "for", "switch"):
        return None
    inside = match["parameters"].partition(")")[0]
    parameters = [each for each in inside.split(",") if _PARAMETER.fullmatch(each)]
    return match["name"], f"{match['before']}{match['name']}({','.join(parameters)})"


def _without_comment(lines: list[str]) -> list[str]:
    """``lines`` without the end of a comment that began above them."""
    end = 0
    for number, line in enumerate(lines):
        if "/*" in line.partition("*/")[0]:
            break
        if "*/" in line:
            end = number + 1
            break
    else:
        end = next((n for n, line in enumerate(lines) if not re.match(r"\s*\*(?:\s|$)", line)), len(lines))
    return [""] * end + lines[end:]


def _without_conditionals(lines: list[str]) -> list[str]:
    """``lines`` without conditionals of the preprocessor when their beginning or end is not there."""
    depth = 0
    for line in lines:
        match = _CONDITIONAL.match(line)
        if match is None:
            continue
        depth += {"endif": -1, "else": 0, "elif": 0}.get(match[1], 1)
        if depth < 0 or (depth == 0 and match[1] in ("else", "elif")):
            depth = -1
            break
    if depth == 0:
        return lines
    return ["" if _CONDITIONAL.match(line) else line for line in lines]


def _depths(text: str) -> tuple[int, int, bool]:
    """How many blocks and parentheses are open at the end of ``text``, and whether a comment is."""
    blocks = parentheses = 0
    comment = False
    for match in _TOKEN.finditer(text):
        token = match[0]
        if comment:
            comment = not token.endswith("*/")
        elif token == "/*":
            comment = True
        else:
            blocks += (token == "{") - (token == "}")
            parentheses += (token == "(") - (token == ")")
    return blocks, parentheses, comment


def _needed(lines: Sequence[str]) -> tuple[int, int]:
    """How many blocks, and parentheses of the first statement, were opened above ``lines``."""
    blocks = least = parentheses = lowest = 0
    first = True
    text = list(lines)
    if text and text[-1].startswith("}"):
        text.pop()  # the end of the function itself
    comment = False
    for match in _TOKEN.finditer("\n".join(text)):
        token = match[0]
        if comment:
            comment = not token.endswith("*/")
            continue
        comment = token == "/*"
        blocks += (token == "{") - (token == "}")
        least = min(least, blocks)
        if first:
            parentheses += (token == "(") - (token == ")")
            lowest = min(lowest, parentheses)
            first = token not in "{};"
    return -least, -lowest
