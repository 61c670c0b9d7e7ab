"""Which nodes of a graph can be come to."""

from __future__ import annotations

from kicklint.flow.ir import Node


def reach(nodes: tuple[Node, ...], start: int, *stops: int) -> set[int]:
    """The nodes that can be come to from ``start``, itself included, without passing one of ``stops``."""
    seen: set[int] = set()
    pending = [start]
    while pending:
        node = pending.pop()
        if node not in seen and node not in stops:
            seen.add(node)
            pending += nodes[node].successors
    return seen
