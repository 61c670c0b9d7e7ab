"""#if inside a function: which cut through statements, and the readings that makes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kicklint.syntax.scan import blank, fold

# More independent conditions than this make a function damaged, not 2**n readings.
MOST_CONDITIONS = 3

_DIRECTIVE = re.compile(r"^[ \t\v]*#[ \t\v]*(\w+)((?:[^\n\\]+|\\[\s\S])*)", re.M)
_TOKEN = re.compile(
    r"[A-Za-z_]\w*|\d[\w.]*|\"[^\"]*\"|'[^']*'|^[ \t\v]*#(?:[^\n\\]+|\\[\s\S])*|[^\s\w]", re.M
)
_DEFINED = re.compile(r"defined\s*(?:\(\s*(\w+)\s*\)|\b(\w+))\Z")
_SIMPLE = re.compile(r"\w+(?:\s*\(\s*\w+\s*\))?\Z")
_CONSTANT = {"0": False, "1": True}

Configuration = tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm: its directive's extent, its condition (None for #else) and how that is to be read."""

    start: int
    end: int
    condition: str | None
    positive: bool


@dataclass(slots=True)
class Group:
    """One #if with its arms. ``tail`` is the extent of the #endif."""

    arms: list[Arm]
    tail: tuple[int, int] = (0, 0)
    ill: bool = False


def canonical(word: str, argument: str) -> tuple[str, bool]:
    """The condition's text, and whether the arm is taken when it is true."""
    text = fold(argument)
    if word in ("ifdef", "elifdef"):
        return text.split(" ")[0], True
    if word in ("ifndef", "elifndef"):
        return text.split(" ")[0], False
    positive = True
    if text.startswith("!") and _SIMPLE.match(text[1:].strip().removeprefix("defined ")):
        text, positive = text[1:].strip(), False
    match = _DEFINED.match(text)
    if match:
        text = match.group(1) or match.group(2)
    return text, positive


def find_groups(text: str) -> tuple[list[Group], list[tuple[int, int]]]:
    """The conditionals of a stretch of text, and the parts that no arm of them owns.

    Such a part is an #else arm whose #if stands before the text (it belongs
    to another header of the same function), or the #endif of one.
    """
    stack: list[Group] = []
    groups: list[Group] = []
    foreign: list[tuple[int, int]] = []
    foreign_from: int | None = None
    for match in _DIRECTIVE.finditer(text):
        word = match.group(1)
        if word in ("if", "ifdef", "ifndef"):
            group = Group([Arm(match.start(), match.end(), *canonical(word, match.group(2)))])
            stack.append(group)
            groups.append(group)
        elif word == "endif":
            if stack:
                stack.pop().tail = match.span()
            else:
                begin = match.start() if foreign_from is None else foreign_from
                foreign.append((begin, match.end()))
                foreign_from = None
        elif word.startswith("el"):
            condition, positive = (None, True) if word == "else" else canonical(word, match.group(2))
            if stack:
                stack[-1].arms.append(Arm(match.start(), match.end(), condition, positive))
            elif foreign_from is None:
                foreign_from = match.start()
    for group in stack:
        group.tail = (len(text), len(text))
    if foreign_from is not None:
        foreign.append((foreign_from, len(text)))
    return groups, foreign


def resolve(text: str, configuration: dict[str, bool]) -> str:
    """Blank the arms that a configuration leaves out, and the directives that it decides."""
    groups, foreign = find_groups(text)
    holes = list(foreign)
    rewrites: list[tuple[int, str]] = []
    for group in groups:
        _decide(group, configuration, holes, rewrites, text)
    return _apply(text, holes, rewrites)


def _decide(
    group: Group,
    configuration: dict[str, bool],
    holes: list[tuple[int, int]],
    rewrites: list[tuple[int, str]],
    text: str,
) -> None:
    ends = [arm.start for arm in group.arms[1:]] + [group.tail[0]]
    undecided = False
    for number, (arm, arm_end) in enumerate(zip(group.arms, ends, strict=True)):
        known = truth(arm, configuration)
        if known is None:
            undecided = True
            if number and all(truth(other, configuration) is False for other in group.arms[:number]):
                at = text.index("el", arm.start)
                rewrites.append((at, "if  "))
            break
        if not known:
            holes.append((arm.start, arm_end))
            continue
        holes.append((arm.start, arm.end))
        holes.append((arm_end, group.tail[1]))
        return
    if not undecided:
        holes.append(group.tail)


