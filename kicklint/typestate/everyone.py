"""What has been done about every vcpu alike, which a variable's next vcpu has behind it too.

When the variable that stands for the tracked vcpu is given another one, what was done
about the one before is over. An event that concerns whatever vcpu there is (a register of
the CPU says that some have been interrupted) holds for the next one as well. So does
what a loop over all of them has done to each.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from kicklint.base import Span
from kicklint.events import Event, EventGraph, Reach, Role
from kicklint.flow import Binary, Call, Expr, Name
from kicklint.rulebook import EventKind, Thread
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


def looked_at(events: EventGraph, head: int, roles: Collection[str]) -> bool:
    """Whether the loop that begins at ``head`` gives one of ``roles`` all vcpus of a machine."""
    nodes = events.graph.nodes
    call = nodes[nodes[head].successors[0]].instruction
    return (
        isinstance(call, Call)
        and call.name in events.aliases.shape.loops
        and any(isinstance(each, Name) and each.id in roles for each in call.args)
    )


def after_round(machine: Machine, state: str, known: Valuation) -> Valuation:
    """``known`` where a round of a loop over all vcpus has ended in ``state``."""
    return with_value(known, _EVERYONE, Symbol(state)) if state in machine.automaton.everyone else known


def compared(condition: Expr, span: Span, roles: Mapping[str, Role], handed: frozenset[str]) -> Event | None:
    """A comparison of a vcpu that was looked up with one of ``handed``, which the function was given.

    Where both are the same, it is as likely as not the one whose thread this is.
    """
    if not isinstance(condition, Binary):
        return None
    sides = (condition.left, condition.right)
    names = [each.id for each in sides if isinstance(each, Name)]
    if condition.op not in ("==", "!=") or len(names) != len(sides):
        return None
    tracked = [each for each in names if roles.get(each) is Role.VCPU]
    if len(tracked) != 1 or not (handed - set(tracked)) & set(names):
        return None
    text = f"{names[0]} {condition.op} {names[1]}"
    return Event(EventKind.SELF_TEST, Reach.VCPU, Name(tracked[0]), span, text, how=condition.op, forks=True)
