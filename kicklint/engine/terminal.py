"""Kinds of request that end the machine: whoever finds one pending leaves with an error, and it stays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from kicklint.engine.call_sites import call_sites
from kicklint.engine.kinds import Named
from kicklint.engine.logged import unwrapped
from kicklint.engine.world import World
from kicklint.events import EventGraph
from kicklint.flow import (
    Binary,
    Branch,
    Call,
    Const,
    Expr,
    Load,
    Name,
    Node,
    Return,
    Store,
    TableCall,
    Temp,
    Unary,
)
from kicklint.rulebook import EventKind
from kicklint.typestate import compare, exactly

_MAX_POINTS = 4096
_MAX_CALLERS = 3
# So many callers up from a test the guest has to be entered, or it is no test of the run loop.
_NEAR = 2

# A number stands for all of its sign: -1 for an error, 1 for what is true.
_ERROR, _TRUE = -1, 1
_Known = frozenset[tuple[Name | Temp, int]]


def terminal(world: World, tests: Iterable[Named]) -> frozenset[str]:
    """The kinds of ``tests`` that are meant to stay pending for ever.

    Every test of one leads out of its function with an error, so that the vcpu does not come to
    the guest any more and says so, and one of them stands in the run loop.
    """
    by_name: dict[str, list[Named]] = defaultdict(list)
    for each in tests:
        by_name[each.name].append(each)
    return frozenset(
        name
        for name, found in by_name.items()
        if any(_near_entry(world, each.function, _NEAR) for each in found)
        and all(
            each.by == (each.function, each.at) and _gives_up(world, *each.by, _MAX_CALLERS) for each in found
        )
    )


def _near_entry(world: World, function: str, callers: int) -> bool:
    """Whether ``function`` may enter the guest, or one that calls it so many ``callers`` up."""
    if EventKind.GUEST_ENTRY in world.may(function) or not world.enters():
        return True
    return callers > 0 and any(_near_entry(world, each, callers - 1) for each in world.callers(function))


def _gives_up(world: World, function: str, node: int, callers: int) -> bool:
    """Whether ``function`` returns an error wherever the call at ``node`` gave something that is true.

    One that only says so to its callers has to have callers that do.
    """
    found = _returned(world.graph(function), node)
    if not found or not found <= {_ERROR, _TRUE}:
        return False
    if found == {_ERROR}:
        return True
    above = call_sites(world, function)
    return bool(above) and callers > 0 and all(_gives_up(world, *each, callers - 1) for each in above)


def _returned(graph: EventGraph, node: int) -> set[int | None]:
    """The signs of what is returned behind the call at ``node`` when that gave something true; None: any."""
    call = graph.graph.nodes[node].instruction
    if not isinstance(call, Call | TableCall | Load):
        return {None}
    found: set[int | None] = set()
    seen: set[tuple[int, _Known]] = set()
    start = frozenset({(Temp(call.dst), _TRUE)})
    pending: list[tuple[int, _Known]] = [(each, start) for each in graph.graph.nodes[node].successors]
    while pending:
        point = pending.pop()
        if point in seen or point[0] == node:
            continue
        if len(seen) > _MAX_POINTS:
            return {None}
        seen.add(point)
        here = graph.graph.nodes[point[0]]
        known = dict(point[1])
        if isinstance(here.instruction, Return):
            found.add(_sign(here.instruction.value, known))
        elif point[0] == graph.graph.exit:
            found.add(None)
        else:
            pending += [(each, frozenset(known.items())) for each in _onward(here, known)]
    return found


def _onward(node: Node, known: dict[Name | Temp, int]) -> Iterator[int]:
    """Where ``node`` goes on, with what it changes put into ``known``."""
    instruction = node.instruction
    if isinstance(instruction, Store) and isinstance(instruction.place, Name | Temp):
        sign = None if instruction.op else _sign(instruction.value, known)
        known.pop(instruction.place, None)
        if sign is not None:
            known[instruction.place] = sign
    elif isinstance(instruction, Call | TableCall | Load):
        known.pop(Temp(instruction.dst), None)
    outcome = _outcome(instruction.condition, known) if isinstance(instruction, Branch) else None
    for successor, way in zip(node.successors, (True, False), strict=False):
        if outcome is None or outcome is way:
            yield successor
    yield from node.successors[2:]


def _outcome(condition: Expr, known: dict[Name | Temp, int]) -> bool | None:
    """How ``condition`` comes out, as far as the signs say."""
    asked, sense = unwrapped(condition)
    if isinstance(asked, Binary) and asked.right == Const(0):
        sign = _sign(asked.left, known)
        outcome = None if sign is None else compare(asked.op, exactly(sign), exactly(0))
    else:
        sign = _sign(asked, known)
        outcome = None if sign is None else sign != 0
    return outcome if outcome is None or sense else not outcome


def _sign(expr: Expr | None, known: dict[Name | Temp, int]) -> int | None:
    """The sign of ``expr``, or None. A named constant, as an error's number is, is above zero."""
    match expr:
        case Const(value):
            return (value > 0) - (value < 0)
        case Unary("-", operand):
            if isinstance(operand, Name) and operand not in known and operand.id.isupper():
                return _ERROR
            sign = _sign(operand, known)
            return None if sign is None else -sign
        case Unary("!!", operand):
            sign = _sign(operand, known)
            return None if sign is None else abs(sign)
        case Unary("!", operand):
            sign = _sign(operand, known)
            return None if sign is None else int(sign == 0)
        case Name() | Temp():
            return known.get(expr)
    return None
