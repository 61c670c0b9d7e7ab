"""State that threads share: members of a vcpu, its machine or another object that a node reads or writes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kicklint.events import EventGraph, Role
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
from kicklint.rulebook import Access, EventKind, Lexicon

_TAG = re.compile(r"struct\s+(\w+)")
_MAX_STEPS = 64


@dataclass(frozen=True, slots=True)
class Place:
    """A member: what it belongs to, and its name.

    ``role`` tells the virtual machine from a vcpu (or any other object), ``root`` is the
    variable that leads to the object, and ``tag`` its structure where the variable is
    declared as a pointer to one ("" when not known). ``path`` are the members from the
    last pointer on, the last one first: a whole that is copied holds what is in it.
    """

    role: Role
    root: str
    tag: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class State:
    """What a reader looks at: the member ``field``, and with ``whole`` all that is in it too."""

    role: Role
    tag: str
    field: str
    whole: bool = False

    def covers(self, place: Place) -> bool:
        """Whether a write of ``place`` changes it."""
        if self.role is not place.role:
            return False
        return self.field in place.path if self.whole else self.field == place.path[0]


class States:
    """The reads and writes of one function. ``writers`` are the functions that write through a pointer."""

    def __init__(self, graph: EventGraph, lexicon: Lexicon, writers: tuple[str, ...]) -> None:
        self.graph = graph
        self.aliases = graph.aliases
        self.shape = graph.aliases.shape
        self.lexicon = lexicon
        self.writers = tuple(re.compile(each.replace("*", r"\w*")) for each in writers)
        flow = graph.graph
        self.types = {each.name: each.type for each in (*flow.parameters, *flow.locals)}

    def tag(self, name: str) -> str:
        """The structure that the variable ``name`` points to, or is."""
        found = _TAG.search(self.types.get(name, ""))
        return found.group(1) if found is not None else ""

    def place(self, expr: Expr) -> Place | None:
        """What ``expr``, a member, is part of; None when it is no member, or not known."""
        path: list[str] = []
        last = ""
        direct = True
        machine = False
        for _ in range(_MAX_STEPS):
            if isinstance(expr, Name):
                last = self.shape.type if self.tag(expr.id) == self.shape.type else last or self.tag(expr.id)
                known = self.aliases.resolved(expr)
                if known == expr or (isinstance(known, Temp) and self._result(known) is None):
                    break
                expr = known
            elif isinstance(expr, Temp):
                source = self._result(expr)
                if source is None:
                    break
                expr = source
            elif isinstance(expr, Member):
                if expr.field == self.shape.vm:
                    machine = True
                    break
                if direct:
                    path.append(expr.field)
                expr = expr.base
            elif isinstance(expr, Index):
                expr = expr.base
            elif isinstance(expr, Unary) and expr.op == "&":
                expr = expr.operand
            elif isinstance(expr, Unary) and expr.op == "*":
                inner = self.aliases.resolved(expr.operand)
                if isinstance(inner, Unary) and inner.op == "&":
                    expr = inner.operand
                else:
                    direct = False
                    expr = expr.operand
            else:
                return None
        if not path:
            return None
        if machine or (isinstance(expr, Name) and self._is_machine(expr.id)):
            return Place(Role.VM, "", "", tuple(path))
        identity = self.aliases.identity(expr)
        if identity is None:
            return None
        return Place(identity.role, identity.root, last, tuple(path))

    def _is_machine(self, name: str) -> bool:
        return self.tag(name) == self.shape.type.partition("_")[0] or (
            name == self.shape.vm and name not in self.types
        )

    def _result(self, temp: Temp) -> Expr | None:
        """What the result ``temp`` was read from, or which argument's object it is."""
        source = self.aliases.results.get(temp.index)
        if isinstance(source, list):
            return source[0] if len(source) == 1 and not isinstance(source[0], Temp) else None
        if isinstance(source, Call) and source.name in self.shape.embedding and source.args:
            return source.args[0]
        return None

    def reads(self, node: Node) -> Iterator[State]:
        """What ``node`` looks at."""
        instruction = node.instruction
        if isinstance(instruction, Branch):
            yield from self._read(instruction.condition)
        elif isinstance(instruction, Store | Return):
            yield from self._read(instruction.value, whole=True)
        elif isinstance(instruction, Load):
            yield from self._read(instruction.place)
        elif isinstance(instruction, Call | TableCall):
            for each in instruction.args:
                yield from self._read(each)

    def _read(self, expr: Expr | None, *, whole: bool = False) -> Iterator[State]:
        for member in members(expr):
            place = self.place(member)
            if place is not None:
                yield State(place.role, place.tag, place.path[0], whole)

    def written(self, node: Node) -> Member | None:
        """The member that ``node`` writes, or that is part of what it writes."""
        instruction = node.instruction
        if isinstance(instruction, Store):
            return _member(instruction.place)
        if not isinstance(instruction, Call):
            return None
        accessor = self.lexicon.accessors.get(instruction.name)
        bit = self.lexicon.bits.get(instruction.name)
        if accessor is not None:
            position = accessor.place if accessor.access is not Access.READ else None
        elif bit is not None:
            position = bit.place if bit.event is not EventKind.REQUEST_TEST else None
        elif any(each.fullmatch(instruction.name) for each in self.writers):
            return next((found for each in instruction.args if (found := _member(each)) is not None), None)
        else:
            return None
        if position is None or position >= len(instruction.args):
            return None
        return _member(instruction.args[position])


def _member(expr: Expr) -> Member | None:
    while isinstance(expr, Unary | Index):
        expr = expr.operand if isinstance(expr, Unary) else expr.base
    return expr if isinstance(expr, Member) else None


def members(expr: Expr | None) -> Iterator[Member]:
    """The members that ``expr`` reads, or whose address it takes."""
    if isinstance(expr, Member):
        yield expr
    elif isinstance(expr, Unary):
        yield from members(expr.operand)
    elif isinstance(expr, Binary):
        yield from members(expr.left)
        yield from members(expr.right)
    elif isinstance(expr, Index):
        yield from members(expr.base)
        yield from members(expr.index)
