"""What a world says, taken from the store where everything that it was made from is the same."""

from __future__ import annotations

import hashlib
import os
import sys
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from kicklint.base import SourceError
from kicklint.engine.drafts import UNANALYSED
from kicklint.engine.escalation import WorldResult
from kicklint.engine.scope import world_paths
from kicklint.rulebook import load_rulebook, own_rules, rules_directory
from kicklint.source import KeptTree, build_files
from kicklint.store import Store, decoded, encoded

_SIZE = 32
_ALL: frozenset[str] = frozenset()
_DIALECT = "dialect.toml"
_PARSERS = ("tree-sitter", "tree-sitter-c")


class Remembered:
    """The results of the worlds of ``tree`` for the rules ``select``; without a ``store`` there are none.

    A result is kept under a digest of every file of its world, of the rules, and of kicklint
    itself. A world with a file that cannot be read is not kept. What all rules say of a world holds
    for some of them, too.
    """

    def __init__(self, tree: KeptTree, select: frozenset[str], store: Store | None) -> None:
        self.tree = tree
        self.select = select
        self.store = store
        self._files: dict[str, bytes] = {}

    def selecting(self, select: frozenset[str]) -> Remembered:
        """The same for the rules ``select``; no file is read again."""
        found = Remembered(self.tree, select, self.store)
        found._files = self._files
        return found

    def find(self, architecture: str) -> WorldResult | None:
        """The result of the world of ``architecture``, if it is known."""
        files = self.files_of(architecture)
        found = self._kept(self._key(architecture, files, self.select))
        if found is None and self.select:
            found = self._kept(self._key(architecture, files, _ALL))
            return found if found is not None and self._says_no_more(found) else None
        return found

    def _kept(self, key: str) -> WorldResult | None:
        text = self.store.get(key) if self.store is not None and key else None
        if text is None:
            return None
        try:
            return decoded(WorldResult, text)
        except ValueError:
            return None

    def _says_no_more(self, result: WorldResult) -> bool:
        """Whether ``result``, of all rules, says what the selected ones would say by themselves.

        A function may have been hard to understand for other rules only, and others may have told what
        a selected one would tell without them.
        """
        rules = load_rulebook().rules
        others = {other for rule in rules if rule.id in self.select for other in rule.consequence_of}
        hidden = {*(others - self.select), UNANALYSED}
        return not any(draft.finding.rule in hidden for draft in result.drafts)

    def keep(self, result: WorldResult) -> None:
        """Keep ``result`` for the next time."""
        key = self.key(result.architecture)
        if self.store is not None and key:
            self.store.put(key, encoded(result))

    def key(self, architecture: str) -> str:
        """What the world's result is kept under; "" when it is not to be kept."""
        return self._key(architecture, self.files_of(architecture), self.select)

    def _key(self, architecture: str, files: bytes, select: frozenset[str]) -> str:
        if not files:
            return ""
        digest = hashlib.blake2b(program_digest(own_rules()), digest_size=_SIZE)
        _add(digest, architecture, *sorted(select), "")
        digest.update(files)
        return digest.hexdigest()

    def files_of(self, architecture: str) -> bytes:
        """A digest of all files of the world of ``architecture``; none when one cannot be read."""
        digest = hashlib.blake2b(digest_size=_SIZE)
        for path in world_paths(self.tree.paths(), architecture) if self.store is not None else ():
            found = self._digest(path)
            if found is None:
                return b""
            _add(digest, path)
            digest.update(found)
        for path in build_files(architecture):
            _add(digest, path)
            digest.update(self._digest(path) or b"none")
        return digest.digest() if self.store is not None else b""

    def _digest(self, path: str) -> bytes | None:
        """A digest of a file; None for one that cannot be read."""
        if path not in self._files:
            try:
                self._files[path] = hashlib.blake2b(self.tree.read(path), digest_size=_SIZE).digest()
            except SourceError:
                return None
        return self._files[path]


def file_key(source: bytes) -> str:
    """What one file with the text ``source`` is kept under, once it was parsed, wherever it stands."""
    digest = hashlib.blake2b(program_digest(None), digest_size=_SIZE)
    own = own_rules()
    dialect = own / _DIALECT if own is not None else None
    digest.update(dialect.read_bytes() if dialect is not None and dialect.is_file() else b"")
    digest.update(hashlib.blake2b(source, digest_size=_SIZE).digest())
    return "files" + digest.hexdigest()


def kept_key(folder: str, *about: str) -> str:
    """The key in the store's ``folder`` (two letters) of what goes by kicklint, the rules and ``about``."""
    digest = hashlib.blake2b(program_digest(own_rules()), digest_size=_SIZE)
    _add(digest, *about)
    return folder + digest.hexdigest()[len(folder) :]


def _add(digest: hashlib.blake2b, *texts: str) -> None:
    for each in texts:
        data = each.encode("utf-8", "surrogateescape")
        digest.update(len(data).to_bytes(8, "little") + data)


@lru_cache(maxsize=2)
def program_digest(own: Path | None) -> bytes:
    """A digest of what analyses: kicklint, its rules and those in ``own``, Python, the parser."""
    digest = hashlib.blake2b(sys.version.encode(), digest_size=_SIZE)
    for name in _PARSERS:
        _add(digest, name, metadata.version(name))
    package = Path(__file__).resolve().parents[1]
    added = [(own, ".toml")] if own is not None else []
    for folder, suffix in ((package, ".py"), (rules_directory(), ".toml"), *added):
        for path in sorted(_below(folder, suffix)):
            text = Path(path).read_bytes()
            _add(digest, os.path.relpath(path, folder))
            digest.update(hashlib.blake2b(text, digest_size=_SIZE).digest())
    return digest.digest()


def _below(folder: Path, suffix: str) -> list[str]:
    return [
        f"{place}/{name}" for place, _, names in os.walk(folder) for name in names if name.endswith(suffix)
    ]
