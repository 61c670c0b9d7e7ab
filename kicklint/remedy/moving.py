"""Statements moved to another place of their function."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from kicklint.remedy.editing import Change, FileText, cut, put_before, put_behind
from kicklint.syntax import Statement

# Statements that one may be moved across.
_MOST_BETWEEN = 6
_FIXED = frozenset({"const", "static"})
_FREE = frozenset({"simple", "declaration", "if", "loop", "block"})

Path = tuple[Statement, ...]
Put = Callable[[FileText, Path, str], list[Change] | None]


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


def move_into(file: FileText, moved: Path, target: Path, offset: int) -> list[Change] | None:
    """An assignment, or what a declaration assigns, moved behind the statement or condition at ``offset``.

    ``target`` leads to that statement. When it is an ``if`` with ``offset`` in its condition, the new
    place is the beginning of its branch.
    """
    end = target[-1]
    if end.kind == "if" and end.condition is not None and end.condition[0] <= offset < end.condition[1]:
        branch = end.parts[0]
        return _moved_read(file, moved, target, (branch.start, branch.end), _into)
    return _moved_read(file, moved, target, (end.end, _block_end(target)), put_behind)


def move_read(file: FileText, moved: Path, target: Path) -> list[Change] | None:
    """An assignment, or what a declaration assigns, moved right before what ``target`` leads to."""
    return _moved_read(file, moved, target, (target[-1].start, _block_end(target)), put_before)


def _moved_read(
    file: FileText, moved: Path, target: Path, extent: tuple[int, int], put: Put
) -> list[Change] | None:
    """What ``moved`` assigns, ``put`` at ``target``; None where that is used outside of ``extent``."""
    statement = moved[-1]
    depth = _common(moved, target)
    if depth is None or moved[depth + 1] is not statement:
        return None
    left, text, name = _split(file, statement)
    if not text:
        return None
    block = moved[depth].parts
    between = block[block.index(statement) + 1 : block.index(target[depth + 1])]
    # What only reads may be moved past a jump: nobody uses it where that leads.
    if len(between) > _MOST_BETWEEN or not all(_passable(each, _FREE | {"jump"}) for each in between):
        return None
    others = statement.written - {name}
    read = replace(statement, names=statement.names - others, written=frozenset({name}))
    behind = [each for each in moved[0].all() if statement.end <= each.start]
    if not _independent(read, [each for each in behind if each.start < extent[0]]):
        return None
    if any(name in each.names for each in behind if not extent[0] <= each.start < extent[1]):
        return None
    there = put(file, target, text)
    if there is None:
        return None
    return [Change(statement.start, statement.end, left) if left else cut(file, statement), *there]


def _block_end(path: Path) -> int:
    """The end of the block that the last of ``path`` stands in, or of itself where it stands in none."""
    return path[-2].end if path[-2].kind == "block" else path[-1].end


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


def _passable(statement: Statement, kinds: frozenset[str] = _FREE) -> bool:
    """Whether a statement, and all in it, is one of the ``kinds`` that may be moved across."""
    return all(each.kind in kinds for each in statement.all())


def _independent(moved: Statement, crossed: Iterable[Statement]) -> bool:
    """Whether ``moved`` and what it is moved across do not write what the other mentions."""
    return all(
        moved.written.isdisjoint(each.names) and moved.names.isdisjoint(each.written) for each in crossed
    )


def _split(file: FileText, statement: Statement) -> tuple[str, str, str]:
    """What stays of an assignment, the statement that does the rest, and its target; "" if it is none."""
    nothing = "", "", ""
    text = file.text(statement.start, statement.end)
    left, equals, right = text.partition("=")
    if not equals or right.startswith("=") or left[-1:] in "!<>+-*/|&^%":
        return nothing
    if statement.kind == "simple":
        name = left.strip()
        return ("", text, name) if name.isidentifier() else nothing
    if statement.kind != "declaration" or _parted(right) or right.lstrip().startswith("{"):
        return nothing
    if _FIXED & set(left.split()) or "[" in left:
        return nothing
    name = left.split()[-1].split(",")[-1].lstrip("*")
    return f"{left.rstrip()};", f"{name} = {right.strip()}", name


def _parted(text: str) -> bool:
    """Whether a comma stands in ``text`` outside of all brackets."""
    depth = 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            return True
    return False


def _into(file: FileText, path: Path, text: str) -> list[Change] | None:
    """``text`` at the beginning of the branch of the ``if`` that ``path`` leads to."""
    branch = path[-1].parts[0]
    if branch.kind != "block":
        return put_before(file, (*path, branch), text)
    first = next((each for each in branch.parts if each.kind != "declaration"), None)
    return None if first is None else put_before(file, (*path, branch, first), text)
