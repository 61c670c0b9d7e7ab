"""Control-flow graph and rulebook in, event graph out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from kicklint.events.identity import Aliases
from kicklint.events.model import CallSite, Event, EventGraph, Reach, Target
from kicklint.flow import (
    Binary,
    Call,
    Const,
    ControlFlowGraph,
    Expr,
    Load,
    Member,
    Name,
    Node,
    Store,
    TableCall,
    Temp,
    Unary,
)
from kicklint.rulebook import Access, Accessor, EventKind, Lexicon


@dataclass(frozen=True, slots=True)
class Names:
    """What the world knows of names, for annotating.

    ``direct`` gives the functions that a name is; ``table`` those that a member of
    an operations table may be, for a number of arguments. ``entry_calls`` and
    ``entry_members`` (member -> the members it must hang on, empty for any) are the
    guest entries.
    """

    direct: Callable[[str, str], tuple[str, ...]]
    table: Callable[[str, int], tuple[str, ...]]
    simple_name: Callable[[str], str]
    entry_calls: frozenset[str]
    entry_members: dict[str, tuple[str, ...]]


class Annotator:
    """Finds the events of one function."""

    def __init__(self, graph: ControlFlowGraph, lexicon: Lexicon, names: Names, aliases: Aliases) -> None:
        self.graph = graph
        self.lexicon = lexicon
        self.names = names
        self.aliases = aliases
        self.shape = lexicon.vocabulary.vcpu
        self.types = {each.name: each.type for each in (*graph.parameters, *graph.locals)}
        self.vcpu_type = re.compile(rf"\b{re.escape(self.shape.type)}\b")
        self.modes = lexicon.vocabulary.modes
        self.word = self.shape.type.rpartition("_")[2]
        self.events: dict[int, Event] = {}
        self.calls: dict[int, CallSite] = {}

    def annotate(self) -> EventGraph:
        """The event graph of the function."""
        for index, node in enumerate(self.graph.nodes):
            instruction = node.instruction
            event: Event | None = None
            if isinstance(instruction, Load):
                event = self._load(instruction, node)
            elif isinstance(instruction, Store):
                event = self._store(instruction, node)
            elif isinstance(instruction, Call):
                event = self._access(instruction, node)
                if event is None:
                    self._call(index, instruction, node)
            elif isinstance(instruction, TableCall):
                self._table_call(index, instruction, node)
            if event is not None:
                self.events[index] = event
        return EventGraph(self.graph, self.events, self.calls, self.aliases)

    def is_vcpu(self, base: Expr) -> bool:
        """Whether ``base`` is, by its declaration or its name, a vcpu."""
        if isinstance(base, Unary) and base.op in ("*", "&"):
            return self.is_vcpu(base.operand)
        if isinstance(base, Name):
            kind = self.types.get(base.id)
            if kind is None:
                return base.id in self.shape.back_pointers or base.id in self.shape.running_variables
            return self.vcpu_type.search(kind) is not None
        if isinstance(base, Member):
            return base.field in self.shape.back_pointers
        if isinstance(base, Temp):
            source = self.aliases.results.get(base.index)
            reads = isinstance(source, Call) and source.name in self.shape.variable_readers
            return isinstance(source, Call) and (reads or self.word in source.name)
        return False

    def _written_mode(self, place: Expr, value: Expr) -> Expr | None:
        """The vcpu whose mode is written when ``value`` goes to ``place``, or None.

        A constant that is a mode makes it one, whatever the base is declared as.
        """
        vcpu = self._mode(place)
        if vcpu is not None or not isinstance(value, Name) or value.id not in self.modes:
            return vcpu
        if isinstance(place, Unary):
            place = place.operand
        if isinstance(place, Member) and place.field == self.shape.mode:
            return place.base
        return place if isinstance(place, Name) and place.id in self.types else None

    def _mode(self, place: Expr) -> Expr | None:
        """The vcpu whose mode ``place`` is, or None."""
        return self._field(place, self.shape.mode)

    def _requests(self, place: Expr) -> Expr | None:
        return self._field(place, self.shape.requests)

    def _field(self, place: Expr, field: str) -> Expr | None:
        if isinstance(place, Unary) and place.op == "&":
            place = place.operand
        if isinstance(place, Unary) and place.op == "*" and isinstance(place.operand, Name):
            return self._pointer(place.operand, field)
        if isinstance(place, Name):
            return self._pointer(place, field)
        if isinstance(place, Member) and place.field == field and self.is_vcpu(place.base):
            return place.base
        return None

    def _pointer(self, name: Name, field: str) -> Expr | None:
        """``*pointer`` where the pointer is a local that was given ``&vcpu->field``."""
        values = self.aliases.assigned.get(name.id, [])
        if len(values) == 1 and isinstance(values[0], Unary) and values[0].op == "&":
            place = values[0].operand
            if isinstance(place, Member) and place.field == field and self.is_vcpu(place.base):
                return place.base
        return None

    def _load(self, load: Load, node: Node) -> Event | None:
        return self._read(load.place, load.dst, node, "plain")

    def _read(self, place: Expr, dst: int, node: Node, how: str) -> Event | None:
        vcpu = self._mode(place)
        if vcpu is not None:
            return Event(
                EventKind.MODE_READ, Reach.VCPU, vcpu, node.span, self.aliases.text(place), how=how, dst=dst
            )
        vcpu = self._requests(place)
        if vcpu is not None:
            return Event(
                EventKind.REQUEST_TEST,
                Reach.VCPU,
                vcpu,
                node.span,
                self.aliases.text(place),
                how=how,
                forks=True,
                dst=dst,
            )
        return None

    def _store(self, store: Store, node: Node) -> Event | None:
        if isinstance(store.place, Name | Temp):
            return self._flag(store, node)
        vcpu = self._mode(store.place)
        if vcpu is not None:
            text = f"{self.aliases.text(store.place)} = {self.aliases.text(store.value)}"
            return Event(
                EventKind.MODE_WRITE, Reach.VCPU, vcpu, node.span, text, how="plain", value=store.value
            )
        vcpu = self._requests(store.place)
        if vcpu is not None:
            made = store.op == "|" or (not store.op and store.value != Const(0))
            kind = EventKind.REQUEST_MAKE if made else EventKind.REQUEST_CONSUME
            return Event(kind, Reach.VCPU, vcpu, node.span, self.aliases.text(store.place), how="plain")
        return self._flag(store, node)

    def _flag(self, store: Store, node: Node) -> Event | None:
        for name in _added(store.value):
            flag = self.lexicon.flags.get(name)
            if flag is not None and store.op in ("", "|"):
                return Event(flag.event, Reach.ANY, None, node.span, name)
        return None

    def _text(self, call: Call) -> str:
        name = call.name or self.aliases.text(call.callee)
        return f"{name}({', '.join(self.aliases.text(each) for each in call.args)})"

    def _access(self, call: Call, node: Node) -> Event | None:
        """The event of an accessor or a bit operation on a mode or on requests."""
        accessor = self.lexicon.accessors.get(call.name)
        if accessor is not None and accessor.place < len(call.args):
            return self._accessor(call, accessor, node)
        operation = self.lexicon.bits.get(call.name)
        if operation is not None and operation.place < len(call.args):
            vcpu = self._requests(call.args[operation.place])
            if vcpu is not None:
                forks = operation.event is EventKind.REQUEST_TEST or "test_and" in call.name
                return Event(
                    operation.event,
                    Reach.VCPU,
                    vcpu,
                    node.span,
                    self._text(call),
                    how=call.name,
                    request=call.args[operation.bit],
                    forks=forks and operation.event is not EventKind.REQUEST_MAKE,
                    boolean=True,
                    dst=call.dst,
                )
        return None

    def _accessor(self, call: Call, accessor: Accessor, node: Node) -> Event | None:
        place = call.args[accessor.place]
        if accessor.access is Access.READ:
            return self._read(place, call.dst, node, call.name)
        if accessor.value is None or accessor.value >= len(call.args):
            return None
        vcpu = self._written_mode(place, call.args[accessor.value])
        if vcpu is None:
            vcpu = self._requests(place)
            kind = (
                EventKind.REQUEST_CONSUME if call.args[accessor.value] == Const(0) else EventKind.REQUEST_MAKE
            )
            return (
                Event(kind, Reach.VCPU, vcpu, node.span, self._text(call), how=call.name)
                if vcpu is not None
                else None
            )
        expected = accessor.expected
        return Event(
            EventKind.MODE_WRITE,
            Reach.VCPU,
            vcpu,
            node.span,
            self._text(call),
            how=call.name,
            value=call.args[accessor.value],
            expected=call.args[expected] if expected is not None and expected < len(call.args) else None,
            atomic=accessor.access is Access.EXCHANGE,
            dst=call.dst,
        )

    def _named(self, name: str, args: tuple[Expr, ...], dst: int, node: Node) -> Event | None:
        """The event of a call of ``name``, or None."""
        if name in self.names.entry_calls:
            return Event(EventKind.GUEST_ENTRY, Reach.ANY, args[0] if args else None, node.span, f"{name}()")
        entry = self.lexicon.calls.get(name)
        if entry is None:
            return None
        position = entry.vcpu if entry.vcpu is not None else entry.vm
        subject = args[position] if position is not None and position < len(args) else None
        request = args[entry.request] if entry.request is not None and entry.request < len(args) else None
        reach = Reach.VCPU if entry.vcpu is not None else Reach.VM if entry.vm is not None else Reach.ANY
        text = f"{name}({', '.join(self.aliases.text(each) for each in args)})"
        return Event(
            entry.event,
            reach,
            subject,
            node.span,
            text,
            how=name,
            request=request,
            forks=entry.result,
            boolean=True,
            dst=dst,
        )

    def _call(self, index: int, call: Call, node: Node) -> None:
        if call.name:
            event = self._named(call.name, call.args, call.dst, node)
            if event is not None:
                self.events[index] = event
                return
            if call.name in self.types:  # a function pointer in a local or parameter
                self._pointer_call(index, call.name, call, node)
                return
            targets = self.names.direct(call.name, self.graph.path)
            if targets:
                reached = tuple(Target(each, call.args) for each in targets)
                self.calls[index] = CallSite(reached, (), self._text(call))
            return
        callee = call.callee
        while isinstance(callee, Unary) and callee.op == "*":
            callee = callee.operand
        if isinstance(callee, Member):
            hangs = self.names.entry_members.get(callee.field)
            if hangs is not None and (not hangs or any(each in hangs for each in _fields(callee.base))):
                self.events[index] = Event(
                    EventKind.GUEST_ENTRY,
                    Reach.ANY,
                    call.args[0] if call.args else None,
                    node.span,
                    f"{self.aliases.text(callee)}()",
                )
                return
            self._table(index, callee.field, call.args, call.dst, node, self.aliases.text(callee))
        elif isinstance(callee, Name):
            self._pointer_call(index, callee.id, call, node)

    def _table_call(self, index: int, call: TableCall, node: Node) -> None:
        self._table(index, call.member, call.args, call.dst, node, call.member)

    def _table(
        self, index: int, member: str, args: tuple[Expr, ...], dst: int, node: Node, text: str
    ) -> None:
        event = self._named(member, args, dst, node)
        if event is not None:
            self.events[index] = event
            return
        targets, events = self._members(member, args, dst, node)
        self.calls[index] = CallSite(targets, events, f"{text}()")

    def _members(
        self, member: str, args: tuple[Expr, ...], dst: int, node: Node
    ) -> tuple[tuple[Target, ...], tuple[Event, ...]]:
        """What a member of an operations table may be: functions, and functions that are events."""
        targets: list[Target] = []
        events: list[Event] = []
        for function in self.names.table(member, len(args)):
            named = self._named(self.names.simple_name(function), args, dst, node)
            if named is not None:
                events.append(named)
            else:
                targets.append(Target(function, args, member))
        return tuple(targets), tuple(events)

    def _pointer_call(self, index: int, pointer: str, call: Call, node: Node) -> None:
        """A call through a local: anything it is ever given, unless more is known when it is run."""
        targets: list[Target] = []
        events: list[Event] = []
        for value in self.aliases.assigned.get(pointer, []):
            if isinstance(value, Member):
                reached, happened = self._members(value.field, call.args, call.dst, node)
                targets += reached
                events += happened
            elif isinstance(value, Name) and value.id not in self.types:
                targets += [Target(each, call.args) for each in self.names.direct(value.id, self.graph.path)]
        self.calls[index] = CallSite(
            tuple(targets), tuple(events), self._text(call), Name(pointer), call.args
        )


def _added(expr: Expr) -> list[str]:
    """The names whose bits are in ``expr`` for certain: itself, or joined by ``|``."""
    found: list[str] = []
    pending = [expr]
    while pending:
        each = pending.pop()
        if isinstance(each, Name):
            found.append(each.id)
        elif isinstance(each, Binary) and each.op == "|":
            pending += [each.right, each.left]
    return found


def _fields(expr: Expr) -> list[str]:
    found: list[str] = []
    while True:
        if isinstance(expr, Member):
            found.append(expr.field)
            expr = expr.base
        elif isinstance(expr, Unary):
            expr = expr.operand
        else:
            return found