def truth(arm: Arm, configuration: dict[str, bool]) -> bool | None:
    """Whether the arm is taken, None when the configuration does not say."""
    if arm.condition is None:
        return True
    value = _CONSTANT.get(arm.condition, configuration.get(arm.condition))
    return None if value is None else value is arm.positive


def _apply(text: str, holes: list[tuple[int, int]], rewrites: list[tuple[int, str]]) -> str:
    pieces: list[str] = []
    last = 0
    edits = [(start, end, "") for start, end in holes]
    edits += [(start, start + len(new), new) for start, new in rewrites]
    for start, end, new in sorted(edits):
        if start >= last:
            pieces += text[last:start], new or blank(text[start:end])
            last = end
        elif end > last:
            pieces.append(blank(text[last:end]))
            last = end
    pieces.append(text[last:])
    return "".join(pieces)


def configurations(text: str, *, every: bool) -> tuple[list[Configuration], list[str]]:
    """The choices to make so that no conditional of a body cuts through a statement.

    With ``every``: so that no conditional is left. Also gives the damage: a reason
    when there are more choices than are made.
    """
    pending: list[dict[str, bool]] = [{}]
    done: list[Configuration] = []
    while pending:
        choice = pending.pop(0)
        resolved = resolve(text, choice)
        group = ill_structured(resolved)
        if group is None and every:
            group = next(iter(find_groups(resolved)[0]), None)
        condition = None
        if group is not None:
            condition = next((arm.condition for arm in group.arms if truth(arm, choice) is None), None)
        if condition is None:
            done.append(tuple(choice.items()))
        elif len(choice) == MOST_CONDITIONS:
            done.append(tuple(choice.items()))
            return done, [f"more than {MOST_CONDITIONS} conditions cut through statements: {condition}"]
        else:
            pending += [{**choice, condition: True}, {**choice, condition: False}]
    return done, []


def ill_structured(text: str) -> Group | None:
    """The first conditional of a body whose arms are not whole statements at statement level."""
    groups, _ = find_groups(text)
    if not groups:
        return None
    walk = _Walk({group.arms[0].start: group for group in groups})
    for match in _TOKEN.finditer(text):
        token = match.group()
        if "#" in token and token.lstrip(" \t\v")[0] == "#":
            walk.directive(match.start())
        else:
            walk.token(token)
    return next((group for group in groups if group.ill), None)


class _Walk:
    """Follows a body's tokens and marks the groups that cut through a statement."""

    def __init__(self, openings: dict[int, Group]) -> None:
        self._openings = openings
        self._open: list[tuple[Group, int]] = []
        # One entry for each open bracket: "{" a block, "=" any other brace, "(" the rest.
        self._brackets: list[str] = []
        self._previous = ""
        self._case = False
        self._edges: list[Group] = []

    def directive(self, offset: int) -> None:
        """Note a conditional directive at ``offset``."""
        group = self._openings.get(offset)
        if group is not None:
            self._open.append((group, len(self._brackets)))
        elif self._open:
            group, depth = self._open[-1]
            if depth != len(self._brackets):
                group.ill = True
                # The next arm starts from where the #if stood.
                del self._brackets[depth:]
            if offset >= group.tail[0]:
                self._open.pop()
        if group is not None:
            self._edges.append(group)
            if not self._at_statement():
                group.ill = True

    def token(self, token: str) -> None:
        """Note a token that is no directive."""
        if self._edges:
            if token == "else":
                for group in self._edges:
                    group.ill = True
            self._edges.clear()
        if token == "{":
            self._brackets.append("{" if self._opens_block() else "=")
        elif token in "([":
            self._brackets.append("(")
        elif token in ")]}" and self._brackets:
            self._brackets.pop()
            if self._open and self._open[-1][1] > len(self._brackets):
                self._open[-1][0].ill = True
        if token in ("case", "default"):
            self._case = True
        elif token in ";{}" or (self._previous == ":" and token != ":"):
            self._case = False
        self._previous = token

    def _opens_block(self) -> bool:
        if not self._brackets:
            return True
        if self._previous == "(":
            return True
        return self._previous in (")", ";", "{", "}", ":", "else", "do") and self._brackets[-1] != "="

    def _at_statement(self) -> bool:
        if not self._brackets or self._brackets[-1] != "{":
            return False
        if self._previous == ":":
            return self._case
        return self._previous in (";", "{", "}")
