"""Where kinds of request are named: at the request's own function, or handed on to it by helpers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kicklint.base import Span
from kicklint.engine.world import World
from kicklint.events import EventGraph
from kicklint.flow import Binary, Const, Expr, Name, Temp, Unary
from kicklint.rulebook import EventKind

_KINDS = frozenset({EventKind.REQUEST_MAKE, EventKind.REQUEST_TEST, EventKind.REQUEST_CONSUME})
_MAX_STEPS = 64


@dataclass(frozen=True, slots=True)
class Named:
    """A kind of request, ``name``, that is made, tested or consumed (``event``).

    It is named at node ``at`` of ``function``; the request itself is at ``by``, in this
    function or in one that the kind is handed on to. ``name`` is "" where it is worked out
    at run time.
    """

    name: str
    event: EventKind
    function: str
    at: int
    by: tuple[str, int]
    span: Span
    text: str


def named(world: World) -> Iterator[Named]:
    """Every place in ``world`` where a kind of request is named."""
    pending: list[tuple[str, str, EventKind, tuple[str, int]]] = []
    for key in sorted(world.index.functions):
        if not world.index.direct(key) & _KINDS or _replaced(world, key):
            continue
        graph = world.graph(key)
        for node, event in graph.events.items():
            if event.kind not in _KINDS:
                continue
            for leaf in leaves(graph, event.request):
                if leaf not in graph.aliases.parameters:
                    name = world.request_name(leaf, world.path(key))
                    yield Named(name, event.kind, key, node, (key, node), event.span, event.text)
                elif not world.implements(key):
                    pending.append((key, leaf, event.kind, (key, node)))
    yield from _handed(world, pending)


def _replaced(world: World, key: str) -> bool:
    """Whether the architecture has a function of its own in the place of ``key``."""
    function = world.index.functions[key]
    return not function.static and key not in world.index.resolve(function.name, "")


def _handed(world: World, pending: list[tuple[str, str, EventKind, tuple[str, int]]]) -> Iterator[Named]:
    """What the callers hand to the parameters in ``pending``: (function, parameter, event, request)."""
    seen: dict[tuple[str, str, EventKind, tuple[str, int]], None] = dict.fromkeys(pending)
    for each in pending:  # it grows
        key, parameter, event, by = each
        position = world.parameters(key).index(parameter)
        for caller in world.callers(key):
            if world.path(key) in world.incompatible(caller):
                continue  # the two are never in one kernel
            graph = world.graph(caller)
            for node, site in graph.calls.items():
                for target in site.targets:
                    if target.function != key or position >= len(target.args):
                        continue
                    for leaf in leaves(graph, target.args[position]):
                        above = (caller, leaf, event, by)
                        if leaf not in graph.aliases.parameters:
                            name = world.request_name(leaf, world.path(caller))
                            span = graph.graph.nodes[node].span
                            yield Named(name, event, caller, node, by, span, site.text)
                        elif above not in seen:
                            seen[above] = None
                            pending.append(above)


def leaves(graph: EventGraph, expr: Expr | None) -> tuple[str, ...]:
    """The names that ``expr`` may be: constants, parameters, and "" for what is worked out at run time."""
    if isinstance(expr, Const):
        return ()  # a bit without a name
    found: dict[str, None] = {}
    seen: set[Expr] = set()
    pending: list[Expr] = [expr] if expr is not None else []
    while pending and len(seen) < _MAX_STEPS:
        each = pending.pop()
        if each in seen:
            continue
        seen.add(each)
        if isinstance(each, Name):
            given = graph.aliases.assigned.get(each.id, [])
            constant = each.id not in graph.aliases.known or each.id in graph.aliases.parameters
            if not given or constant:
                found[each.id if constant else ""] = None
            pending += given
        elif isinstance(each, Temp):
            source = graph.aliases.results.get(each.index)
            if isinstance(source, list):
                pending += source
            else:
                found[""] = None
        elif isinstance(each, Binary) and each.op == "&":
            pending.append(each.left)
        elif isinstance(each, Unary) and each.op == "*":
            pending.append(each.operand)
        elif not isinstance(each, Const):
            found[""] = None
    return tuple(found)
