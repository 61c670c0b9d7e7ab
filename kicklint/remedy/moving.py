"""Statements moved to another place of their function."""

from __future__ import annotations

from collections.abc import Iterable

from kicklint.remedy.editing import Change, FileText, cut, put_before, put_behind
from kicklint.syntax import Statement

# Statements that one may be moved across.
_MOST_BETWEEN = 6
_FIXED = frozenset({"const", "static"})
_FREE = frozenset({"simple", "declaration", "if", "loop", "block"})

Path = tuple[Statement, ...]


def move(file: FileText, moved: Path, target: Path, *, before: bool) -> list[Change] | None:
    """The statement that ``moved`` leads to, before or behind the one that ``target`` leads to.

    Both paths begin at the function's body. The two are brought up to the block that holds both: what is
    moved is the statement itself, or an ``if`` or loop that holds nothing else. None when they are not in
    order, or when a jump or a label stands between.
    """
    depth = _common(moved, target)
    if depth is None:
        return None
    block, mine, other = moved[depth], moved[depth + 1], target[depth + 1]
    if not _only(mine, moved[-1]):
        return None
    at, to = block.parts.index(mine), block.parts.index(other)
    between = block.parts[to:at] if before else block.parts[at + 1 : to + 1]
    if (at > to) is not before or len(between) > _MOST_BETWEEN + 1 or not all(map(_passable, between)):
        return None
    crossed = [each for part in between for each in part.all()]
    if mine.kind == "declaration" or not all(_independent(each, crossed) for each in mine.all()):
        return None
    text = file.text(mine.start, mine.end)
    place = (*target[: depth + 1], other)
    if before:
        put = put_before(file, place, text)
    else:
        indentation = file.indentation(other.start)
        put = put_behind(file, place, text) or [Change(other.end, other.end, f"\n{indentation}{text}")]
    return None if put is None else [cut(file, mine), *put]


def move_read(file: FileText, moved: Path, target: Path, offset: int) -> list[Change] | None:
    """An assignment, or what a declaration assigns, moved behind the statement or condition at ``offset``.

    ``target`` leads to that statement. When it is an ``if`` with ``offset`` in its condition, the new
    place is the beginning of its branch.
    """
    statement = moved[-1]
    depth = _common(moved, target)
    if depth is None or moved[depth + 1] is not statement:
        return None
    left, text = _split(file, statement)
    if not text:
        return None
    block = moved[depth].parts
    between = block[block.index(statement) + 1 : block.index(target[depth + 1])]
    if len(between) > _MOST_BETWEEN or not all(_passable(each, file) for each in between):
        return None
    end = target[-1]
    crossed = [each for each in moved[0].all() if statement.end <= each.start <= end.start]
    if not _independent(statement, crossed):
        return None
    if end.kind == "if" and end.condition is not None and end.condition[0] <= offset < end.condition[1]:
        put = _into(file, (*target, end.parts[0]), text)
    else:
        put = put_behind(file, target, text)
    if put is None:
        return None
    return [Change(statement.start, statement.end, left) if left else cut(file, statement), *put]


def _common(moved: Path, target: Path) -> int | None:
    """How deep the innermost block is that holds both, each in a statement of its own."""
    found = None
    for depth, (one, other) in enumerate(zip(moved[:-1], target[:-1], strict=False)):
        if one != other:
            break
        if one.kind == "block" and moved[depth + 1] != target[depth + 1]:
            found = depth
    return found


def _only(outer: Statement, inner: Statement) -> bool:
    """Whether ``outer`` is ``inner``, or controls it and nothing else."""
    while outer != inner:
        if outer.kind not in ("if", "loop", "block") or len(outer.parts) != 1:
            return False
        outer = outer.parts[0]
    return inner.kind == "simple"


def _passable(statement: Statement, file: FileText | None = None) -> bool:
    """Whether a statement may be moved across; what only reads may be moved past a ``return`` of ``file``."""
    return all(
        each.kind in _FREE
        or (file is not None and each.kind == "jump" and file.text(each.start, each.end).startswith("return"))
        for each in statement.all()
    )


def _independent(moved: Statement, crossed: Iterable[Statement]) -> bool:
    """Whether ``moved`` and what it is moved across do not write what the other mentions."""
    return all(
        moved.written.isdisjoint(each.names) and moved.names.isdisjoint(each.written) for each in crossed
    )


def _split(file: FileText, statement: Statement) -> tuple[str, str]:
    """What stays of an assignment, and the statement that does the rest; "" for what is none."""
    text = file.text(statement.start, statement.end)
    left, equals, right = text.partition("=")
    if not equals or right.startswith("=") or left[-1:] in "!<>+-*/|&^%":
        return "", ""
    if statement.kind == "simple":
        return "", text
    if statement.kind != "declaration" or _parted(right) or right.lstrip().startswith("{"):
        return "", ""
    if _FIXED & set(left.split()) or "[" in left:
        return "", ""
    name = left.split()[-1].split(",")[-1].lstrip("*")
    return f"{left.rstrip()};", f"{name} = {right.strip()}"


def _parted(text: str) -> bool:
    """Whether a comma stands in ``text`` outside of all brackets."""
    depth = 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            return True
    return False


def _into(file: FileText, branch: Path, text: str) -> list[Change] | None:
    statement = branch[-1]
    if statement.kind != "block":
        return put_before(file, branch, text)
    first = next((each for each in statement.parts if each.kind != "declaration"), None)
    return None if first is None else put_before(file, (*branch, first), text)
