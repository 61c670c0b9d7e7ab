"""A patch put to a tree: the tree with it, or without it, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kicklint.base import FileChange, Patch, SourceError
from kicklint.source import Applied, OverlayTree, SourceTree, applied, is_kvm_code


class MisfitError(Exception):
    """Why a patch does not fit a tree."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """``tree`` after the patch was put to it, or taken from it.

    ``starts`` are, by path in the new tree, the lines there at which the hunks begin.
    """

    tree: OverlayTree
    starts: Mapping[str, tuple[int, ...]]


def relevant_changes(patch: Patch) -> tuple[FileChange, ...]:
    """The changes of files that the engine reads."""
    return tuple(
        change
        for change in patch.files
        if any(path is not None and is_kvm_code(path) for path in (change.old, change.new))
    )


def fitted(tree: SourceTree, patch: Patch, *, backwards: bool = False) -> Fitted:
    """``tree`` after ``patch``, or before it. Raises MisfitError when a file differs."""
    base, before = (tree.base, dict(tree.changes)) if isinstance(tree, OverlayTree) else (tree, {})
    changes: dict[str, bytes | None] = {}
    starts: dict[str, tuple[int, ...]] = {}
    for change in relevant_changes(patch):
        old, new = (change.new, change.old) if backwards else (change.old, change.new)
        done = _applied(tree, changes, change, patch, backwards)
        if old is not None and old != new and (backwards or not change.copied):
            changes[old] = None
        if new is not None and not (backwards and change.copied):
            changes[new] = done.text
        starts[change.path] = done.starts
    kept = {path: text for path, text in changes.items() if is_kvm_code(path)}
    return Fitted(OverlayTree(base, {**before, **kept}), starts)


def _applied(
    tree: SourceTree, changes: Mapping[str, bytes | None], change: FileChange, patch: Patch, backwards: bool
) -> Applied:
    old, new = (change.new, change.old) if backwards else (change.old, change.new)
    text = _text(tree, changes, old) if old is not None else None
    if old is not None and text is None:
        raise MisfitError(f"{old} is not there")
    copied_back = backwards and change.copied
    if new is not None and new != old and not copied_back and _text(tree, changes, new) is not None:
        raise MisfitError(f"{new} is there already")
    done = applied(change, text, backwards=backwards, loose=patch.loose)
    if done is None:
        said = "is not in it" if backwards else "does not apply"
        stray = next((hunk.stray for hunk in change.hunks if hunk.stray), "")
        if stray:
            said += f"; {stray[:40]!a} has no sign, as if a mail program had broken the line above"
        elif any(hunk.short for hunk in change.hunks):
            said += "; lines are missing at its end"
        raise MisfitError(f"the change of {change.path} {said}")
    return done


def _text(tree: SourceTree, changes: Mapping[str, bytes | None], path: str) -> bytes | None:
    if path in changes:
        return changes[path]
    try:
        return tree.read(path)
    except SourceError:
        return None
