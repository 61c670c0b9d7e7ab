"""Which tree, and which part of it, a person's paths mean; which files make a world."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kicklint.base import SourceError
from kicklint.source import find_tree


def resolve_scope(paths: Sequence[Path], tree: Path | None) -> tuple[Path, tuple[str, ...]]:
    """The root of the tree and the prefixes in it that ``paths`` name (none: all of it).

    The tree is ``tree``, else the one around the first path, else the one around the
    current directory. Raises SourceError for a path that is not there, is in no
    tree, or is in another tree than the first.
    """
    for path in paths:
        if not path.exists():
            raise SourceError(f"{path}: no such file or directory")
    start = tree if tree is not None else (paths[0] if paths else Path.cwd())
    root = find_tree(start.resolve()).root.resolve()
    scope = []
    for path in paths:
        resolved = path.resolve()
        if resolved == root:
            return root, ()
        try:
            scope.append(resolved.relative_to(root).as_posix())
        except ValueError:
            if root.is_relative_to(resolved):
                return root, ()
            raise SourceError(f"{path} is not in the tree {root}; use --tree to name another") from None
    return root, tuple(dict.fromkeys(scope))


def world_paths(paths: tuple[str, ...], architecture: str) -> tuple[str, ...]:
    """The files of the world of ``architecture``: generic KVM, its kvm folder, its headers.

    The code that the Arm architectures shared in older trees (virt/kvm/arm, and
    include/kvm/arm_*) belongs to their worlds only.
    """
    found = []
    for path in paths:
        if path.startswith("arch/"):
            if path.split("/", 2)[1] == architecture:
                found.append(path)
        elif path.startswith(("virt/kvm/arm/", "include/kvm/arm_")):
            if architecture in ("arm", "arm64"):
                found.append(path)
        else:
            found.append(path)
    return tuple(found)
