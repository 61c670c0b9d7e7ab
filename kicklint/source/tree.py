"""A kernel tree, or the part of one that holds KVM."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Protocol

from kicklint.base import SourceError

_SUFFIXES = frozenset({".c", ".h", ".S"})


class SourceTree(Protocol):
    """A kernel tree, whole or in part, wherever its bytes are kept.

    Paths are relative to the tree, with forward slashes.
    """

    @property
    def root(self) -> Path:
        """The directory that the paths are relative to (for messages and for outside tools)."""
        ...

    def paths(self) -> tuple[str, ...]:
        """Every .c, .h and .S file that belongs to KVM, sorted."""
        ...

    def read(self, path: str) -> bytes:
        """The bytes of one file. Raises SourceError when they cannot be had."""
        ...

    def architectures(self) -> tuple[str, ...]:
        """The names X for which files of arch/X/kvm exist, sorted."""
        ...


@dataclass(frozen=True, slots=True)
class DirectoryTree:
    """A tree in a directory."""

    root: Path

    def paths(self) -> tuple[str, ...]:
        """Every .c, .h and .S file that belongs to KVM, sorted.

        That is virt/kvm, arch/*/kvm, the kvm headers of arch/*/include/asm and
        its uapi twin, and the generic kvm headers. A symbolic link counts when
        it leads to a file inside the tree; linked directories are not entered.
        """
        folders: dict[str, bool] = {}
        return tuple(sorted({path for path in self._candidates() if self._belongs(path, folders)}))

    def read(self, path: str) -> bytes:
        """The bytes of one file. Raises SourceError when it cannot be read or lies outside the tree."""
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or "\0" in path:
            raise SourceError(f"{path!r}: not a path inside the tree {self.root}")
        target = self.root / path
        if not self._inside(target):
            raise SourceError(f"{path}: leads out of the tree {self.root}, or in a circle")
        try:
            return target.read_bytes()
        except OSError as error:
            raise SourceError(f"{path}: cannot be read: {error.strerror or error}") from error

    def architectures(self) -> tuple[str, ...]:
        """The names X for which arch/X/kvm exists, sorted.

        Files of virt/kvm/arm add no name: old trees keep there what their
        arch/arm/kvm and arch/arm64/kvm share.
        """
        found = {entry.parent.name for entry in self.root.glob("arch/*/kvm") if entry.is_dir()}
        return tuple(sorted(found))

    def _candidates(self) -> Iterator[str]:
        yield from self._below("virt/kvm")
        for directory in sorted(self.root.glob("arch/*/kvm")):
            yield from self._below(directory.relative_to(self.root).as_posix())
        patterns = (
            "arch/*/include/asm/kvm*.h",
            "arch/*/include/uapi/asm/kvm*.h",
            "include/linux/kvm*.h",
            "include/kvm/*.h",
            "include/uapi/linux/kvm*.h",
            "include/trace/events/kvm.h",
        )
        for pattern in patterns:
            for entry in self.root.glob(pattern):
                yield entry.relative_to(self.root).as_posix()

    def _below(self, directory: str) -> Iterator[str]:
        # os.walk does not follow linked directories, so a loop of links cannot trap it.
        for folder, _, names in os.walk(self.root / directory, onerror=_refuse):
            base = Path(folder).relative_to(self.root).as_posix()
            for name in names:
                yield f"{base}/{name}"

    def _belongs(self, path: str, folders: dict[str, bool]) -> bool:
        """Whether ``path`` is a source file inside; ``folders`` are the folders that were looked at."""
        folder, _, name = path.rpartition("/")
        if PurePosixPath(name).suffix not in _SUFFIXES:
            return False
        target = self.root / path
        try:
            mode = target.lstat().st_mode
        except OSError:
            return False
        if stat.S_ISLNK(mode):
            return self._inside(target) and _is_file(target)
        if folder not in folders:
            folders[folder] = self._inside(self.root / folder)
        return folders[folder] and stat.S_ISREG(mode)

    def _inside(self, target: Path) -> bool:
        resolved = os.path.realpath(target)
        root = _resolved(self.root) if self.root.is_absolute() else os.path.realpath(self.root)
        # What still is a link leads in a circle.
        return within(resolved, root) and not _is_link(Path(resolved))


def _is_link(path: Path) -> bool:
    """Whether ``path`` is a symbolic link; one whose name no file can have is none."""
    try:
        return path.is_symlink()
    except OSError:
        return False


def _is_file(path: Path) -> bool:
    """Whether ``path`` leads to a file; to a name that no file can have, it does not."""
    try:
        return path.is_file()
    except OSError:
        return False


def _refuse(error: OSError) -> None:
    """Raise SourceError for a folder whose files would be missed; one that is not there has none."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise SourceError(f"{error.filename}: cannot be listed: {error.strerror}") from error


@lru_cache(maxsize=8)
def _resolved(root: Path) -> str:
    """``root``, which is absolute, without links; asked for once for every file."""
    return os.path.realpath(root)


def within(path: str, prefix: str) -> bool:
    """Whether the file ``path`` of a tree is ``prefix``, or lies in the directory ``prefix``."""
    return path == prefix or path.startswith(prefix.rstrip("/") + "/")


def find_tree(start: Path) -> DirectoryTree:
    """The tree that ``start`` is, or lies in: the nearest ancestor with virt/kvm or arch/*/kvm.

    Raises SourceError when there is none.
    """
    try:
        resolved = start.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise SourceError(f"{start}: cannot be read: {error}") from error
    for candidate in (resolved, *resolved.parents):
        if (candidate / "virt/kvm").is_dir() or any(entry.is_dir() for entry in candidate.glob("arch/*/kvm")):
            return DirectoryTree(candidate)
    raise SourceError(
        f"{start}: neither this directory nor one above it holds virt/kvm or arch/*/kvm; "
        "name a kernel tree, or a directory inside one"
    )
