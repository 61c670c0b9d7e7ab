"""The git revision that a tree is at, for logs that say where their findings come from."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from kicklint.render import Provenance

_SECONDS = 10
# user@host:path, which git takes for ssh://user@host/path
_SCP = re.compile(r"(?P<host>[\w.\-]+@[\w.\-]+):(?P<path>[^/].*)")


def provenance(tree: Path, prefix: str = "") -> Provenance | None:
    """Repository, revision and branch when ``tree`` is in a git checkout with a remote.

    ``prefix`` is what is put before paths in the tree; with it they have to begin at the checkout's top.
    None otherwise, and where git is not installed or refuses: a log without it is valid.
    """
    top = _git(tree, "rev-parse", "--show-toplevel")
    if not top or (Path(top) / prefix).resolve() != tree.resolve():
        return None
    branch = _git(tree, "symbolic-ref", "--quiet", "--short", "HEAD")
    address = next(
        filter(None, (_public(_git(tree, "config", "--get", key)) for key in _keys(tree, branch))), ""
    )
    revision = _git(tree, "rev-parse", "--verify", "--quiet", "HEAD")
    return Provenance(address, revision, branch) if address and revision else None


def _keys(tree: Path, branch: str) -> list[str]:
    """Where addresses stand, first that of the branch's remote, which may be the repository itself."""
    own = _git(tree, "config", "--get", f"branch.{branch}.remote") if branch else ""
    names = (own, "origin", *_git(tree, "remote").splitlines())
    return [f"remote.{name}.url" for name in dict.fromkeys(names) if name]


def _git(tree: Path, *command: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(tree), *command], capture_output=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else ""


def _public(address: str) -> str:
    """The remote's address as a URI, without a password; "" for one that is a path of this machine."""
    scp = _SCP.fullmatch(address)
    if scp:
        return f"ssh://{scp['host']}/{scp['path']}"
    try:
        parts = urlsplit(address)
        host = parts.hostname
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    if parts.scheme not in ("https", "http", "ssh", "git") or not host:
        return ""
    user = f"{parts.username}@" if parts.username and parts.scheme == "ssh" else ""
    return urlunsplit((parts.scheme, f"{user}{host}{port}", parts.path, "", ""))
