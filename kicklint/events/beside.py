"""What stands right beside a node: for barriers that count only there."""

from __future__ import annotations

from collections.abc import Callable

from kicklint.flow import Branch, Call, Choice, ControlFlowGraph, Name, Return, Skip, Store, Temp


class Neighbours:
    """The calls that are made right before or right after a node of one function.

    ``derived`` tells of a function whether it only finds its way to something that an argument
    leads to; such a call is no access.
    """

    def __init__(self, graph: ControlFlowGraph, derived: Callable[[str], int | None]) -> None:
        self.graph = graph
        self.derived = derived
        self._before: dict[int, list[int]] | None = None

    def follows(self, index: int, names: tuple[str, ...]) -> bool:
        """Whether on every way to ``index`` the last access is a call of one of ``names``."""
        if self._before is None:
            self._before = {}
            for number, node in enumerate(self.graph.nodes):
                for successor in node.successors:
                    self._before.setdefault(successor, []).append(number)
        before = self._before
        return self._all(index, names, lambda node: before.get(node, []))

    def precedes(self, index: int, names: tuple[str, ...]) -> bool:
        """Whether on every way from ``index`` the next access is a call of one of ``names``."""
        return self._all(index, names, lambda node: list(self.graph.nodes[node].successors))

    def _all(self, index: int, names: tuple[str, ...], onward: Callable[[int], list[int]]) -> bool:
        pending = list(onward(index))
        seen: set[int] = set()
        found = False
        while pending:
            node = pending.pop()
            if node in seen:
                continue
            seen.add(node)
            instruction = self.graph.nodes[node].instruction
            if isinstance(instruction, Call) and instruction.name in names:
                found = True
                continue
            local = isinstance(instruction, Store) and isinstance(instruction.place, Name | Temp)
            if isinstance(instruction, Call) and instruction.name:
                local = self.derived(instruction.name) is not None
            if not local and not isinstance(instruction, Branch | Choice | Skip | Return):
                return False
            following = onward(node)
            if not following:
                return False
            pending += following
        return found
