"""Guest entries of an architecture that the rulebook has no data about.

The entry is a call that can follow an IN_GUEST_MODE write before the mode is written
again, of a function that no C file defines. Much else is called there, so what
speaks for a candidate is weighed: a symbol of the architecture's assembly, a
declaration in its headers, being handed the vcpu, standing between the calls that
tell the kernel of the guest, and its name. The heaviest are taken.
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
_MAX_ANNOUNCEMENTS = 64
_ANNOUNCED = "IN_GUEST_MODE"


def infer_entries(world: World) -> tuple[str, ...]:
    """The names of functions or members whose call enters the guest; () when known or none."""
    starts = _announcements(world)
    if not starts or world.enters():
        return ()
    symbols = _assembly(world)
    best: dict[str, int] = {}
    for key, start in starts:
        for name, weight in _candidates(world, key, start, symbols, 0, set()):
            best[name] = max(best.get(name, 0), weight)
    if not best:
        return ()
    highest = max(best.values())
    return tuple(sorted(name for name, weight in best.items() if weight == highest))


def announces(world: World) -> bool:
    """Whether some vCPU of this world ever announces that it enters the guest."""
    return bool(_announcements(world))


def _announcements(world: World) -> list[tuple[str, int]]:
    """Where the entry is announced: writes of the mode, and calls of functions that make them.

    A function that returns with the mode written announces the entry for its callers.
    """
    found: dict[tuple[str, int], None] = {}
    pending = [
        (key, node)
        for key in world.holders(EventKind.MODE_WRITE, "")
        for node in range(len(world.flow(key).nodes))
        if _is_in(world, key, node)
    ]
    while pending:
        key, node = pending.pop(0)
        if (key, node) in found or len(found) >= _MAX_ANNOUNCEMENTS:
            continue
        found[key, node] = None
        if world.flow(key).exit in set(_after(world.flow(key), node, world, key)):
            for caller in world.callers(key):
                sites = world.graph(caller).calls.items()
                pending += [
                    (caller, site)
                    for site, call in sites
                    if any(target.function == key for target in call.targets)
                ]
    return list(found)


def _is_in(world: World, key: str, node: int) -> bool:
    """Whether the node writes IN_GUEST_MODE, or hands it to a function that writes what it is given."""
    event = world.graph(key).events.get(node)
    if event is not None:
        return event.kind is EventKind.MODE_WRITE and not event.atomic and _names_in(world, key, event.value)
    site = world.graph(key).calls.get(node)
    accessor = f"{EventKind.MODE_WRITE}:*"
    return site is not None and any(
        accessor in world.may(target.function) and any(_names_in(world, key, each) for each in target.args)
        for target in site.targets
    )


def _names_in(world: World, key: str, value: Expr | None) -> bool:
    if not isinstance(value, Name):
        return False
    return world.mode_name(world.constant(value.id, world.path(key))) == _ANNOUNCED


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
            yield from _weigh(world, key, node, symbols)


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


def _weigh(world: World, key: str, node: int, symbols: frozenset[str]) -> Iterator[tuple[str, int]]:
    call = world.graph(key).graph.nodes[node].instruction
    assert isinstance(call, Call | TableCall)
    name = call.member if isinstance(call, TableCall) else call.name
    if isinstance(call, Call) and not name and isinstance(call.callee, Member):
        name = call.callee.field
    hints = world.rulebook.inference
    if not name or name in _never(world) or name.startswith(hints.ignored) or name in world.index.by_name:
        return
    vcpu = any(_is_vcpu(world, key, argument) for argument in call.args)
    if not vcpu and name not in symbols:
        return
    weight = 2 * vcpu
    weight += 4 * (name in symbols)
    weight += 2 * (name in world.special_prototypes)
    weight += 4 * _between(world, key, node)
    weight += 2 * any(hint in name for hint in hints.hints)
    yield name, weight


def _never(world: World) -> set[str]:
    macros = world.lexicon.macros
    names = {*macros.transparent, *macros.opaque, *macros.noreturn, *macros.fatal}
    hints = world.rulebook.inference
    return {*names, *world.index.macros, *world.lexicon.accessors, *hints.enter, *hints.exit}


def _between(world: World, key: str, node: int) -> bool:
    """Whether ``node`` stands between the calls that tell the kernel of the guest."""
    graph = world.flow(key)
    hints = world.rulebook.inference
    return node in _reached(graph, _calls(graph, hints.enter)) and bool(
        _calls(graph, hints.exit) & _reached(graph, {node})
    )


def _calls(graph: ControlFlowGraph, names: tuple[str, ...]) -> set[int]:
    return {
        index
        for index, node in enumerate(graph.nodes)
        if isinstance(node.instruction, Call) and node.instruction.name in names
    }


def _reached(graph: ControlFlowGraph, starts: set[int]) -> set[int]:
    pending = [successor for start in starts for successor in graph.nodes[start].successors]
    seen: set[int] = set()
    while pending:
        node = pending.pop()
        if node not in seen:
            seen.add(node)
            pending.extend(graph.nodes[node].successors)
    return seen


def _is_vcpu(world: World, key: str, argument: Expr) -> bool:
    identity: Identity | None = world.graph(key).aliases.identity(argument)
    if identity is None or identity.role is not Role.VCPU:
        return False
    graph = world.flow(key)
    types = {each.name: each.type for each in (*graph.parameters, *graph.locals)}
    return world.lexicon.vocabulary.vcpu.type in types.get(identity.root, "")
