"""Where rendered text goes: standard output, or a file that is whole or absent."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from kicklint.base import KicklintError

_STANDARD_OUTPUT = Path("-")


def to_file(output: Path | None) -> bool:
    """Whether ``output`` names a file, not standard output."""
    return output is not None and output != _STANDARD_OUTPUT


def wants_colour(choice: str, output: Path | None) -> bool:
    """What --color ``auto|always|never`` means here.

    ``auto``: when standard output is a terminal that can, nothing goes to a file,
    and NO_COLOR (no-color.org: set and not empty) does not forbid it.
    """
    if choice != "auto":
        return choice == "always"
    if to_file(output) or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return sys.stdout.isatty()


def check_writable(output: Path | None) -> None:
    """Fail before the work, not after it. Raises KicklintError."""
    if output is None or not to_file(output):
        return
    if output.is_dir():
        raise KicklintError(f"cannot write {output}: it is a directory")
    if not output.parent.is_dir():
        raise KicklintError(f"cannot write {output}: there is no directory {output.parent}")


def write(text: str, output: Path | None, *, for_people: bool = False) -> None:
    """Write ``text`` to ``output``, or to standard output when it is None or ``-``.

    A file gets UTF-8. So does standard output, except that text ``for_people`` takes
    its encoding, with what it lacks written as escapes. Raises KicklintError when
    that fails, BrokenPipeError when the reader has gone.
    """
    if output is not None and to_file(output):
        write_file(text.encode("utf-8", "backslashreplace"), output)
        return
    encoding = (sys.stdout.encoding or "utf-8") if for_people else "utf-8"
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode(encoding, "backslashreplace"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise KicklintError(f"cannot write to standard output: {error.strerror}") from error


def append(text: str, file: Path, fits: Callable[[str], bool]) -> None:
    """Add ``text`` to the end of ``file`` (new if need be), whole or not at all.

    ``fits`` says whether the file may read so. Raises KicklintError.
    """
    try:
        before = file.read_bytes() if file.exists() else b""
    except OSError as error:
        raise KicklintError(f"cannot read {file}: {error.strerror}") from error
    if before and not before.endswith(b"\n"):
        before += b"\n"
    whole = before + (text if before else text.lstrip("\n")).encode()
    if not fits(whole.decode("utf-8", "replace")):
        raise KicklintError(f"{file}: cannot be added to by itself; put this there:\n{text.strip()}")
    write_file(whole, file)


def write_file(data: bytes, output: Path) -> None:
    """Write the bytes ``data`` to the file ``output``, whole or not at all. Raises KicklintError."""
    check_writable(output)
    # A link stays one, and what it points to is replaced.
    target = Path(os.path.realpath(output))
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(data)  # a device or pipe cannot be replaced
            return
        _replace(data, target)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise KicklintError(f"cannot write {output}: {error.strerror}") from error


def _replace(data: bytes, target: Path) -> None:
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), _mode(target))
        Path(name).replace(target)
    except BaseException:  # an interrupt, too, must not leave the temporary file
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _mode(target: Path) -> int:
    """The mode of the file that is replaced, or what the umask leaves for a new one."""
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
