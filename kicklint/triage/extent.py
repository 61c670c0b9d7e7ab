"""How far an analysis went: what it would have reported, had it been there."""

from __future__ import annotations

from dataclasses import dataclass

from kicklint.source import within


@dataclass(frozen=True, slots=True)
class Extent:
    """What was looked at.

    ``rules`` are the ids that were looked for, all when empty. ``scope`` are the prefixes that
    findings are reported for, all when empty. ``architectures`` are those that were
    analysed; ``complete`` says that the tree has no other.
    """

    rules: frozenset[str] = frozenset()
    scope: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    complete: bool = True

    def covers(self, rule: str, path: str) -> bool:
        """Whether a finding of ``rule`` (an id) in the file ``path`` would have been reported.

        Generic code is covered when all architectures were analysed, since a finding there
        may need any of them.
        """
        if self.rules and rule not in self.rules:
            return False
        if not self.reaches(path):
            return False
        parts = path.split("/")
        if len(parts) > 2 and parts[0] == "arch":
            return parts[1] in self.architectures
        return self.complete

    def reaches(self, path: str) -> bool:
        """Whether findings are reported for the file ``path``, as far as the scope says."""
        return not self.scope or any(within(path, each) for each in self.scope)
