"""File level: where one definition ends and the next begins."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field

_UNEVEN = "brackets do not come out even"


class Kind(enum.Enum):
    """What a file-level item is."""

    DECLARATION = enum.auto()
    TYPE = enum.auto()
    TABLE = enum.auto()
    FUNCTION = enum.auto()
    UNKNOWN = enum.auto()


@dataclass(slots=True)
class Item:
    """A stretch of file level up to its `;` or closing brace.

    ``opens`` are the offsets of the braces that open its body: one, or one for
    each alternative header when conditionals offer several for one body.
    """

    start: int
    kind: Kind = Kind.DECLARATION
    end: int = 0
    opens: list[int] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Conditional:
    paren: int
    brace: int
    constant_false: bool
    first_end: tuple[int, int] | None = None


_DIRECTIVE = r"^[ \t\v]*#(?:[^\n\\]+|\\[\s\S])*"
_TOP = re.compile(r"[{}();=]|" + _DIRECTIVE, re.M)
_INNER = re.compile(r"[{}]|" + _DIRECTIVE, re.M)
_LINES = re.compile(_DIRECTIVE, re.M)
_WORD = re.compile(r"[ \t\v]*#[\s]*(\w*)\s*(.*)", re.S)
_TYPE_HEADER = re.compile(r"\b(?:struct|union|enum)\b(?:\s+\w+)*\s*$")
_OLD_STYLE = re.compile(
    r"\w\s*\([\w\s,]*\)\s*(?:const|struct|union|enum|unsigned|signed|int|char|short|long|void)\b[^(){}=]*$"
)
_LONGEST_OLD_STYLE = 1000


class Splitter:
    """Walks a file's brackets once. ``strict`` closes every body at a `}` in column 0.

    The first walk trusts the brackets. When they do not come out even, a
    second one trusts the kernel's layout, so that one bad spot costs one item.
    """

    def __init__(self, code: str, *, strict: bool = False) -> None:
        self._code = code
        self._strict = strict
        self._paren = 0
        self._brace = 0
        self._external = 0
        self._conditionals: list[_Conditional] = []
        self._table = False
        self._function: Item | None = None
        self.items: list[Item] = []
        self.strays: list[int] = []
        self.item = Item(0)

    def run(self) -> bool:
        """Split the file into ``items``. False when brackets were left open."""
        position: int | None = 0
        while position is not None:
            position = self._skip_block(position) if self._brace else self._step(position)
        even = not self._brace and not self._paren
        if not even:
            self.item.damage.append(f"{_UNEVEN}: no end found")
            self._finish(len(self._code))
        return even

    def _step(self, position: int) -> int | None:
        match = _TOP.search(self._code, position)
        if match is None:
            return None
        token = self._code[match.start()]
        if token in "# \t\v":
            self._directive(match)
        else:
            self._outside(token, match.start())
        return match.end()

    def _skip_block(self, position: int) -> int | None:
        """Walk to the end of the open braces, or to behind the next directive."""
        for match in _INNER.finditer(self._code, position):
            token = match.group()
            if token == "{":
                self._brace += 1
            elif token == "}":
                if self._strict and self._brace > 1 and self._at_line_start(match.start()):
                    self.item.damage.append(_UNEVEN)
                    self._brace = 1
                self._brace -= 1
                if self._brace == 0:
                    if self.item.kind in (Kind.FUNCTION, Kind.UNKNOWN):
                        self._finish(match.end())
                    return match.end()
            else:
                self._directive(match)
                return match.end()
        return None

    def _at_line_start(self, offset: int) -> bool:
        return offset == 0 or self._code[offset - 1] == "\n"

    def _outside(self, token: str, offset: int) -> None:
        if self._strict and token in "{}" and self._paren and self._at_line_start(offset):
            self._paren = 0
        if token == "(":
            self._paren += 1
        elif token == ")":
            self._paren = max(0, self._paren - 1)
        elif self._paren:
            return
        elif token == "=":
            self._table = True
        elif token == ";":
            if self._table or not self._old_style(offset):
                self._finish(offset + 1)
        elif token == "{":
            self._open(offset)
        elif self._external:
            self._external -= 1
            self.item = Item(offset + 1)
        else:
            self.strays.append(offset)
            if self._function is not None and not self._function.damage:
                self._function.damage.append(_UNEVEN)
            self._finish(offset + 1)

    def _old_style(self, offset: int) -> bool:
        """Whether the semicolon ends a parameter's declaration of a definition before C89."""
        start = max(self.item.start, offset - _LONGEST_OLD_STYLE)
        return _OLD_STYLE.search(self._code, start, offset) is not None

    def _open(self, offset: int) -> None:
        header = self._code[self.item.start : offset].rstrip()
        if "#" in header:
            header = _LINES.sub("", header).rstrip()
        if self._table:
            self.item.kind = Kind.TABLE
        elif header.endswith('"') and re.search(r"\bextern\s*\"[^\"]*\"$", header):
            self._external += 1
            self.item = Item(offset + 1)
            return
        elif _TYPE_HEADER.search(header):
            self.item.kind = Kind.TYPE
        elif "(" in header:
            self.item.kind = Kind.FUNCTION
        else:
            self.item.kind = Kind.UNKNOWN
        self.item.opens.append(offset)
        self._brace = 1

    def _finish(self, end: int) -> None:
        self.item.end = end
        self.items.append(self.item)
        if self.item.kind is Kind.FUNCTION:
            self._function = self.item
        self.item = Item(end)
        self._table = False

    def _directive(self, match: re.Match[str]) -> None:
        parts = _WORD.match(match.group())
        if parts is None:
            return
        word, argument = parts.groups()
        if word in ("if", "ifdef", "ifndef"):
            false = word == "if" and argument.strip() == "0"
            self._conditionals.append(_Conditional(self._paren, self._brace, false))
            return
        if not self._conditionals:
            return
        top = self._conditionals[-1]
        if word == "endif":
            self._conditionals.pop()
            if top.constant_false and top.first_end is None:
                self._paren, self._brace = top.paren, top.brace
            elif top.first_end is not None:
                self._paren, self._brace = top.first_end
        elif word.startswith("el"):
            if top.first_end is None and not top.constant_false:
                top.first_end = (self._paren, self._brace)
            top.constant_false = False
            self._paren, self._brace = top.paren, top.brace


def split(code: str) -> tuple[list[Item], list[int]]:
    """The file-level items of ``code`` and the offsets of closing braces that close nothing."""
    splitter = Splitter(code)
    if not splitter.run() or splitter.strays:
        splitter = Splitter(code, strict=True)
        splitter.run()
    return splitter.items, splitter.strays
