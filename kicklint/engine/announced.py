"""State that a request announces: learned from its consumer, looked for behind the request.

What a consumer does once its test of request R was true is what R announces: the
members of the vcpu, or of its virtual machine, that are read there and in what is
called from there. A requester that writes one of them after it has made R tells the
vCPU too early (Documentation/virt/kvm/vcpu-requests.rst, "Ensuring Requests Are Seen").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kicklint.base import Finding, Step, StepKind
from kicklint.engine.findings import Draft
from kicklint.engine.world import World
from kicklint.events import Event, EventGraph, Reach, Role
from kicklint.flow import (
    Binary,
    Branch,
    Call,
    Expr,
    Index,
    Load,
    Member,
    Name,
    Node,
    Return,
    Store,
    TableCall,
    Temp,
    Unary,
)
from kicklint.rulebook import Access, Announced, EventKind, RuleInfo

_MAX_LINES = 60

State = tuple[Role, str]
"""A member of the vcpu, or of what hangs on its virtual machine."""


@dataclass(frozen=True, slots=True)
class _Consumer:
    states: frozenset[State]
    locks: frozenset[str]


def announced(world: World, rule: RuleInfo, form: Announced) -> list[Draft]:
    """One draft for every write of state behind the request that announces it."""
    consumers = _consumers(world, form)
    found: dict[object, Draft] = {}
    for key in sorted(world.index.functions):
        if EventKind.REQUEST_MAKE not in world.index.direct(key):
            continue
        graph = world.graph(key)
        for node, event in graph.events.items():
            if event.kind is not EventKind.REQUEST_MAKE or not isinstance(event.request, Name):
                continue
            consumer = consumers.get(world.request_name(event.request.id, world.path(key)))
            if consumer is None or not _kicks(graph, event) or consumer.locks & _locks(graph, form):
                continue
            for other, state in _late(world, graph, node, event, consumer):
                draft = _draft(world, rule, form, graph, event, other, state)
                found.setdefault(draft.key, draft)
    return list(found.values())


def _consumers(world: World, form: Announced) -> dict[str, _Consumer]:
    found: dict[str, _Consumer] = {}
    for key in sorted(world.index.functions):
        if EventKind.REQUEST_CONSUME not in world.index.direct(key):
            continue
        graph = world.graph(key)
        for event in graph.events.values():
            if event.kind is not EventKind.REQUEST_CONSUME or not isinstance(event.request, Name):
                continue
            name = world.request_name(event.request.id, world.path(key))
            region = _where_true(graph, event)
            states: set[State] = set()
            locks: set[str] = set()
            locks |= {name for node in region for name in _lock(graph.graph.nodes[node], form)}
            for node in region:
                states |= set(_read(graph, graph.graph.nodes[node]))
                for target in graph.calls[node].targets if node in graph.calls else ():
                    if world.length(target.function) <= _MAX_LINES:
                        inner = world.graph(target.function)
                        locks |= _locks(inner, form)
                        for each in inner.graph.nodes:
                            states |= set(_read(inner, each))
            before = found.get(name, _Consumer(frozenset(), frozenset()))
            found[name] = _Consumer(before.states | states, before.locks | locks)
    return found


def _where_true(graph: EventGraph, event: Event) -> set[int]:
    """The nodes that are come to only when the request was pending."""
    nodes = graph.graph.nodes
    for index, node in enumerate(nodes):
        instruction = node.instruction
        if isinstance(instruction, Branch) and instruction.condition == Temp(event.dst or 0) and event.dst:
            true, false = node.successors
            return _reach(nodes, true, index) - _reach(nodes, false, index)
    return set()


def _reach(nodes: tuple[Node, ...], start: int, stop: int) -> set[int]:
    seen: set[int] = set()
    pending = [start]
    while pending:
        node = pending.pop()
        if node not in seen and node != stop:
            seen.add(node)
            pending += nodes[node].successors
    return seen


def _members(expr: Expr | None) -> Iterator[Member]:
    if isinstance(expr, Member):
        yield expr
    elif isinstance(expr, Unary):
        yield from _members(expr.operand)
    elif isinstance(expr, Binary):
        yield from _members(expr.left)
        yield from _members(expr.right)
    elif isinstance(expr, Index):
        yield from _members(expr.base)


def _state(graph: EventGraph, member: Member) -> State | None:
    """What ``member`` is to the protocol: a member of a vcpu, or one that its machine leads to."""
    identity = graph.aliases.identity(member.base)
    if identity is not None:
        return identity.role, member.field
    root: Expr = member
    while isinstance(root, Member | Unary | Index):
        if isinstance(root, Member) and root.field == graph.aliases.shape.vm:
            return Role.VM, member.field
        root = root.operand if isinstance(root, Unary) else root.base
    machine = graph.aliases.shape.vm
    return (Role.VM, member.field) if isinstance(root, Name) and root.id == machine else None


def _read(graph: EventGraph, node: Node) -> Iterator[State]:
    instruction = node.instruction
    exprs: tuple[Expr | None, ...] = ()
    if isinstance(instruction, Branch):
        exprs = (instruction.condition,)
    elif isinstance(instruction, Store | Return):
        exprs = (instruction.value,)
    elif isinstance(instruction, Load):
        exprs = (instruction.place,)
    elif isinstance(instruction, Call | TableCall):
        exprs = instruction.args
    for expr in exprs:
        for member in _members(expr):
            state = _state(graph, member)
            if state is not None:
                yield state


def _locks(graph: EventGraph, form: Announced) -> frozenset[str]:
    """The names of the locks that a function takes."""
    return frozenset(name for node in graph.graph.nodes for name in _lock(node, form))


def _lock(node: Node, form: Announced) -> Iterator[str]:
    call = node.instruction
    if isinstance(call, Call) and call.args and any(word in call.name for word in form.locks):
        yield from (member.field for member in _members(call.args[0]))


def _kicks(graph: EventGraph, event: Event) -> bool:
    """Whether the request is for vCPUs that run elsewhere: all of them, or one that is kicked here."""
    return event.reach is Reach.VM or any(each.kind is EventKind.KICK for each in graph.events.values())


def _late(
    world: World, graph: EventGraph, made: int, event: Event, consumer: _Consumer
) -> Iterator[tuple[Node, str]]:
    """The writes of announced state that come after the request and not before it too."""
    nodes = graph.graph.nodes
    after = set().union(*(_reach(nodes, each, -1) for each in nodes[made].successors))
    identity = graph.aliases.identity(event.subject)
    for index in sorted(after):
        place = _written(world, nodes[index])
        if place is None or made in _reach(nodes, index, -1):
            continue
        state = _state(graph, place)
        if state is None or state not in consumer.states:
            continue
        owner = graph.aliases.identity(place.base)
        if state[0] is Role.VCPU and (owner is None or identity is None or owner.root != identity.root):
            continue
        if _again(graph, index, event):
            continue
        if not any(_same(world, graph, each, state) for each in nodes if each.span < nodes[made].span):
            yield nodes[index], graph.aliases.text(place)


def _again(graph: EventGraph, index: int, event: Event) -> bool:
    """Whether another request of the kind follows the write and announces it."""
    return any(
        other.kind is EventKind.REQUEST_MAKE and other.request == event.request and other is not event
        for node in _reach(graph.graph.nodes, index, -1)
        if (other := graph.events.get(node)) is not None
    )


def _same(world: World, graph: EventGraph, node: Node, state: State) -> bool:
    place = _written(world, node)
    return place is not None and _state(graph, place) == state


def _written(world: World, node: Node) -> Member | None:
    instruction = node.instruction
    place: Expr | None = None
    if isinstance(instruction, Store):
        place = instruction.place
    elif isinstance(instruction, Call):
        accessor = world.lexicon.accessors.get(instruction.name)
        bit = world.lexicon.bits.get(instruction.name)
        position = None
        if accessor is not None and accessor.access is not Access.READ:
            position = accessor.place
        elif bit is not None and bit.event is not EventKind.REQUEST_TEST:
            position = bit.place
        if position is not None and position < len(instruction.args):
            place = instruction.args[position]
    while isinstance(place, Unary | Index):
        place = place.operand if isinstance(place, Unary) else place.base
    return place if isinstance(place, Member) else None


def _draft(
    world: World, rule: RuleInfo, form: Announced, graph: EventGraph, event: Event, node: Node, state: str
) -> Draft:
    function = graph.graph.function
    words = {"state": state, "request": event.text}
    message = form.message.format(**words)
    finding = Finding(
        rule=rule.id,
        name=rule.name,
        severity=rule.level,
        message=message,
        span=node.span,
        function=function,
        fingerprint="",
        architectures=(world.architecture,) if world.architecture else (),
        trail=(
            Step(StepKind.EVENT, event.span, function, f"{event.text} makes a request"),
            Step(StepKind.MISSING, node.span, function, f"missing: {form.missing.format(**words)}"),
            Step(StepKind.EVENT, node.span, function, f"{state} is written"),
        ),
        remedy=" ".join(rule.fix.split()),
    )
    return Draft((rule.id, node.span, function), finding)
