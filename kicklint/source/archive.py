"""Archives with more mails than fit in memory: public-inbox repositories, and directories."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kicklint.base import SourceError
from kicklint.source.git import GitRepository
from kicklint.source.mail import MOST_BYTES

_BLOB = "m"
_MAILDIR = ("new", "cur")


@dataclass(frozen=True, slots=True)
class ArchivedMail:
    """One mail: what names it in the archive, and its bytes, None where they are too many or gone."""

    key: str
    data: bytes | None


def archived(path: Path) -> Iterator[ArchivedMail]:
    """The mails of the archive at ``path``, the oldest first, one at a time. Raises SourceError.

    A public-inbox repository has one mail in each commit, as the blob ``m``. In a directory every
    file is a mail.
    """
    if _is_repository(path):
        yield from _commits(path)
    elif path.is_dir():
        yield from _files(path)
    else:
        raise SourceError(f"{path}: neither a git repository nor a directory")


def count(path: Path) -> int:
    """How many mails the archive holds, for a bar; 0 when that is not known."""
    if not _is_repository(path):
        return sum(1 for _ in _names(path))
    done = subprocess.run(_git(path, "rev-list", "--count", "HEAD"), capture_output=True, check=False)
    return int(done.stdout) if done.returncode == 0 else 0


def _is_repository(path: Path) -> bool:
    return (path / "objects").is_dir() and (path / "HEAD").is_file()


def _git(path: Path, *command: str) -> list[str]:
    return ["git", "--git-dir", str(path), *command]


def _commits(path: Path) -> Iterator[ArchivedMail]:
    repository = GitRepository(path, bare=True)
    listing = subprocess.Popen(
        _git(path, "rev-list", "--reverse", "HEAD"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        if listing.stdout is None:
            return
        for line in listing.stdout:
            commit = line.decode("ascii").strip()
            yield ArchivedMail(commit, repository.object(f"{commit}:{_BLOB}", b"blob", MOST_BYTES))
        if listing.wait():
            raise SourceError(f"{path}: git cannot list its commits")
    finally:
        repository.close()
        if listing.stdout is not None:
            listing.stdout.close()
        listing.terminate()
        listing.wait()


def _names(path: Path) -> Iterator[Path]:
    inside = [path / each for each in _MAILDIR]
    for folder in inside if all(each.is_dir() for each in inside) else [path]:
        with os.scandir(folder) as entries:
            names = sorted(each.name for each in entries if each.is_file() and not each.name.startswith("."))
        for name in names:
            yield folder / name


def _files(path: Path) -> Iterator[ArchivedMail]:
    for file in _names(path):
        try:
            with file.open("rb") as opened:
                data = opened.read(MOST_BYTES + 1)
        except OSError:
            data = b""
        yield ArchivedMail(str(file.relative_to(path)), data if data and len(data) <= MOST_BYTES else None)
