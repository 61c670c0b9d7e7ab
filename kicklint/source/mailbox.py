"""Files, directories and standard input: the mails in them, one after the other."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from kicklint.base import SourceError
from kicklint.source.mail import MOST_BYTES

MOST_MAILS = 20_000
"""Mails of one mbox or directory; a whole archive has a mode of its own."""
_MBOX = re.compile(rb"From [^\n]{1,200}\n(?:[A-Za-z0-9-]{1,80}:|>From )")
_SPLIT = re.compile(rb"^From (?=[^\n]{1,200}\n[A-Za-z0-9-]{1,80}:)", re.MULTILINE)
_SHOW = re.compile(rb"^commit (?=[0-9a-f]{40}\b)", re.MULTILINE)
_GZIP = b"\x1f\x8b"


def mails(path: Path) -> Iterator[tuple[str, bytes]]:
    """The mails in ``path`` (a mail, an mbox, a maildir, a directory of mails, a diff) with their places.

    Raises SourceError when it cannot be read.
    """
    if path.is_dir():
        yield from _directory(path)
        return
    try:
        with path.open("rb") as file:
            data = _all(file, str(path))
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror or error}") from error
    yield from split(data, str(path))


def stream(file: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """The mails that come from an open file."""
    yield from split(_all(file, "standard input"), "standard input")


def _all(file: BinaryIO, name: str) -> bytes:
    data = file.read(MOST_BYTES + 1)
    if data.startswith(_GZIP):
        # As lore.kernel.org gives threads; no more is unpacked than is read of a plain file.
        try:
            data = zlib.decompressobj(wbits=31).decompress(data, MOST_BYTES + 1)
        except zlib.error as error:
            raise SourceError(f"{name}: cannot be unpacked: {error}") from error
    if len(data) > MOST_BYTES:
        raise SourceError(f"{name}: larger than the {MOST_BYTES} bytes that are read at once")
    return data


def split(data: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    """The mails, commits or the one diff in ``data``, with their places."""
    data = data.replace(b"\r\n", b"\n")
    pattern = _SPLIT if _MBOX.match(data) else _SHOW if _SHOW.match(data) else None
    starts = [match.start() for match in pattern.finditer(data)] if pattern is not None else [0]
    if len(starts) > MOST_MAILS:
        raise SourceError(f"{name}: holds {len(starts)} mails; --archive reads so many")
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(data)], strict=True), 1):
        text = data[start:end]
        if pattern is _SPLIT:
            text = re.sub(rb"^>(>*From )", rb"\1", text, flags=re.MULTILINE) if len(starts) > 1 else text
        yield (f"{name}, mail {number}" if len(starts) > 1 else name), text


def _directory(path: Path) -> Iterator[tuple[str, bytes]]:
    """A maildir's new and cur, or every file of a directory, by name."""
    folders = [path / each for each in ("new", "cur")]
    inside = folders if all(each.is_dir() for each in folders) else [path]
    try:
        files = [each for folder in inside for each in sorted(folder.iterdir()) if each.is_file()]
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(files) > MOST_MAILS:
        raise SourceError(f"{path}: holds {len(files)} files; --archive reads so many")
    for file in files:
        if not file.name.startswith("."):
            yield from mails(file)
