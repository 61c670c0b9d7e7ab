"""The files that are measured on: those that kicklint reads, alone, and several copies of them."""

from __future__ import annotations

import shutil
from pathlib import Path

from kicklint.source import DirectoryTree


def kvm_files(kernel: Path) -> list[str]:
    """The C files of KVM in ``kernel``."""
    return [path for path in DirectoryTree(kernel).paths() if path.endswith((".c", ".h"))]


def copied(kernel: Path, target: Path) -> int:
    """Copy the C files of KVM to ``target``; the bytes that they are."""
    size = 0
    for path in kvm_files(kernel):
        size += _copy(kernel / path, target / path)
    return size


def multiplied(kernel: Path, target: Path, copies: int) -> int:
    """The same with the code of every architecture ``copies`` times over, under names of their own.

    The data that kicklint has on an architecture goes by its name, so the copies, the first as well, are
    all architectures that it does not know.
    """
    size = 0
    for path in kvm_files(kernel):
        parts = path.split("/")
        if parts[0] != "arch":
            size += _copy(kernel / path, target / path)
            continue
        for number in range(copies):
            renamed = "/".join(("arch", f"{parts[1]}{number}n", *parts[2:]))
            size += _copy(kernel / path, target / renamed)
    return size


def with_statement(text: bytes) -> bytes:
    """The C file ``text`` with a harmless statement in its first function."""
    head, brace, rest = text.partition(b"\n{\n")
    if not brace:
        raise SystemExit("bench: there is no function to edit")
    return head + brace + b"\tbarrier();\n" + rest


def _copy(source: Path, target: Path) -> int:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return target.stat().st_size
