"""A git repository, read without touching its index or its work tree, and without the network."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from kicklint.base import SourceError
from kicklint.source.relevance import builds_kvm, is_kvm_code

_SECONDS = 60
_SEARCHED = 64
_MOST_BYTES = 256 * 1024 * 1024
_OBJECT = re.compile(r"[0-9a-f]{40,64}")
# Nothing is fetched, asked for, or refreshed on the way.
_ENVIRONMENT = {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"}
# Git hands these to hooks, relative to the top of the work tree.
_SURROUNDINGS = frozenset({"GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_PREFIX"})
_PLAIN_DIFF = ("--no-ext-diff", "--no-textconv", "--full-index", "--no-color", "-U3", "-M")
_PREFIXES = ("--src-prefix=a/", "--dst-prefix=b/")
_FOLDERS = ("virt/kvm", "arch", "include")


class GitRepository:
    """The repository whose work tree's top, or git directory, is ``top``.

    The kernel lies at ``prefix`` below the top ("" or a path with a slash behind it); all paths that go in
    and come out are relative to it. Objects are read through one ``git cat-file --batch``;
    :meth:`close` ends it.
    """

    def __init__(self, top: Path, prefix: str = "", *, bare: bool = False) -> None:
        self.top = top
        self.prefix = prefix
        self._where = ["git", "--git-dir", str(top)] if bare else ["git", "-C", str(top)]
        self._batch: subprocess.Popen[bytes] | None = None

    def __getstate__(self) -> dict[str, object]:
        """What another process needs to read the repository by a process of its own."""
        return {**self.__dict__, "_batch": None}

    def close(self) -> None:
        """End the process that reads objects."""
        if self._batch is not None and self._batch.stdin is not None and self._batch.stdout is not None:
            self._batch.stdin.close()
            self._batch.stdout.close()
            self._batch.wait()
            self._batch = None

    def commit(self, revision: str) -> str:
        """The commit that ``revision`` names, "" when there is none."""
        if not revision or revision.startswith("-") or "\n" in revision or "\0" in revision:
            return ""
        name = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        text = (name or b"").decode("ascii", "replace").strip()
        return text if _OBJECT.fullmatch(text) else ""

    def files(self, commit: str) -> dict[str, str]:
        """The files of ``commit`` that KVM is built from and their blobs; links and submodules are none."""
        listed = self._run("ls-tree", "-r", "-z", self._folder(commit), "--", *_FOLDERS)
        if listed is None:
            raise SourceError(f"{self.top}: git cannot list {commit}")
        found = {}
        for entry in listed.split(b"\0"):
            head, _, raw = entry.partition(b"\t")
            path = raw.decode("utf-8", "surrogateescape")
            fields = head.split()
            if len(fields) == 3 and fields[0].startswith(b"100") and (is_kvm_code(path) or builds_kvm(path)):
                found[path] = fields[2].decode("ascii")
        return found

    def blob(self, name: str) -> bytes | None:
        """The content of the object ``name`` (hex, perhaps abbreviated); None when there is no such blob."""
        if not re.fullmatch(r"[0-9a-f]{7,64}", name):
            return None
        return self.object(name, b"blob")

    def object(self, name: str, kind: bytes, most: int = _MOST_BYTES) -> bytes | None:
        """The content of the object ``name`` when it is of ``kind`` and has at most so many bytes."""
        if "\n" in name:
            return None
        process = self._process()
        if process.stdin is None or process.stdout is None:
            return None
        try:
            process.stdin.write(name.encode("utf-8", "surrogateescape") + b"\n")
            process.stdin.flush()
            head = process.stdout.readline().split()
            if len(head) != 3 or not head[2].isdigit():
                return None
            size = int(head[2])
            kept = process.stdout.read(min(size, most))
            left = size - len(kept) + 1
            while left > 0 and (passed := len(process.stdout.read(min(left, 1 << 20)))):
                left -= passed
        except OSError as error:
            raise SourceError(f"{self.top}: git cat-file ended: {error}") from error
        return kept if head[1] == kind and size <= most else None

    def commit_with(self, blobs: Iterable[tuple[str, str]]) -> str:
        """The newest of the last commits to the paths of ``blobs`` that has all of them; "" if none has."""
        wanted = list(blobs)
        paths = [f"{self.prefix}{path}" for path, _ in wanted]
        head = self.commit("HEAD")
        listed = self._run("rev-list", f"-n{_SEARCHED}", "--all", "HEAD", "--", *paths) if head else None
        for commit in dict.fromkeys([head, *(listed or b"").decode("ascii", "replace").split()]):
            if commit and all(self._has(commit, path, blob) for path, blob in wanted):
                return commit
        return ""

    def _has(self, commit: str, path: str, blob: str) -> bool:
        if "\n" in path:
            return False
        entry = self._run("ls-tree", "-z", self._folder(commit), "--", path) or b""
        fields = entry.split(b"\t")[0].split()
        return len(fields) == 3 and fields[2].decode("ascii").startswith(blob)

    def patches(self, revisions: str) -> bytes:
        """The commits of ``revisions`` (``A..B``) as mails. Raises SourceError."""
        return self._patches("format-patch", "--stdout", "--no-signature", "--no-thread", revisions)

    def staged(self) -> bytes:
        """What is staged against HEAD, as a diff. Raises SourceError."""
        return self._patches("diff", "--cached", "HEAD")

    def staged_paths(self) -> tuple[str, ...]:
        """The paths that are staged against HEAD, old names and new ones. Raises SourceError."""
        listed = self._run(
            "diff", "--cached", "--name-only", "--no-renames", "-z", *self._relative(), "HEAD", "--"
        )
        if listed is None:
            raise SourceError(f"{self.top}: git cannot say what is staged")
        return tuple(each.decode("utf-8", "surrogateescape") for each in listed.split(b"\0") if each)

    def hooks(self) -> Path | None:
        """The directory of the repository's own hooks; None where it uses some from elsewhere."""
        named, common = (
            self._run("rev-parse", "--git-path", "hooks"),
            self._run("rev-parse", "--git-common-dir"),
        )
        if not named or not common:
            return None
        place, own = ((self.top / os.fsdecode(each.rstrip(b"\n"))).resolve() for each in (named, common))
        return place if place.is_relative_to(own) or place.is_relative_to(self.top.resolve()) else None

    def _folder(self, commit: str) -> str:
        """The kernel's own folder in ``commit``."""
        return f"{commit}:{self.prefix.rstrip('/')}"

    def _relative(self) -> tuple[str, ...]:
        return (f"--relative={self.prefix}",) if self.prefix else ()

    def _patches(self, command: str, *arguments: str) -> bytes:
        if any(each.startswith("-") for each in arguments[-1:]):
            raise SourceError(f"{arguments[-1]!r} is no revision")
        done = self._call(command, *_PLAIN_DIFF, *_PREFIXES, *self._relative(), *arguments, "--")
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().split("\n")[0]
            raise SourceError(f"git {command} {arguments[-1]}: {said or 'failed'}")
        return done.stdout

    def fork_point(self, revisions: str) -> str:
        """The commit that the first patch of ``A..B`` is made against, "" when there is none."""
        first, dots, last = revisions.partition("..")
        if not dots:
            return self.commit(f"{revisions}")
        name = self._run("merge-base", self.commit(first or "HEAD"), self.commit(last.lstrip(".") or "HEAD"))
        return (name or b"").decode("ascii", "replace").strip()

    def _process(self) -> subprocess.Popen[bytes]:
        if self._batch is None:
            self._batch = subprocess.Popen(
                [*self._where, "cat-file", "--batch"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=os.environ | _ENVIRONMENT,
            )
        return self._batch

    def _call(self, *command: str) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(
                [*self._where, *command],
                capture_output=True,
                timeout=_SECONDS,
                check=False,
                env=os.environ | _ENVIRONMENT,
            )
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            raise SourceError(f"git cannot be run in {self.top}: {error}") from error

    def _run(self, *command: str) -> bytes | None:
        done = self._call(*command)
        return done.stdout if done.returncode == 0 else None


def find_repository(tree: Path) -> GitRepository | None:
    """The repository whose work tree is ``tree``, or that has the KVM files of ``tree`` in it.

    None when there is none, or no git.
    """
    said = _outside(tree, "rev-parse", "--show-toplevel", "--show-prefix")
    top, _, prefix = said.partition(b"\n")
    if not top:
        return None
    prefix = prefix.removesuffix(b"\n")
    if not prefix:
        return GitRepository(tree)
    tracked = _outside(tree, "ls-files", "-z", "--", *_FOLDERS)
    return GitRepository(Path(os.fsdecode(top)), os.fsdecode(prefix)) if tracked else None


def _outside(folder: Path, *command: str) -> bytes:
    """What git says in ``folder`` by where it lies, whatever a hook's surroundings name; b"" if it cannot."""
    environment = {name: value for name, value in os.environ.items() if name not in _SURROUNDINGS}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *command],
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env=environment | _ENVIRONMENT,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return b""
    return done.stdout if done.returncode == 0 else b""


class RevisionTree:
    """The KVM files of one commit."""

    def __init__(self, repository: GitRepository, commit: str) -> None:
        self._repository = repository
        self._files = repository.files(commit)
        self._paths = tuple(sorted(filter(is_kvm_code, self._files)))

    @property
    def root(self) -> Path:
        """Where the kernel lies in the work tree."""
        return self._repository.top / self._repository.prefix

    def paths(self) -> tuple[str, ...]:
        """Every KVM file of the commit, sorted."""
        return self._paths

    def read(self, path: str) -> bytes:
        """The bytes of one file. Raises SourceError when there are none."""
        blob = self._files.get(path)
        data = self._repository.blob(blob) if blob is not None else None
        if data is None:
            raise SourceError(f"{path}: is not in the revision")
        return data

    def architectures(self) -> tuple[str, ...]:
        """The names X for which the commit has files of arch/X/kvm, sorted."""
        parts = (path.split("/") for path in self._paths)
        return tuple(sorted({each[1] for each in parts if each[0] == "arch" and each[2] == "kvm"}))
