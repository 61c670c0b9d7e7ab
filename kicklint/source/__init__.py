"""Where text comes from: trees, revisions, patches in mails.

In: a place. Out: paths and bytes, and changes of files. Must not know what the bytes mean.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kicklint.source.git import GitRepository, RevisionTree, find_repository
from kicklint.source.kbuild import build_files, left_out
from kicklint.source.kept import KeptTree
from kicklint.source.overlay import OverlayTree
from kicklint.source.relevance import architecture_of, is_kvm_code
from kicklint.source.tracked import VARIABLE, tracked_revisions
from kicklint.source.tree import DirectoryTree, SourceTree, find_tree, within

if TYPE_CHECKING:
    from kicklint.source.archive import ArchivedMail, archived, count
    from kicklint.source.mail import read_mail
    from kicklint.source.mailbox import mails, split, stream
    from kicklint.source.patching import Applied, applied

__all__ = [
    "VARIABLE",
    "Applied",
    "ArchivedMail",
    "DirectoryTree",
    "GitRepository",
    "KeptTree",
    "OverlayTree",
    "RevisionTree",
    "SourceTree",
    "applied",
    "architecture_of",
    "archived",
    "build_files",
    "count",
    "find_repository",
    "find_tree",
    "is_kvm_code",
    "left_out",
    "mails",
    "read_mail",
    "split",
    "stream",
    "tracked_revisions",
    "within",
]

_MAIL = {
    "ArchivedMail": "archive",
    "archived": "archive",
    "count": "archive",
    "read_mail": "mail",
    "mails": "mailbox",
    "split": "mailbox",
    "stream": "mailbox",
    "Applied": "patching",
    "applied": "patching",
}


def __getattr__(name: str) -> Any:
    """What reads mails and patches, imported by who reads one: the libraries for that are large."""
    if name in _MAIL:
        return getattr(import_module(f"kicklint.source.{_MAIL[name]}"), name)
    raise AttributeError(name)
