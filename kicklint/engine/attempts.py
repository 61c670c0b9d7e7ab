"""Edits of one tree that are tried one after the other, each beside the tree as it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from kicklint.base import Report
from kicklint.engine.analysis import AnalysisRequest, architectures, report_of
from kicklint.engine.comparing import going_by
from kicklint.engine.drafts import UNANALYSED
from kicklint.engine.effort import undisturbed
from kicklint.engine.escalation import WorldResult
from kicklint.engine.remembered import Remembered
from kicklint.engine.sources import Parsed, ReadFile, Sources, dialect
from kicklint.engine.versions import Versions
from kicklint.rulebook import load_rulebook
from kicklint.source import KeptTree, OverlayTree, SourceTree, architecture_of
from kicklint.syntax import SyntaxFile, parse_file

Enough = Callable[[Report, Report], bool]

_ALL = frozenset[str]()


class Attempts:
    """``tree`` in the architectures of ``request``, and edits of it.

    A world of the tree is opened once, for all edits. What its rules say is taken from the store of
    the request where a check has left it there. ``parsed`` is as in an analysis.
    """

    def __init__(self, tree: SourceTree, request: AnalysisRequest, parsed: Parsed | None = None) -> None:
        self.tree = tree if isinstance(tree, KeptTree) else KeptTree(tree)
        self.request = request
        self.parsed: Parsed = {} if parsed is None else parsed
        self._known = Remembered(self.tree, _ALL, request.store)
        self._bases: dict[str, Versions] = {}
        self._results: dict[str, WorldResult | None] = {}
        self._sources = Sources(self.tree, None, self.parsed, request.store)

    def syntax(self, path: str) -> SyntaxFile | None:
        """The file at ``path``; None where it cannot be read."""
        found = self._sources.load((path,))
        return found[0] if found else None

    def edited(self, path: str, text: bytes) -> SyntaxFile:
        """The file at ``path`` with ``text`` in it. It is parsed for ``reports``, until it is forgotten."""
        with undisturbed():
            found = parse_file(path, text, dialect())
            found.let_go()
        self.parsed[path, text] = ReadFile(found)
        return found

    def forget(self, path: str, text: bytes) -> None:
        """Give up what ``edited`` has made."""
        self.parsed.pop((path, text), None)

    def digest(self, path: str) -> str:
        """Of all that an edit of ``path`` is judged by; "" where that is not to be kept."""
        keys = [self._known.key(name) for name in self._seeing((path,))]
        text = "\0".join(keys).encode()
        return hashlib.blake2b(text, digest_size=32).hexdigest() if all(keys) else ""

    def reports(
        self, changes: Mapping[str, bytes | None], rule: str = "", enough: Enough | None = None
    ) -> tuple[Report, Report] | None:
        """What the rules that may say more of the tree with ``changes`` than of the tree say of both.

        Where what ``rule`` says of both is not ``enough`` there is no need to look further, and no answer.
        Raises SourceError.
        """
        after = OverlayTree(self.tree, changes)
        versions = {name: self._versions(name, after) for name in self._seeing(tuple(changes))}
        if enough is not None and not enough(*self._said(versions, after, frozenset({rule}))):
            return None
        affected = frozenset[str]().union(*(each.affected(_ALL) for each in versions.values()))
        return self._said(versions, after, affected)

    def _said(
        self, versions: Mapping[str, Versions], after: SourceTree, rules: frozenset[str]
    ) -> tuple[Report, Report]:
        """What ``rules`` say of the tree, and of the one ``after`` the edit."""
        if not rules:
            return Report(()), Report(())
        chosen = going_by(load_rulebook(), rules)
        before = [self._before(name, each, chosen) for name, each in versions.items()]
        later = [each.result(1, chosen) for each in versions.values()]
        request = AnalysisRequest(self.tree.root, select=chosen)
        one, other = (
            report_of(request, tree, load_rulebook(), [each for each in said if each is not None])
            for tree, said in ((self.tree, before), (KeptTree(after), later))
        )
        return one, other

    def _before(self, name: str, versions: Versions, chosen: frozenset[str]) -> WorldResult | None:
        """What the rules ``chosen``, and perhaps others, say of the world as it is."""
        # Functions that only another rule has not understood would be named.
        known = self._first(name) if UNANALYSED not in chosen else None
        return known if known is not None else versions.result(0, chosen)

    def _first(self, name: str) -> WorldResult | None:
        """What all rules say of the world as it is, where that is known."""
        if name not in self._results:
            self._results[name] = self._known.find(name)
        return self._results[name]

    def _versions(self, name: str, after: SourceTree) -> Versions:
        """The architecture ``name`` in the tree and in the one ``after`` the edit."""
        about = (load_rulebook(), self.parsed, self.request.store)
        if name not in self._bases:
            self._bases[name] = Versions(name, (self.tree,), *about)
        return Versions(name, (self.tree, after), *about, base=self._bases[name], said=self._first(name))

    def _seeing(self, paths: tuple[str, ...]) -> tuple[str, ...]:
        """The architectures that see one of ``paths``, as far as the request goes."""
        there = architectures(self.tree, self.request.architectures)
        seen: set[str] = set()
        for path in paths:
            some = architecture_of(path)
            if some is None:
                return there
            seen |= set(some)
        return tuple(name for name in there if name in seen)
