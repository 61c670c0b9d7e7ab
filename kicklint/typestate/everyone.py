"""What has been done about every vcpu alike, which a variable's next vcpu has behind it too.

When the variable that stands for the tracked vcpu is given another one, what was done
about the one before is over. An event that concerns whatever vcpu there is (a register of
the CPU says that some have been interrupted) holds for the next one as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kicklint.events import Event, EventGraph, Reach
from kicklint.flow import Branch, Name, Store
from kicklint.rulebook import Thread
from kicklint.typestate.evaluate import Valuation
from kicklint.typestate.forgetting import with_value
from kicklint.typestate.machine import Machine, ProtocolState
from kicklint.typestate.values import Symbol

_EVERYONE = "@everyone"


def noted(machine: Machine, event: Event, attributes: Mapping[str, str], known: Valuation) -> Valuation:
    """``known`` with the state of a vcpu of which nothing but events about all of them is known."""
    if event.reach is not Reach.ANY or machine.automaton.thread is not Thread.ANY:
        return known
    before = next_state(machine, known)
    after, index = machine.step(before, event.kind, attributes, frozenset())
    if after.state == before.state or (index is not None and machine.automaton.transition[index].message):
        return known
    return with_value(known, _EVERYONE, Symbol(after.state))


def next_state(machine: Machine, known: Valuation) -> ProtocolState:
    """The state in which the next vcpu of a variable begins."""
    said = known.get(_EVERYONE)
    return machine.initial._replace(state=said.name) if isinstance(said, Symbol) else machine.initial


def again(events: EventGraph, node: int) -> bool:
    """Whether ``node`` is in a loop, where a variable stands for one vcpu after the other."""
    return node in _reached(events, events.graph.nodes[node].successors)


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
        for index in _reached(events, nodes[store].successors):
            branch = nodes[index]
            if not isinstance(branch.instruction, Branch) or len(branch.successors) != 2:
                continue
            stays = [store in _reached(events, (each,)) for each in branch.successors]
            if stays.count(True) == 1:
                found[index] = branch.successors[stays.index(False)]
    return found


def _reached(events: EventGraph, starts: tuple[int, ...]) -> frozenset[int]:
    """The nodes that can be come to from ``starts``, themselves included."""
    key = ("reached", starts)
    known = events.notes.get(key)
    if not isinstance(known, frozenset):
        seen: set[int] = set()
        pending = list(starts)
        while pending:
            at = pending.pop()
            if at not in seen:
                seen.add(at)
                pending += events.graph.nodes[at].successors
        known = events.notes[key] = frozenset(seen)
    return known
