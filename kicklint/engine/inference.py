"""Guest entries of an architecture that the rulebook has no data about.

The entry is a call that can follow an IN_GUEST_MODE write before the mode is written
again, of a function that no C file defines. Much else is called there, so what
speaks for a candidate is weighed: a symbol of the architecture's assembly, a
declaration in its headers, and being handed the vcpu.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kicklint.engine.world import World
from kicklint.events import Identity, Role
from kicklint.flow import Call, ControlFlowGraph, Expr, Member, Name, TableCall
from kicklint.rulebook import EventKind

_SYMBOL = re.compile(
    rb"^\s*(?:(?:SYM\w*_START\w*|ENTRY|GLOBAL|_GLOBAL\w*|LEAF|NESTED|FEXPORT|EXPORT)\s*\(\s*(\w+)|(\w+)\s*:)",
    re.MULTILINE,
)
_MAX_DEPTH = 6


def infer_entries(world: World) -> tuple[str, ...]:
    """The names of functions or members whose call enters the guest; () when known or none."""
    writers = [
        key
        for key in world.holders(EventKind.MODE_WRITE, "")
        if any(_is_in(world, key, node) for node in world.graph(key).events)
    ]
    if not writers or _known_entry(world):
        return ()
    symbols = _assembly(world)
    best: dict[str, int] = {}
    for key in writers:
        for start in [node for node in world.graph(key).events if _is_in(world, key, node)]:
            for name, weight in _candidates(world, key, start, symbols, 0, set()):
                best[name] = max(best.get(name, 0), weight)
    if not best:
        return ()
    highest = max(best.values())
    return tuple(sorted(name for name, weight in best.items() if weight == highest))


def _known_entry(world: World) -> bool:
    """Whether the rulebook's entries occur in this world at all."""
    if world.resuming():
        return True
    return any(EventKind.GUEST_ENTRY in world.index.direct(key) for key in world.index.functions)


def _is_in(world: World, key: str, node: int) -> bool:
    event = world.graph(key).events[node]
    if event.kind is not EventKind.MODE_WRITE or not isinstance(event.value, Name) or event.atomic:
        return False
    return world.mode_name(world.constant(event.value.id)) == "IN_GUEST_MODE"


def _assembly(world: World) -> frozenset[str]:
    found: set[str] = set()
    for path in world.paths:
        if path.endswith(".S"):
            for macro, label in _SYMBOL.findall(world.tree.read(path)):
                found.add((macro or label).decode("ascii", "replace"))
    return frozenset(found)


def _candidates(
    world: World, key: str, start: int | None, symbols: frozenset[str], depth: int, seen: set[str]
) -> Iterator[tuple[str, int]]:
    """Calls of undefined functions after ``start`` (None: from the entry), with their weights."""
    events = world.graph(key)
    for node in _after(events.graph, start, world, key):
        instruction = events.graph.nodes[node].instruction
        if not isinstance(instruction, Call | TableCall) or node in events.events:
            continue
        site = events.calls.get(node)
        targets = site.targets if site is not None else ()
        for target in targets:
            if depth < _MAX_DEPTH and target.function not in seen:
                seen.add(target.function)
                yield from _candidates(world, target.function, None, symbols, depth + 1, seen)
        if not targets:
            yield from _weigh(world, key, instruction, symbols)


def _after(graph: ControlFlowGraph, start: int | None, world: World, key: str) -> Iterator[int]:
    """The nodes that can follow ``start`` before the mode is written again."""
    pending = list(graph.nodes[start].successors) if start is not None else [0]
    seen: set[int] = set()
    while pending:
        node = pending.pop()
        if node in seen:
            continue
        seen.add(node)
        event = world.graph(key).events.get(node)
        if event is not None and event.kind is EventKind.MODE_WRITE:
            continue
        yield node
        pending.extend(graph.nodes[node].successors)


def _weigh(
    world: World, key: str, call: Call | TableCall, symbols: frozenset[str]
) -> Iterator[tuple[str, int]]:
    name = call.member if isinstance(call, TableCall) else call.name
    if isinstance(call, Call) and not name and isinstance(call.callee, Member):
        name = call.callee.field
    macros = world.lexicon.macros
    ignored = {*macros.transparent, *macros.opaque, *macros.noreturn, *macros.fatal}
    if not name or name in ignored or name in world.index.macros or name in world.lexicon.accessors:
        return
    if name.startswith("trace_") or name in world.index.by_name:
        return
    vcpu = any(_is_vcpu(world, key, argument) for argument in call.args)
    weight = 0
    if name in symbols:
        weight += 4
    if name in world.special_prototypes:
        weight += 2
    if vcpu:
        weight += 2
    if weight >= 2 and (vcpu or name in symbols):
        yield name, weight


def _is_vcpu(world: World, key: str, argument: Expr) -> bool:
    identity: Identity | None = world.graph(key).aliases.identity(argument)
    if identity is None or identity.role is not Role.VCPU:
        return False
    graph = world.flow(key)
    types = {each.name: each.type for each in (*graph.parameters, *graph.locals)}
    return world.lexicon.vocabulary.vcpu.type in types.get(identity.root, "")
