"""Which nodes of a graph can be come to."""

from __future__ import annotations

from kicklint.flow.ir import Node


def reach(nodes: tuple[Node, ...], start: int, stop: int = -1) -> set[int]:
    """The nodes that can be come to from ``start``, itself included, without passing ``stop``."""
    seen: set[int] = set()
    pending = [start]
    while pending:
        node = pending.pop()
        if node not in seen and node != stop:
            seen.add(node)
            pending += nodes[node].successors
    return seen
