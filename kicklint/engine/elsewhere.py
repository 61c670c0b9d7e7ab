"""Whether a request is for a vcpu that may run on another CPU, and not for the thread's own."""

from __future__ import annotations

from collections.abc import Iterable

from kicklint.engine.world import World
from kicklint.events import EventGraph, Role
from kicklint.flow import Expr, reach
from kicklint.rulebook import EventKind

# A longer function is not looked into for a kick by hand.
_MAX_LINES = 60
# Nobody kicks, wakes or interrupts the vcpu that runs the code.
_TOLD = frozenset({EventKind.KICK, EventKind.WAKE, EventKind.IPI})


def told(world: World, graph: EventGraph, starts: Iterable[int], root: str) -> bool:
    """Whether from ``starts`` on somebody is kicked, or the vcpu ``root`` woken or interrupted by hand."""
    nodes = graph.graph.nodes
    behind = set().union(*(reach(nodes, each) for each in starts))
    for node in behind:
        event = graph.events.get(node)
        if event is not None and (
            event.kind is EventKind.KICK or (event.kind in _TOLD and _root(graph, event.subject) == root)
        ):
            return True
        site = graph.calls.get(node)
        for target in site.targets if site is not None else ():
            short = world.length(target.function) <= _MAX_LINES
            handed = any(_root(graph, each) == root for each in target.args)
            if short and handed and _TOLD & world.index.direct(target.function):
                return True
    return False


def located(graph: EventGraph, node: int, root: str) -> bool:
    """Whether it is asked before ``node`` on which CPU the vcpu ``root`` is: it may be this one."""
    return any(
        event.kind is EventKind.CPU_READ
        and _root(graph, event.subject) == root
        and node in reach(graph.graph.nodes, each)
        for each, event in graph.events.items()
    )


def told_above(world: World, function: str) -> bool:
    """Whether a caller kicks somebody, in the call of ``function`` or behind it."""
    for caller in world.index.leading_to(function):
        if caller.startswith("#"):
            continue
        graph = world.graph(caller)
        for node, site in graph.calls.items():
            called = any(target.function == function for target in site.targets)
            if called and any(
                graph.events[each].kind is EventKind.KICK
                for each in reach(graph.graph.nodes, node) & graph.events.keys()
            ):
                return True
    return False


def _root(graph: EventGraph, expr: Expr | None) -> str:
    """The variable that the vcpu ``expr`` belongs to; "" for no vcpu."""
    identity = graph.aliases.identity(expr)
    return identity.root if identity is not None and identity.role is Role.VCPU else ""
