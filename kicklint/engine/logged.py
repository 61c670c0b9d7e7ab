"""Kinds of request that only ask for the kick, where the interface logs them all the same."""

from __future__ import annotations

from collections.abc import Iterator

from kicklint.base import Span
from kicklint.engine.kinds import leaves
from kicklint.engine.world import World
from kicklint.events import EventGraph, Reach, added
from kicklint.flow import Binary, Branch, Call, Const, Expr, Name, Node, Store, Temp, Unary
from kicklint.rulebook import EventKind

_MAX_DEPTH = 4
_MAX_POINTS = 4096

_Log = tuple[Span, str, str]
_Known = frozenset[tuple[Name | Temp, Const]]


def logged(world: World) -> Iterator[tuple[str, Span, str, str]]:
    """A kind, the place, its function and its text, where a kind without action would be logged.

    The functions that make a request of every vcpu of a machine may be handed such kinds, if
    there are any, and have to ask for them before they log what they are handed.
    """
    prefix = world.lexicon.vocabulary.vcpu.request_prefix
    macros = sorted((name, found[0].span.path) for name, found in world.index.macros.items())
    named = [each for each in macros if each[0].startswith(prefix)]
    kinds = [name for name, path in named if world.request_kind(name, path) == "no-action"]
    if not kinds:
        return
    seen: dict[_Log, None] = {}
    for name, entries in sorted(world.lexicon.calls.items()):
        if any(each.event is EventKind.REQUEST_MAKE and each.vm is not None for each in entries):
            seen.update(dict.fromkeys(_called(world, name, "", _MAX_DEPTH)))
    for log in seen:
        yield kinds[0], *log


def _called(world: World, name: str, path: str, depth: int) -> Iterator[_Log]:
    """What the function ``name`` of the interface logs of the kind that it is handed."""
    positions = {each.request for each in world.lexicon.calls[name]} - {None}
    for key in world.index.resolve(name, path):
        parameters = world.parameters(key)
        for position in positions:
            if position is not None and position < len(parameters):
                yield from _logs(world, key, parameters[position], depth)


def _logs(world: World, key: str, parameter: str, depth: int) -> Iterator[_Log]:
    """Where ``key`` logs the kind ``parameter`` although it asks for no action, or what it calls does."""
    graph = world.graph(key)
    for node in sorted(_unasked(graph, parameter)):
        event = graph.events.get(node)
        if event is not None and event.kind is EventKind.REQUEST_MAKE:
            if parameter not in leaves(graph, event.request):
                continue
            if event.reach is Reach.VCPU:
                yield event.span, graph.graph.function, event.text
            elif depth:
                yield from _called(world, event.how, world.path(key), depth - 1)
        site = graph.calls.get(node)
        for target in site.targets if site is not None and depth else ():
            for name, argument in zip(world.parameters(target.function), target.args, strict=False):
                if name and parameter in leaves(graph, argument):
                    yield from _logs(world, target.function, name, depth - 1)


def _unasked(graph: EventGraph, parameter: str) -> set[int]:
    """The nodes of ``graph`` that are come to with a ``parameter`` that asks for no action.

    What stands behind a condition that somebody else decides by the kind is left out.
    """
    seen: set[tuple[int, _Known]] = set()
    pending: list[tuple[int, _Known]] = [(0, frozenset())]
    while pending and len(seen) < _MAX_POINTS:
        point = pending.pop()
        if point not in seen:
            seen.add(point)
            node = graph.graph.nodes[point[0]]
            known = _stored(node, point[1])
            pending += [(each, known) for each in _onward(graph, node, parameter, dict(known))]
    return {index for index, _ in seen}


def _stored(node: Node, known: _Known) -> _Known:
    """``known``, the variables that are a number, behind ``node``."""
    store = node.instruction
    if not isinstance(store, Store) or not isinstance(store.place, Name | Temp):
        return known
    value = dict(known).get(store.value) if isinstance(store.value, Name | Temp) else store.value
    rest = frozenset(each for each in known if each[0] != store.place)
    return rest | {(store.place, value)} if isinstance(value, Const) and not store.op else rest


def _onward(
    graph: EventGraph, node: Node, parameter: str, known: dict[Name | Temp, Const]
) -> tuple[int, ...]:
    """Where ``node`` goes on for a ``parameter`` that asks for no action."""
    if not isinstance(node.instruction, Branch) or len(node.successors) < 2:
        return node.successors
    condition, sense = unwrapped(node.instruction.condition)
    if isinstance(condition, Name | Temp) and condition in known:
        return (node.successors[0 if (known[condition].value != 0) is sense else 1],)
    if isinstance(condition, Name):
        condition, also = unwrapped(graph.aliases.resolved(condition))
        sense = sense is also
    if isinstance(condition, Temp):
        source = graph.aliases.results.get(condition.index)
        asked = isinstance(source, Call) and any(parameter in leaves(graph, each) for each in source.args)
        return () if asked else node.successors
    if isinstance(condition, Binary) and condition.op == "&":
        for kind, flags in ((condition.left, condition.right), (condition.right, condition.left)):
            if graph.aliases.shape.no_action in added(flags) and parameter in leaves(graph, kind):
                return (node.successors[0 if sense else 1],)
    return node.successors


def unwrapped(condition: Expr) -> tuple[Expr, bool]:
    """What ``condition`` is about, and whether it is true when that is not zero."""
    sense = True
    while True:
        if isinstance(condition, Unary) and condition.op in ("!", "!!"):
            sense = sense is (condition.op == "!!")
            condition = condition.operand
        elif isinstance(condition, Binary) and condition.op in ("==", "!=") and condition.right == Const(0):
            sense = sense is (condition.op == "!=")
            condition = condition.left
        else:
            return condition, sense
