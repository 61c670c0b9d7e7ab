"""Patches, mails and repositories that tests of the review make themselves."""

from __future__ import annotations

import difflib
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from kicklint.base import Judged, Patch, Review
from kicklint.review import Place, ReviewRequest, review, series
from kicklint.source import DirectoryTree, KeptTree, find_repository, read_mail

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "fixtures/demo-tree"
MAIN = "virt/kvm/kvm_main.c"
VCPU = "arch/riscv/kvm/vcpu.c"
IRQ = "arch/riscv/kvm/irq.c"

GUARDED = "if (vcpu->mode == IN_GUEST_MODE && !WARN_ON_ONCE(!kvm_request_pending(vcpu)))"
UNGUARDED = "if (vcpu->mode == IN_GUEST_MODE)"
WRITE = "WRITE_ONCE(vcpu->mode, EXITING_GUEST_MODE);"


def text_of(path: str) -> str:
    """A file of the demo tree."""
    return (DEMO / path).read_text(encoding="utf-8")


def edited(path: str, *pairs: tuple[str, str], text: str | None = None) -> str:
    """The file with each first text, which has to be there once, replaced by the second."""
    result = text_of(path) if text is None else text
    for old, new in pairs:
        assert result.count(old) == 1, (path, old)
        result = result.replace(old, new)
    return result


def diff(path: str, old: str | None, new: str | None, *, git: bool = True, section: str = "") -> str:
    """A unified diff as git writes it."""
    before = [] if old is None else old.splitlines(keepends=True)
    after = [] if new is None else new.splitlines(keepends=True)
    a, b = ("/dev/null" if old is None else f"a/{path}"), ("/dev/null" if new is None else f"b/{path}")
    body = "".join(difflib.unified_diff(before, after, a, b))
    if section:
        body = body.replace(" @@\n", f" @@ {section}\n")
    head = f"diff --git a/{path} b/{path}\n" if git else ""
    head += "new file mode 100644\n" if git and old is None else ""
    head += "deleted file mode 100644\n" if git and new is None else ""
    return head + body


def mail(diff_text: str, subject: str = "[PATCH] KVM: a change", headers: str = "", body: str = "") -> bytes:
    """A plain mail with a diff, a footer and a signature."""
    head = f"From: A Reviewer <a@example.org>\nTo: kvm@example.org\nSubject: {subject}\n"
    head += "Message-ID: <1@example.org>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n" + headers
    return f"{head}\n{body or 'A text.'}\n\n---\n a | 1 +\n\n{diff_text}-- \n2.39.5\n".encode()


BREAKS = diff(
    MAIN,
    edited(MAIN, (UNGUARDED, GUARDED)),
    text_of(MAIN),
    section="void kvm_vcpu_kick(struct kvm_vcpu *vcpu)",
)
"""Takes the guard of the demo tree's self-kick away."""


def tree_at(folder: Path, **changes: str) -> Path:
    """A copy of the demo tree in ``folder`` with the guard in it, and other files changed."""
    shutil.copytree(DEMO, folder, dirs_exist_ok=True)
    (folder / MAIN).write_text(edited(MAIN, (UNGUARDED, GUARDED)), encoding="utf-8")
    return folder


def git(folder: Path, *command: str, data: bytes | None = None) -> str:
    """Run git with an identity of its own and no configuration of this machine."""
    environment = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.org",
    }
    done = subprocess.run(
        ["git", "-C", str(folder), *command], input=data, capture_output=True, check=True, env=environment
    )
    return done.stdout.decode("utf-8", "surrogateescape").strip()


def repository_at(folder: Path) -> Path:
    """A repository with the guarded demo tree as its first commit."""
    tree_at(folder)
    git(folder, "init", "-q", "-b", "main")
    commit(folder, {}, "The demo tree")
    return folder


def commit(folder: Path, files: Mapping[str, str], subject: str) -> str:
    """Write ``files`` and commit everything."""
    for path, text in files.items():
        (folder / path).write_text(text, encoding="utf-8")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", subject)
    return git(folder, "rev-parse", "HEAD")


def reviewed(
    patches: Sequence[Patch], tree: Path | None, base: str = "", *, everything: bool = False
) -> Review:
    """The review of ``patches`` with the tree, or the repository, at ``tree``."""
    if tree is None:
        return review(series(patches), ReviewRequest())
    with closing(Place(KeptTree(DirectoryTree(tree)), find_repository(tree), base)) as place:
        return review(series(patches), ReviewRequest(place, everything=everything))


def read(data: bytes | str) -> Patch:
    """The patch in a mail."""
    return read_mail(data if isinstance(data, bytes) else data.encode(), "a mail")


def new(done: Review) -> list[Judged]:
    """What is new, of all patches."""
    return [each for patch in done.patches for each in patch.new]


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below ``folder``, with its time and its bytes."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }
