"""Sections of locks: where one is held, in a function and by those that call it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kicklint.engine.call_sites import call_sites
from kicklint.engine.states import members
from kicklint.engine.world import World
from kicklint.flow import Call, Node
from kicklint.rulebook import Announced

MAX_CALLERS = 12
"""How far above a function its locks may be taken."""


class Sections:
    """The sections of ``world``, as far as ``form`` names what takes locks and gives them back."""

    def __init__(self, world: World, form: Announced) -> None:
        self.world = world
        self.form = form
        self._above: dict[tuple[str, str], bool] = {}

    def together(self, function: str, first: int, second: int, locks: frozenset[str]) -> bool:
        """Whether ``first`` and ``second``, a node behind it, are one section of one of ``locks``."""
        nodes = self.world.graph(function).graph.nodes
        for lock in sorted(locks):
            taken, given = self._changes(function, lock)
            if second not in _without(nodes, (first,), given):
                continue
            if self._held(function, first, lock, MAX_CALLERS):
                return True
            held = taken and first not in _without(nodes, (0,), taken)
            if held and first in _without(nodes, taken, given):
                return True
        return False

    def _changes(self, function: str, lock: str) -> tuple[set[int], set[int]]:
        """The nodes of ``function`` that take ``lock``, and those that give it back."""
        nodes = self.world.graph(function).graph.nodes
        taken = {index for index, node in enumerate(nodes) if lock in locked(node, self.form)}
        return taken, {index for index, node in enumerate(nodes) if lock in unlocked(node, self.form)}

    def _held(self, function: str, node: int, lock: str, callers: int) -> bool:
        """Whether ``lock`` is held at ``node`` on every way, by ``function`` or by all its callers."""
        nodes = self.world.graph(function).graph.nodes
        taken, given = self._changes(function, lock)
        if node in given or node in _without(nodes, given, taken):
            return False
        if node != 0 and node not in _without(nodes, (0,), taken):
            return bool(taken)
        return callers > 0 and self._held_above(function, lock, callers)

    def _held_above(self, function: str, lock: str, callers: int) -> bool:
        """Whether whoever calls ``function`` holds ``lock``."""
        known = self._above.get((function, lock))
        if known is not None:
            return known
        self._above[function, lock] = True  # what calls itself is held where its other callers hold
        calls = call_sites(self.world, function)
        found = bool(calls) and all(self._held(*call, lock, callers - 1) for call in calls)
        self._above[function, lock] = found
        return found


def locked(node: Node, form: Announced) -> Iterator[str]:
    """The names of the locks that ``node`` takes."""
    call = node.instruction
    if isinstance(call, Call) and call.args and any(word in call.name for word in form.locks):
        yield from (member.field for member in members(call.args[0]))


def unlocked(node: Node, form: Announced) -> Iterator[str]:
    """The names of the locks that ``node`` gives back."""
    call = node.instruction
    if isinstance(call, Call) and call.args and any(word in call.name for word in form.unlocks):
        yield from (member.field for member in members(call.args[0]))


def _without(nodes: tuple[Node, ...], starts: Iterable[int], stops: set[int]) -> set[int]:
    """The nodes that can be come to behind ``starts`` without doing one of ``stops``."""
    seen: set[int] = set()
    pending = [after for each in starts for after in nodes[each].successors]
    while pending:
        node = pending.pop()
        if node not in seen:
            seen.add(node)
            if node not in stops:
                pending += nodes[node].successors
    return seen
