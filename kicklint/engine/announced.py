"""State that a request announces, looked for behind the request.

A requester that writes what the consumer of request R reads (consumers.py) after it has
made R tells the vCPU too early (Documentation/virt/kvm/vcpu-requests.rst, "Ensuring
Requests Are Seen"). Both may be done by helpers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from kicklint.base import Finding, Step, StepKind
from kicklint.engine.consumers import WOKEN, Consumer
from kicklint.engine.drafts import Draft
from kicklint.engine.elsewhere import located, told, told_above
from kicklint.engine.focus import Focus, Only
from kicklint.engine.racing import beat_at, composer_of, consumers_of, made_at, with_race
from kicklint.engine.sections import MAX_CALLERS, Sections
from kicklint.engine.states import Place, State
from kicklint.engine.world import World
from kicklint.events import RUNNING, EventGraph, Reach, Role, Target
from kicklint.flow import Call, Expr, Name, Node, Store, reach
from kicklint.race.compose import Composed
from kicklint.rulebook import Announced, EventKind, Order, RuleInfo

_MAX_LINES = 60
_MAX_DEPTH = 2
_WAKES = (EventKind.KICK, EventKind.WAKE)


@dataclass(frozen=True, slots=True)
class _Request:
    """A request at a node: of which kind, and of which vcpu ("" for each of a machine)."""

    node: int
    kind: str
    root: str
    reach: Reach
    text: str


def announced(
    world: World, rule: RuleInfo, form: Announced, wanted: Callable[[str], bool] | None = None
) -> list[Draft]:
    """One draft for every write of state behind the request that announces it.

    With ``wanted`` in those functions only, which it tells of an identifier.
    """
    return _Search(world, rule, form).drafts(wanted)


def announcing(focus: Focus, form: Announced) -> tuple[Only, Only] | None:
    """In which functions of the two worlds of ``focus`` something may be announced otherwise.

    None for all of them: the consumers look at something else.
    """
    before, after = (
        {kind: (each.states, each.near) for kind, each in consumers_of(world, form).of.items()}
        for world in focus.worlds
    )
    if focus.everything or before != after:
        return None
    return focus.near(_MAX_DEPTH + 1, MAX_CALLERS, (*form.locks, *form.unlocks))


class _Search:
    def __init__(self, world: World, rule: RuleInfo, form: Announced) -> None:
        self.world = world
        self.rule = rule
        self.form = form
        self.consumers = consumers_of(world, form)
        self.sections = Sections(world, form)
        self._made: dict[str, tuple[_Request, ...]] = {}
        self._writes: dict[tuple[str, int], frozenset[Place]] = {}

    def drafts(self, wanted: Callable[[str], bool] | None) -> list[Draft]:
        found: dict[object, Draft] = {}
        for key in sorted(filter(wanted, self._requesters())):
            graph = self.world.graph(key)
            for request in self._requests(key):
                consumer = self.consumers.of.get(request.kind)
                if consumer is None or request.root == RUNNING:
                    continue
                if request.reach is not Reach.VM and not self._elsewhere(key, graph, request):
                    continue  # as likely as not for the thread's own vcpu
                for index, place in self._late(key, graph, request, consumer):
                    draft = self._draft(key, request, graph.graph.nodes[index], place)
                    if draft.key not in found:
                        race = self._raced(key, request, (index, place), consumer)
                        found[draft.key] = Draft(draft.key, with_race(draft.finding, [race] if race else []))
        return list(found.values())

    def _requesters(self) -> set[str]:
        """The functions that make a request, and those that call a short one which does."""
        index = self.world.index
        makers = {key for key in index.functions if {EventKind.REQUEST_MAKE, *_WAKES} & index.direct(key)}
        makers.update(key for _, keys in index.holding(set(self.form.wakes)) for key in keys)
        callers = {
            caller
            for key in makers
            if self.world.length(key) <= _MAX_LINES and not self.world.implements(key)
            for caller in index.leading_to(key)
            if not caller.startswith("#")
        }
        return makers | callers

    def _requests(self, key: str) -> tuple[_Request, ...]:
        """The requests that ``key`` makes itself or by a short helper of its own."""
        graph = self.world.graph(key)
        found = list(self._own_requests(key))
        for node, site in graph.calls.items():
            for target in site.targets:
                callee = target.function
                if self.world.length(callee) > _MAX_LINES or self.world.implements(callee):
                    continue
                if EventKind.REQUEST_MAKE not in self.world.index.direct(callee):
                    continue
                for each in self._own_requests(callee):
                    nodes = self.world.graph(callee).graph.nodes
                    if self.world.graph(callee).graph.exit in reach(nodes, 0, each.node):
                        continue  # made on some ways only, and the caller may know on which
                    handed = self._handed(graph, callee, target.args, each)
                    if (
                        handed is not None
                        and each.kind == WOKEN
                        and handed.root not in self.world.others(key)
                    ):
                        continue  # who wakes by a helper may well wake up nobody but itself
                    if handed is not None:
                        found.append(replace(handed, node=node, text=site.text))
        return tuple(found)

    def _own_requests(self, key: str) -> tuple[_Request, ...]:
        if key not in self._made:
            graph = self.world.graph(key)
            found = []
            for node, event in graph.events.items():
                if event.kind in _WAKES and event.reach is Reach.VCPU and not self.world.implements(key):
                    identity = graph.aliases.identity(event.subject)
                    if identity is not None and identity.role is Role.VCPU:
                        found.append(_Request(node, WOKEN, identity.root, event.reach, event.text))
                if event.kind is not EventKind.REQUEST_MAKE or not isinstance(event.request, Name):
                    continue
                identity = graph.aliases.identity(event.subject)
                root = identity.root if identity is not None and event.reach is not Reach.VM else ""
                kind = self.world.request_name(event.request.id, self.world.path(key))
                found.append(_Request(node, kind, root, event.reach, event.text))
            self._made[key] = (*found, *self._woken_by_hand(graph))
        return self._made[key]

    def _woken_by_hand(self, graph: EventGraph) -> Iterator[_Request]:
        """Where the task that sleeps on a part of a vcpu is woken."""
        for index, node in enumerate(graph.graph.nodes):
            call = node.instruction
            if isinstance(call, Call) and call.name in self.form.wakes and call.args:
                identity = graph.aliases.identity(call.args[0])
                if identity is not None and identity.role is Role.VCPU:
                    text = f"{call.name}({graph.aliases.text(call.args[0])})"
                    yield _Request(index, WOKEN, identity.root, Reach.VCPU, text)

    def _handed(
        self, graph: EventGraph, callee: str, args: tuple[Expr, ...], request: _Request
    ) -> _Request | None:
        """``request`` of ``callee`` as its caller sees it, or None if it is for nobody the caller knows."""
        given = dict(zip(self.world.parameters(callee), args, strict=False))
        kind = given.get(request.kind)
        if isinstance(kind, Name):
            request = replace(request, kind=self.world.request_name(kind.id, graph.graph.path))
        if request.reach is Reach.VM:
            return request
        identity = graph.aliases.identity(given.get(request.root))
        return replace(request, root=identity.root) if identity is not None else None

    def _elsewhere(self, key: str, graph: EventGraph, request: _Request) -> bool:
        """Whether the vCPU may run on another CPU: it was looked up, or is kicked or woken, here or above."""
        if request.kind == WOKEN:
            return True
        if request.root in self.world.others(key) and not located(graph, request.node, request.root):
            return True
        if told(self.world, graph, graph.graph.nodes[request.node].successors, request.root):
            return True
        own = any(each.node == request.node for each in self._own_requests(key))
        return own and self.world.length(key) <= _MAX_LINES and told_above(self.world, key)

    def _late(
        self, key: str, graph: EventGraph, request: _Request, consumer: Consumer
    ) -> Iterator[tuple[int, Place]]:
        """The writes of announced state that come after the request and not before it too."""
        nodes = graph.graph.nodes
        after = set().union(*(reach(nodes, each) for each in nodes[request.node].successors))
        if not after:
            return
        # What the protocol itself is made of is announced by no request.
        shape = graph.aliases.shape
        protocol = {(each,) for each in (shape.mode, shape.requests, *shape.cpus)}
        # Behind the next vcpu of a loop the request is another's.
        bound = _bound(nodes, request.root)
        now = set().union(*(reach(nodes, each, *bound) for each in nodes[request.node].successors))
        before = {
            place.path[0]
            for index in range(len(nodes))
            if index != request.node and index not in now and request.node in reach(nodes, index)
            for place in self._written(key, graph, index)
        }
        for index in sorted(after):
            for place in sorted(self._written(key, graph, index), key=lambda each: each.path):
                if place.path in protocol and place.tag == shape.type:
                    continue
                read = consumer.reads(place) if place.path[0] not in before else []
                direct = self._direct(key, graph, index, place) or self._sets_flag(graph, index)
                if request.reach is Reach.VM or not direct:
                    read = [each for each in read if each in consumer.near]
                if not read or not self._concerns(graph, request, place, read):
                    continue
                announces = request.node in reach(nodes, index, *bound)
                if announces or self._again(key, request, reach(nodes, index)):
                    continue
                if any(
                    not self.sections.together(key, request.node, index, consumer.states[each])
                    for each in read
                ):
                    yield index, place

    def _concerns(self, graph: EventGraph, request: _Request, place: Place, read: list[State]) -> bool:
        """Whether ``place`` belongs to one whom the request is for."""
        if place.role is Role.VM:
            return True
        if request.reach is not Reach.VM:
            return place.root == request.root
        if place.tag == graph.aliases.shape.type:
            # One of a machine's vcpus; that of a parameter may be the thread's own.
            return place.root in graph.aliases.known - graph.aliases.parameters
        return bool(place.tag) and any(each.tag == place.tag for each in read)

    def _again(self, key: str, request: _Request, behind: set[int]) -> bool:
        """Whether another request of the kind follows the write and announces it."""
        return any(
            each.kind == request.kind and each.root == request.root and each.node != request.node
            for each in self._requests(key)
            if each.node in behind
        )

    def _direct(self, key: str, graph: EventGraph, index: int, place: Place) -> bool:
        """Whether node ``index`` itself writes ``place``, a member of a vcpu."""
        states = self.consumers.states(key)
        member = states.written(graph.graph.nodes[index])
        return place.role is Role.VCPU and member is not None and states.place(member) == place

    def _written(self, key: str, graph: EventGraph, index: int) -> frozenset[Place]:
        """What node ``index`` writes, itself or by what it calls."""
        states = self.consumers.states(key)
        member = states.written(graph.graph.nodes[index])
        place = states.place(member) if member is not None else None
        found = {place} if place is not None else set()
        site = graph.calls.get(index)
        if site is not None:
            found |= self._by_call(graph, site.targets, _MAX_DEPTH)
        elif self._sets_flag(graph, index):
            call = graph.graph.nodes[index].instruction
            assert isinstance(call, Call)
            functions = self.world.function_named(call.name, graph.graph.path)
            found |= self._by_call(graph, tuple(Target(each, call.args) for each in functions), _MAX_DEPTH)
        return frozenset(found)

    def _sets_flag(self, graph: EventGraph, index: int) -> bool:
        """Whether node ``index`` calls a function that sets a flag which a request announces.

        One that is made with a full barrier is looked at for its own sake.
        """
        event = graph.events.get(index)
        if event is None or event.kind is not EventKind.FLAG_MAKE:
            return False
        alone = ("order", Order.FULL.value) in event.attributes
        return not alone and isinstance(graph.graph.nodes[index].instruction, Call)

    def _by_call(self, graph: EventGraph, targets: tuple[Target, ...], depth: int) -> set[Place]:
        """What ``targets`` write of what they are handed, and of the machine."""
        found: set[Place] = set()
        for target in targets:
            if depth == 0 or self.world.length(target.function) > _MAX_LINES:
                continue
            given = dict(zip(self.world.parameters(target.function), target.args, strict=False))
            for place in self._writes_of(target.function, depth):
                if place.role is Role.VM:
                    found.add(place)
                    continue
                identity = graph.aliases.identity(given.get(place.root))
                if identity is not None:
                    found.add(replace(place, role=identity.role, root=identity.root))
        return found

    def _writes_of(self, function: str, depth: int) -> frozenset[Place]:
        if (function, depth) not in self._writes:
            self._writes[function, depth] = frozenset()  # ends circles
            graph = self.world.graph(function)
            states = self.consumers.states(function)
            found: set[Place] = set()
            for node in graph.graph.nodes:
                member = states.written(node)
                place = states.place(member) if member is not None else None
                if place is not None:
                    found.add(place)
            for site in graph.calls.values():
                found |= self._by_call(graph, site.targets, depth - 1)
            self._writes[function, depth] = frozenset(found)
        return self._writes[function, depth]

    def _draft(self, key: str, request: _Request, node: Node, place: Place) -> Draft:
        graph = self.world.graph(key)
        function = graph.graph.function
        member = self.consumers.states(key).written(node)
        state = graph.aliases.text(member) if member is not None else place.path[0]
        words = {"state": state, "request": request.text}
        made = graph.graph.nodes[request.node].span
        message, does = self.form.message, "makes a request"
        if request.kind == WOKEN:
            message, does = self.form.woken_message, "wakes the vCPU"
        finding = Finding(
            rule=self.rule.id,
            name=self.rule.name,
            severity=self.rule.level,
            message=message.format(**words),
            span=node.span,
            function=function,
            fingerprint="",
            architectures=(self.world.architecture,) if self.world.architecture else (),
            trail=(
                Step(StepKind.EVENT, made, function, f"{request.text} {does}"),
                Step(StepKind.MISSING, node.span, function, f"missing: {self.form.missing.format(**words)}"),
                Step(StepKind.EVENT, node.span, function, f"{state} is written"),
            ),
            remedy=" ".join(self.rule.fix.split()),
        )
        return Draft((self.rule.id, node.span, function), finding)

    def _raced(
        self, key: str, request: _Request, write: tuple[int, Place], consumer: Consumer
    ) -> Composed | None:
        """What the memory model says of ``write``, a node and what it writes, behind ``request``."""
        race = self.form.woken_race if request.kind == WOKEN else self.form.race
        if race is None:
            return None
        node, place = write
        read, where = self.consumers.reading(consumer, place)
        name = f"{read.role.value}'s {read.field}"
        state = beat_at(self.world, where, f"reads the {name}")
        written = beat_at(self.world, (key, node), f"writes the {name}")
        way = (*made_at(self.world, (key, request.node), request.text), written)
        return composer_of(self.world).compose(self.rule.id, race, way, state=state)


def _bound(nodes: tuple[Node, ...], variable: str) -> list[int]:
    """Where ``variable`` is given another vcpu."""
    place = Name(variable)
    return [
        index
        for index, node in enumerate(nodes)
        if isinstance(node.instruction, Store) and node.instruction.place == place
    ]
