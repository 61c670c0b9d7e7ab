"""Whether an expression or an event is one of the vcpu that is tracked."""

from __future__ import annotations

from collections.abc import Mapping

from kicklint.events import Event, EventGraph, Identity, Reach, Role
from kicklint.flow import Expr, Store, show
from kicklint.rulebook import EventKind
from kicklint.typestate.evaluate import Evaluator

# What concerns every vcpu that is tracked, whoever's thread runs it.
_FOR_ANY = (
    EventKind.BARRIER,
    EventKind.FLAG_MAKE,
    EventKind.INTERRUPTS_OFF,
    EventKind.INTERRUPTS_ON,
    EventKind.MASK_TEST,
    EventKind.MASK_SEND,
    EventKind.UNLOGGED,
)


def role_of(events: EventGraph, roles: Mapping[str, Role], expr: Expr | None) -> Role | None:
    """What ``expr`` is to the tracked vcpu, where ``roles`` says what variables are to it."""
    if expr is None:
        return None
    identity = events.aliases.identity(expr) or Identity("=" + show(expr), Role.VCPU)
    bound = roles.get(identity.root)
    if bound is Role.VM:
        return Role.VM if identity.role is Role.VCPU else None
    return identity.role if bound is Role.VCPU else None


def concerns(events: EventGraph, roles: Mapping[str, Role], event: Event, own_thread: bool) -> bool:
    """Whether ``event`` is one of the tracked vcpu."""
    if event.reach is Reach.ANY:
        return own_thread or event.kind in _FOR_ANY
    return role_of(events, roles, event.subject) is (Role.VCPU if event.reach is Reach.VCPU else Role.VM)


def comparison(events: EventGraph, evaluate: Evaluator, node: int) -> str | int | None:
    """Where the store at ``node`` keeps whether a vcpu is the running one, if that is what it keeps."""
    event = events.events.get(node)
    store = events.graph.nodes[node].instruction
    if event is None or event.kind is not EventKind.SELF_TEST or not isinstance(store, Store) or store.op:
        return None
    return evaluate.key(store.place)
