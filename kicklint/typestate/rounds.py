"""Where a loop goes on when it is left."""

from __future__ import annotations

from kicklint.events import EventGraph
from kicklint.flow import Node


def loop_exits(events: EventGraph, head: int) -> tuple[int, ...]:
    """The nodes behind the loop that goes back to ``head``, where the loop itself ends it."""
    key = (loop_exits, head)
    known = events.notes.get(key)
    if not isinstance(known, tuple):
        known = events.notes[key] = _exits(events.graph.nodes, head)
    return known


def _exits(nodes: tuple[Node, ...], head: int) -> tuple[int, ...]:
    seen: set[int] = set()
    at = head
    while len(nodes[at].successors) == 1 and at not in seen:
        seen.add(at)
        at = nodes[at].successors[0]
    return tuple(each for each in nodes[at].successors if not _leads(nodes, each, head))


def _leads(nodes: tuple[Node, ...], start: int, to: int) -> bool:
    """Whether a way leads from ``start`` to ``to``."""
    pending, seen = [start], {start}
    while pending:
        at = pending.pop()
        if at == to:
            return True
        fresh = [each for each in nodes[at].successors if each not in seen]
        seen.update(fresh)
        pending += fresh
    return False
