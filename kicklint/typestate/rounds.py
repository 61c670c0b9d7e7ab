"""Loops: what stands in one, and where it goes on when it is left."""

from __future__ import annotations

from collections.abc import Iterable

from kicklint.events import EventGraph
from kicklint.flow import Branch, Name, Node, Store, reach


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
    return tuple(each for each in nodes[at].successors if head not in reach(nodes, each))


def again(events: EventGraph, node: int) -> bool:
    """Whether ``node`` is in a loop, where a variable stands for one vcpu after the other."""
    return any(node in _reached(events, each) for each in events.graph.nodes[node].successors)


def rounds(events: EventGraph, variables: Iterable[str]) -> dict[int, int]:
    """The branches that leave a loop in which one of ``variables`` is given vcpus, and where to."""
    found: dict[int, int] = {}
    nodes = events.graph.nodes
    names = {Name(each) for each in variables}
    stores = [
        index
        for index, node in enumerate(nodes)
        if isinstance(node.instruction, Store) and node.instruction.place in names and again(events, index)
    ]
    for store in stores:
        behind = (_reached(events, each) for each in nodes[store].successors)
        for index in frozenset().union(*behind):
            branch = nodes[index]
            if not isinstance(branch.instruction, Branch) or len(branch.successors) != 2:
                continue
            stays = [store in _reached(events, each) for each in branch.successors]
            if stays.count(True) == 1:
                found[index] = branch.successors[stays.index(False)]
    return found


def _reached(events: EventGraph, start: int) -> frozenset[int]:
    """The nodes that can be come to from ``start``, itself included; kept, as it is asked again and again."""
    key = (reach, start)
    known = events.notes.get(key)
    if not isinstance(known, frozenset):
        known = events.notes[key] = frozenset(reach(events.graph.nodes, start))
    return known
