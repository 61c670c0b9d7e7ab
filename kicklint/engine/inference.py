"""Guest entries of an architecture that the rulebook has no data about, or whose data is out of date.

The entry is a call that can follow an IN_GUEST_MODE write before the mode is written
again, of a function that no C file defines. Much else is called there, so what
speaks for a candidate is weighed: a symbol of the architecture's assembly, a
declaration in its headers, being handed the vcpu, standing between the calls that
tell the kernel of the guest, and its name. The heaviest are taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kicklint.engine.call_sites import call_sites
from kicklint.engine.sources import Sources
from kicklint.engine.world import World
from kicklint.events import Identity, Role
from kicklint.flow import (
    Binary,
    Branch,
    Call,
    ControlFlowGraph,
    Expr,
    Index,
    Instruction,
    Member,
    Name,
    Return,
    Store,
    TableCall,
    Temp,
    Unary,
)
from kicklint.rulebook import EventKind, Rulebook

_SYMBOL = re.compile(
    rb"^\s*(?:(?:SYM\w*_START\w*|ENTRY|GLOBAL|_GLOBAL\w*|LEAF|NESTED|FEXPORT|EXPORT)\s*\(\s*(\w+)|(\w+)\s*:)",
    re.MULTILINE,
)
_MAX_DEPTH = 6
_MAX_ANNOUNCEMENTS = 64
_ANNOUNCED = "IN_GUEST_MODE"


def open_world(architecture: str, rulebook: Rulebook, sources: Sources, like: World | None = None) -> World:
    """The world of ``architecture``, its guest entries inferred where the rulebook has none.

    ``like`` is one of the same architecture that has most of its files.
    """
    world = World(architecture, rulebook, sources, like)
    inferred = infer_entries(world)
    if inferred:
        world.use_entries(inferred)
    return world


def infer_entries(world: World) -> tuple[str, ...]:
    """The names of functions or members whose call enters the guest; () when known or none.

    A tree whose code calls none of those that the rulebook names has given its entry another name.
    Where a hypervisor stands between that and the guest, what C calls last is none.
    """
    known = world.rulebook.architecture(world.architecture)
    if known is not None and (known.apart or world.calls_entry()):
        return ()
    starts = _announcements(world)
    if not starts:
        return ()
    symbols = _assembly(world)
    best: dict[str, int] = {}
    for key, start in starts:
        for name, weight in _candidates(world, key, start, symbols, 0, set()):
            best[name] = max(best.get(name, weight), weight)
    if not best:
        return ()
    highest = max(best.values())
    return _one_of_a_chain(world, starts, [name for name in best if best[name] == highest])


def _one_of_a_chain(world: World, starts: list[tuple[str, int]], names: list[str]) -> tuple[str, ...]:
    """Of equally likely names that follow one another on one way the last: a way has one entry.

    The last, because a test of the requests stands before all of them or it does not
    stand before the entry.
    """
    kept = set(names)
    for key, start in starts:
        graph = world.flow(key)
        called = {}
        for node in _after(graph, start, world, key):
            name = _called_name(graph.nodes[node].instruction)
            if name in kept:
                called[node] = name
        for node, name in called.items():
            onward = _after(graph, node, world, key)
            followed = {called[other] for other in onward if other in called} - {name}
            if followed and not _leads_back(world, key, called, followed, name):
                kept.discard(name)
    return tuple(sorted(kept or names))


def _leads_back(world: World, key: str, called: dict[int, str], names: set[str], name: str) -> bool:
    """Whether ``name`` can follow all of ``names`` again (they are in one loop)."""
    graph = world.flow(key)
    return all(
        any(
            called.get(node) == name
            for start in called
            if called[start] == other
            for node in _after(graph, start, world, key)
        )
        for other in names
    )


def _called_name(instruction: Instruction) -> str:
    if isinstance(instruction, TableCall):
        return instruction.member
    if isinstance(instruction, Call):
        if not instruction.name and isinstance(instruction.callee, Member):
            return instruction.callee.field
        return instruction.name
    return ""


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
            pending += call_sites(world, key)
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
    if isinstance(value, Temp):
        source = world.graph(key).aliases.results.get(value.index)
        return isinstance(source, list) and any(_names_in(world, key, each) for each in source)
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
    name = _called_name(call)
    hints = world.rulebook.inference
    if not name or name in _never(world) or name.startswith(hints.ignored) or name in world.index.by_name:
        return
    words = set(name.strip("_").split("_"))
    vcpu = any(_is_vcpu(world, key, argument) for argument in call.args)
    used = call.dst in _used(world.flow(key))
    hinted = bool(words & set(hints.hints))
    between = _between(world, key, node)
    if not (vcpu or name in symbols or (used and (hinted or between))):
        return
    weight = 2 * vcpu + 4 * (name in symbols) + 2 * (name in world.special_prototypes)
    weight += 4 * between + 3 * used + 3 * hinted + name.startswith("__")
    weight -= 3 * bool(words & set(hints.against))
    yield name, weight


def _used(graph: ControlFlowGraph) -> set[int]:
    """The results that something is done with."""
    found: set[int] = set()
    for node in graph.nodes:
        pending = list(_operands(node.instruction))
        while pending:
            each = pending.pop()
            match each:
                case Temp(index):
                    found.add(index)
                case Unary(_, operand) | Member(operand, _):
                    pending.append(operand)
                case Binary(_, left, right) | Index(left, right):
                    pending += [left, right]
    return found


def _operands(instruction: Instruction) -> tuple[Expr, ...]:
    match instruction:
        case Call(_, _, callee, args):
            return (callee, *args)
        case TableCall(_, _, args):
            return args
        case Store(_, value, _) | Return(value) if value is not None:
            return (value,)
        case Branch(condition):
            return (condition,)
    return ()


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
