"""What has been done about every vcpu alike, which a variable's next vcpu has behind it too.

When the variable that stands for the tracked vcpu is given another one, what was done
about the one before is over. An event that concerns whatever vcpu there is (a register of
the CPU says that some have been interrupted) holds for the next one as well.
"""

from __future__ import annotations

from collections.abc import Mapping

from kicklint.events import Event, Reach
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
