"""Entries on the disk: one file each, named by its key, written whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
import time
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from kicklint.base import KicklintError

_MAGIC = b"kicklint-results 1\n"
_DIGEST = 32
_LIMIT = 128 << 20
_LARGEST = 64 << 20
"""No entry unpacks to more than this."""
# After it is too large a store is cut down to this part of its limit, so that it is not at once again.
_LEFT = 0.75
# A temporary file that is older was left by a process that was killed.
_STALE = 3600.0
_FOLDER = "results"


def default_folder(environment: Mapping[str, str]) -> Path | None:
    """Where results are kept: ``kicklint/results`` in the user's cache folder; None when there is none."""
    named = environment.get("XDG_CACHE_HOME", "")
    if named and Path(named).is_absolute():  # others are to be ignored, the standard says
        return Path(named) / "kicklint" / _FOLDER
    home = environment.get("HOME", "")
    return Path(home) / ".cache" / "kicklint" / _FOLDER if home and Path(home).is_absolute() else None


class Store:
    """The entries in ``folder``, of at most ``limit`` bytes in all, give or take those of one run.

    Nothing here raises for a disk that is full, may not be written or holds nonsense: what
    cannot be read is not there, what cannot be written is not kept. Several processes may
    use one folder.
    """

    def __init__(self, folder: Path, limit: int = _LIMIT) -> None:
        self.folder = folder
        self.limit = limit
        self._trusted: bool | None = None
        self._wrote = False

    def holds(self, key: str) -> bool:
        """Whether something was kept as ``key``; it may not be whole."""
        return self._is_own() and self._path(key).is_file()

    def get(self, key: str) -> bytes | None:
        """What was kept as ``key``."""
        path = self._path(key)
        if not self._is_own():
            return None
        try:
            text = path.read_bytes()
        except OSError:
            return None
        data = _unpacked(text)
        with contextlib.suppress(OSError):
            if data is None:
                path.unlink()
            else:
                os.utime(path)  # what was used last is given up last
        return data

    def put(self, key: str, data: bytes) -> None:
        """Keep ``data`` as ``key``."""
        if len(data) > _LARGEST:
            return
        path = self._path(key)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            if self._is_own():
                _write(path, _packed(data))
        except OSError:
            return
        if not self._wrote:
            self._wrote = True
            self._trim()

    def clean(self) -> int:
        """Take every entry out and say how many bytes that were. Raises KicklintError when one stays."""
        freed = 0
        for _, size, path in list(self._entries()):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise KicklintError(f"cannot remove {path}: {error.strerror}") from error
            freed += size
        with contextlib.suppress(OSError):
            for each in self.folder.iterdir():
                each.rmdir()
            self.folder.rmdir()
        return freed

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key[2:]

    def _is_own(self) -> bool:
        """Whether only this user can write into the folder: what stands there goes into reports."""
        if self._trusted is None:
            try:
                found = self.folder.stat()
            except OSError:
                return False  # not there yet
            others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
            self._trusted = found.st_uid == os.getuid() and not others
        return self._trusted

    def _entries(self) -> Iterator[tuple[float, int, Path]]:
        """Every file of the store with its age and size; one that vanishes meanwhile is left out."""
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = Path(folder) / name
                with contextlib.suppress(OSError):
                    found = path.lstat()
                    yield found.st_mtime, found.st_size, path

    def _trim(self) -> None:
        now = time.time()
        entries = []
        for changed, size, path in self._entries():
            if path.name.startswith(".") and now - changed > _STALE:
                _remove(path)
            else:
                entries.append((changed, size, path))
        total = sum(size for _, size, _ in entries)
        if total <= self.limit:
            return
        for _, size, path in sorted(entries):
            if total <= self.limit * _LEFT:
                break
            _remove(path)
            total -= size


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def _write(path: Path, text: bytes) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:  # an interrupt, too, must not leave the temporary file
        _remove(Path(name))
        raise


def _packed(data: bytes) -> bytes:
    packed = zlib.compress(data, 1)
    return _MAGIC + hashlib.blake2b(packed, digest_size=_DIGEST).digest() + packed


def _unpacked(text: bytes) -> bytes | None:
    """What was packed; None where the file is not whole, or something else."""
    start = len(_MAGIC) + _DIGEST
    packed = text[start:]
    if not text.startswith(_MAGIC):
        return None
    if hashlib.blake2b(packed, digest_size=_DIGEST).digest() != text[len(_MAGIC) : start]:
        return None
    unpacking = zlib.decompressobj()
    try:
        data = unpacking.decompress(packed, _LARGEST)
    except zlib.error:
        return None
    return data if unpacking.eof else None
