#!/usr/bin/env python3
"""Bring in the kernels that the tests read: the KVM parts of Debian's linux-source packages.

    python scripts/kernels.py [--into DIR] [VERSION]...

VERSION is 6.12 or 6.1 or any other for which Debian has linux-source-VERSION; the
default is both. Each is unpacked once, into DIR/VERSION, and only what kicklint and
its tests read: virt, arch/*/kvm, arch/*/include, include, Documentation/virt/kvm and
tools/memory-model. DIR is, in this order: what --into says, $KICKLINT_KERNELS, and
$XDG_CACHE_HOME/kicklint/kernels (by default ~/.cache/kicklint/kernels).

A kernel that is in DIR already is left as it is, except that the memory model is added
to one that was unpacked before it was wanted. Otherwise the source comes from
/usr/src/linux-source-VERSION.tar.xz; when that is missing and this runs as root, the
package is installed with apt-get first.

Prints DIR on standard output, progress on standard error.
Exit status: 0 all are there, 1 one could not be got, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VERSIONS = ("6.12", "6.1")
_SOURCES = Path("/usr/src")
# Of a member's path below the tar's one top folder. tools/arch/... is not meant.
_WANTED = re.compile(r"virt/|arch/[^/]+/(kvm|include)/|include/|Documentation/virt/kvm/|tools/memory-model/")


class Missing(Exception):
    """A kernel cannot be got; the text says what to do."""


def default_folder() -> Path:
    """$KICKLINT_KERNELS, or the cache folder."""
    chosen = os.environ.get("KICKLINT_KERNELS")
    if chosen:
        return Path(chosen)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "kicklint" / "kernels"


_MODEL = Path("tools/memory-model")


def is_kernel(folder: Path) -> bool:
    """Whether ``folder`` holds what this script unpacks; the memory model, which came late, aside."""
    return (folder / "virt" / "kvm").is_dir() and (folder / "arch").is_dir() and (folder / "include").is_dir()


def say(text: str) -> None:
    """A line for whoever waits."""
    print(f"kernels: {text}", file=sys.stderr, flush=True)


def ensure(version: str, into: Path) -> None:
    """Make sure that ``into/version`` is there. Raises Missing."""
    target = into / version
    present = is_kernel(target)
    if present and (target / _MODEL).is_dir():
        return
    if target.exists() and not present:
        raise Missing(f"{target} is there but is not a kernel tree; move it away")
    source = _SOURCES / f"linux-source-{version}.tar.xz"
    if not source.is_file():
        install(version)
    if not source.is_file():
        raise Missing(f"the package linux-source-{version} is installed but there is no {source}")
    into.mkdir(parents=True, exist_ok=True)
    # Beside the target, so that the last step is one rename and half a tree is never found.
    with tempfile.TemporaryDirectory(prefix=f".{version}.", dir=into) as work:
        tree = Path(work) / "tree"
        say(f"unpacking {source} into {target}{f' ({_MODEL} only)' if present else ''}")
        count = unpack(source, tree)
        if not is_kernel(tree):
            raise Missing(f"{source} does not hold a kernel as Debian packs it")
        if present:
            tree, target = tree / _MODEL, target / _MODEL
            target.parent.mkdir(exist_ok=True)
            if not tree.is_dir():
                raise Missing(f"{source} does not hold {_MODEL}")
        try:
            tree.rename(target)
        except OSError:
            if not target.is_dir():  # else another process was faster
                raise
        say(f"{version}: {count} files")


def unpack(source: Path, tree: Path) -> int:
    """Write the wanted files of the tar ``source`` below ``tree``; give their number."""
    count = 0
    with tarfile.open(source, "r|xz") as tar:
        for member in tar:
            top, _, path = member.name.removeprefix("./").partition("/")
            # Links are left out: the few there are lead out of what is unpacked.
            if not member.isreg() or not _WANTED.match(path) or ".." in path.split("/") or not top:
                continue
            content = tar.extractfile(member)
            if content is None:
                continue
            target = tree / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with content, target.open("wb") as out:
                shutil.copyfileobj(content, out)
            count += 1
    return count


def install(version: str) -> None:
    """Install Debian's package with the source. Raises Missing."""
    package = f"linux-source-{version}"
    advice = f"install {package}, or point KICKLINT_KERNELS to a folder that holds the tree as {version}/"
    if shutil.which("apt-get") is None:
        raise Missing(f"there is no {_SOURCES}/{package}.tar.xz and no apt-get; {advice}")
    if os.geteuid() != 0:
        raise Missing(f"there is no {_SOURCES}/{package}.tar.xz, and only root can install it; {advice}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update"],
        ["apt-get", "install", "-y", "--no-install-recommends", package],
    ):
        say(" ".join(command))
        done = subprocess.run(command, env=environment, stdout=sys.stderr, check=False)
        if done.returncode:
            raise Missing(f"{' '.join(command)} ended with status {done.returncode}; {advice}")


def version_number(text: str) -> str:
    """``text`` when it reads like 6.12; argparse turns the error into status 2."""
    if not re.fullmatch(r"\d+\.\d+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a version such as 6.12")
    return text


def main() -> int:
    """Run; the status is in the module's text."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--into", type=Path, metavar="DIR", default=default_folder())
    # No `choices`: argparse would check the default list against them as one value.
    parser.add_argument("versions", nargs="*", metavar="VERSION", type=version_number)
    arguments = parser.parse_args()
    for version in arguments.versions or VERSIONS:
        try:
            ensure(version, arguments.into)
        except (Missing, OSError, tarfile.TarError, EOFError) as error:
            say(f"error: {version}: {error}")
            return 1
    print(arguments.into)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
