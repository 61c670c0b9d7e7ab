"""Control-flow graph and rulebook in, event graph out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from kicklint.events.accesses import Accesses, ordered
from kicklint.events.beside import Neighbours
from kicklint.events.identity import Aliases
from kicklint.events.model import HANDED, CallSite, Event, EventGraph, Reach, Target
from kicklint.events.places import FlagNames, Places
from kicklint.flow import (
    Branch,
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
    Unary,
    show,
)
from kicklint.rulebook import CallEvent, EventKind, Flag, Lexicon, Order
from kicklint.syntax import ended

_WORD = re.compile(r"[A-Za-z_]\w*")
_IN = "IN_GUEST_MODE"


@dataclass(frozen=True, slots=True)
class Names:
    """What the world knows of names, for annotating.

    ``direct`` gives the functions that a name is; ``table`` those that a member of
    an operations table may be, for a number of arguments. ``entry_calls`` and
    ``entry_members`` (member -> the members it must hang on, empty for any) are the
    guest entries, ``flags`` what stands in for requests. ``idle`` says whether the functions that a
    name is, as seen from a file, do nothing at all.
    """

    direct: Callable[[str, str], tuple[str, ...]]
    table: Callable[[str, int], tuple[str, ...]]
    simple_name: Callable[[str], str]
    entry_calls: frozenset[str]
    entry_members: dict[str, tuple[str, ...]]
    flags: FlagNames
    idle: Callable[[str, str], bool]


class Annotator:
    """Finds the events of one function."""

    def __init__(self, graph: ControlFlowGraph, lexicon: Lexicon, names: Names, aliases: Aliases) -> None:
        self.graph = graph
        self.lexicon = lexicon
        self.names = names
        self.aliases = aliases
        self.places = Places(graph, lexicon, aliases, names.flags)
        self.accesses = Accesses(self.places, lexicon)
        self.neighbours = Neighbours(graph, aliases.derived)
        self.events: dict[int, Event] = {}
        self.calls: dict[int, CallSite] = {}

    def annotate(self) -> EventGraph:
        """The event graph of the function."""
        for index, node in enumerate(self.graph.nodes):
            instruction = node.instruction
            event: Event | None = None
            if isinstance(instruction, Load):
                event = self.accesses.load(instruction, node)
            elif isinstance(instruction, Store):
                event = self.accesses.store(instruction, node)
            elif isinstance(instruction, Branch):
                event = self.accesses.branch(instruction, node)
            elif isinstance(instruction, Call):
                event = self._accessed(index, instruction, node)
                if event is None:
                    self._call(index, instruction, node)
            elif isinstance(instruction, TableCall):
                self._table_call(index, instruction, node)
            if event is not None:
                self.events[index] = event
        self._force()
        return EventGraph(self.graph, self.events, self.calls, self.aliases)

    def _force(self) -> None:
        """Take an IPI to the CPU on which this function itself enters the guest for a forced exit."""
        entering = {
            self._root(event)
            for event in self.events.values()
            if event.kind is EventKind.MODE_WRITE and event.value == Name(_IN)
        }
        for index, event in self.events.items():
            if event.kind is EventKind.IPI and self._root(event) in entering - {""}:
                self.events[index] = replace(event, kind=EventKind.FORCED_EXIT)

    def _root(self, event: Event) -> str:
        """The variable that leads to the vcpu of ``event``, "" where none is known."""
        identity = self.aliases.identity(event.subject)
        return identity.root if identity is not None else ""

    def _accessed(self, index: int, call: Call, node: Node) -> Event | None:
        """The event of a call that reads, writes or orders memory, or None."""
        if call.name in self.lexicon.accessors or call.name in self.lexicon.bits:
            event = self.accesses.call(call, node, self._text(call))
            if event is not None:
                return event
        event = self._barrier(index, call, node)
        if event is None and self.names.flags.words:
            if not self.names.direct(call.name, self.graph.path):
                event = self.accesses.handed(call, node)
            if event is None and self.names.flags.registers:
                event = self._register(call, node)
        return event

    def _text(self, call: Call) -> str:
        name = call.name or self.aliases.text(call.callee)
        return f"{name}({', '.join(self.aliases.text(each) for each in call.args)})"

    def _barrier(self, index: int, call: Call, node: Node) -> Event | None:
        found = self.lexicon.barriers.get(call.name)
        if found is None:
            return None
        order = found.order
        if (found.after and not self.neighbours.follows(index, found.after)) or (
            found.before and not self.neighbours.precedes(index, found.before)
        ):
            order = Order.NONE
        attributes = (*ordered(order), ("via", found.via))
        return Event(
            EventKind.BARRIER,
            Reach.ANY,
            None,
            node.span,
            f"{call.name}()",
            how=call.name,
            attributes=attributes,
        )

    def _register(self, call: Call, node: Node) -> Event | None:
        """A call that is handed a register of a flag: the hardware has set it, or is told to."""
        for argument in call.args:
            if isinstance(argument, Const):
                continue
            for word in _WORD.findall(self.aliases.text(argument)):
                flag = self.names.flags.registers.get(word)
                if flag is not None:
                    said = (("flag", flag.name), *ordered(flag.order))
                    kind = EventKind.FLAG_MAKE
                    text = self._text(call)
                    return Event(kind, Reach.ANY, None, node.span, text, how=call.name, attributes=said)
        return None

    def _named(self, name: str, args: tuple[Expr, ...], dst: int, node: Node) -> Event | None:
        """The event of a call of ``name``, or None."""
        if name in self.names.entry_calls:
            return self._entry(f"{name}()", args, node)
        text = f"{ended(name)}({', '.join(self.aliases.text(each) for each in args)})"
        flags = self.names.flags
        for kind, known in ((EventKind.FLAG_MAKE, flags.makes), (EventKind.FLAG_TEST, flags.tests)):
            flag: Flag | None = known.get(name)
            if flag is not None and flag.argument < len(args):
                said = (("flag", flag.name), *ordered(flag.order))
                asks = kind is EventKind.FLAG_TEST
                return Event(
                    kind,
                    Reach.VCPU,
                    args[flag.argument],
                    node.span,
                    text,
                    how=name,
                    dst=dst,
                    forks=asks,
                    boolean=asks,
                    attributes=said,
                )
        for entry in self.lexicon.calls.get(name, ()):
            if all(
                int(position) < len(args) and show(args[int(position)]) == wanted
                for position, wanted in entry.where.items()
            ):
                return self._called(entry, name, args, dst, node, text)
        return None

    def _entry(self, text: str, args: tuple[Expr, ...], node: Node) -> Event:
        first = args[0] if args else None
        place = HANDED if first is not None and self._handed(first) else _last_field(self.aliases, first)
        return Event(EventKind.GUEST_ENTRY, Reach.ANY, first, node.span, text, attributes=(("place", place),))

    def _handed(self, expr: Expr) -> bool:
        """Whether ``expr`` is what a caller has handed in, so that only callers know what it is."""
        given = self.aliases.resolved(expr)
        return isinstance(given, Name) and given.id in self.aliases.parameters

    def _called(
        self, entry: CallEvent, name: str, args: tuple[Expr, ...], dst: int, node: Node, text: str
    ) -> Event:
        def argument(position: int | None) -> Expr | None:
            return args[position] if position is not None and 0 <= position < len(args) else None

        reach = Reach.VCPU if entry.vcpu is not None else Reach.VM if entry.vm is not None else Reach.ANY
        # A guard keeps the state in itself; where it is let go is where it was taken.
        saved = Name("@guard") if entry.saved == -1 else argument(entry.saved)
        via = "call" if self._does_something(argument(entry.runs)) else entry.via
        return Event(
            entry.event,
            reach,
            argument(entry.vcpu if entry.vcpu is not None else entry.vm),
            node.span,
            text,
            how=name,
            request=argument(entry.request),
            forks=entry.result,
            boolean=True,
            dst=dst,
            saved=saved,
            holds=entry.holds,
            attributes=(("via", via),) if via else (),
        )

    def _does_something(self, function: Expr | None) -> bool:
        """Whether ``function`` is one of the tree and does something where it is run."""
        path = self.graph.path
        return (
            isinstance(function, Name)
            and bool(self.names.direct(function.id, path))
            and not self.names.idle(function.id, path)
        )

    def _call(self, index: int, call: Call, node: Node) -> None:
        if call.name:
            event = self._named(call.name, call.args, call.dst, node)
            if event is not None:
                self.events[index] = event
                return
            if call.name in self.places.types:  # a function pointer in a local or parameter
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
                self.events[index] = self._entry(f"{self.aliases.text(callee)}()", call.args, node)
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
            elif isinstance(value, Name) and value.id not in self.places.types:
                targets += [Target(each, call.args) for each in self.names.direct(value.id, self.graph.path)]
        self.calls[index] = CallSite(
            tuple(targets), tuple(events), self._text(call), Name(pointer), call.args
        )


def _last_field(aliases: Aliases, expr: Expr | None) -> str:
    """The last word of the place that ``expr`` is, or is a local for; "" for nothing."""
    return show(aliases.resolved(expr)).rpartition(".")[2].rpartition(">")[2] if expr is not None else ""


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
