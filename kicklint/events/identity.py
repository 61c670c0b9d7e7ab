"""Whose vcpu an expression stands for, by the ways structures hang together.

A pointer into a vcpu (its ``arch``, a structure that embeds it, a structure inside
it) stands for that vcpu; the field that leads to the virtual machine leads away
from it, and so does everything found there.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from dataclasses import dataclass

from kicklint.flow import (
    Binary,
    Call,
    Const,
    ControlFlowGraph,
    Expr,
    Index,
    Load,
    Member,
    Name,
    Store,
    TableCall,
    Temp,
    Unary,
    show,
)
from kicklint.rulebook import VcpuShape

RUNNING = "@running"
_MAX_CHAIN = 32


class Role(enum.StrEnum):
    """What a variable is to the vcpu: (a part of) it, or its virtual machine."""

    VCPU = "vcpu"
    VM = "vm"


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """A variable, and what the expression is to the vcpu that the variable belongs to."""

    root: str
    role: Role


class Aliases:
    """Resolves expressions of one function to identities.

    Locals are resolved without regard to order: a local that is only ever given
    values of one identity has it; any other local is its own root. ``derived`` tells
    which argument's vcpu the result of a function stands for, or None; ``elsewhere``
    are the members that point to some other vcpu.
    """

    def __init__(
        self,
        graph: ControlFlowGraph,
        shape: VcpuShape,
        derived: Callable[[str], int | None],
        elsewhere: frozenset[str] = frozenset(),
    ) -> None:
        self.shape = shape
        self.elsewhere = elsewhere
        self.derived = derived
        self.parameters = {each.name for each in graph.parameters}
        self.known = self.parameters | {each.name for each in graph.locals}
        word = re.compile(rf"\b{re.escape(shape.type)}\b")
        self.vcpus = {each.name for each in graph.locals if word.search(each.type)}
        declared = [each for each in (*graph.parameters, *graph.locals) if each.type]
        self.numbers = {each.name for each in declared if "*" not in each.type}
        self.assigned: dict[str, list[Expr]] = {}
        self.results: dict[int, list[Expr] | Call | TableCall] = {}
        for node in graph.nodes:
            instruction = node.instruction
            if isinstance(instruction, Call | TableCall):
                self.results[instruction.dst] = instruction
            elif isinstance(instruction, Load):
                self.results[instruction.dst] = [instruction.place]
            elif isinstance(instruction, Store):
                if isinstance(instruction.place, Name):
                    self.assigned.setdefault(instruction.place.id, []).append(instruction.value)
                elif isinstance(instruction.place, Temp):
                    kept = self.results.setdefault(instruction.place.index, [])
                    if isinstance(kept, list):
                        kept.append(instruction.value)
        self.memo: dict[str, Identity | None] = {}

    def again(self, derived: Callable[[str], int | None]) -> Aliases:
        """The same for another world, where ``derived`` answers; what was found so far holds there."""
        copy = Aliases.__new__(Aliases)
        copy.shape, copy.elsewhere, copy.derived = self.shape, self.elsewhere, derived
        copy.parameters, copy.known = self.parameters, self.known
        copy.vcpus, copy.numbers = self.vcpus, self.numbers
        copy.assigned, copy.results = self.assigned, self.results
        copy.memo = dict(self.memo)
        return copy

    def text(self, expr: Expr, depth: int = 3) -> str:
        """``expr`` as C, with the calls and reads that its results came from."""

        def result(index: int) -> str:
            source = self.results.get(index)
            if depth == 0 or source is None:
                return "..."
            if isinstance(source, Call):
                name = source.name or self.text(source.callee, depth - 1)
                return f"{name}({', '.join(self.text(each, depth - 1) for each in source.args)})"
            if isinstance(source, TableCall):
                return f"{source.member}({', '.join(self.text(each, depth - 1) for each in source.args)})"
            return self.text(source[0], depth - 1) if len(source) == 1 else "..."

        return show(expr, result)

    def resolved(self, expr: Expr) -> Expr:
        """``expr``, or what the local that it is was given, where that is one thing."""
        for _ in range(_MAX_CHAIN):
            values = self.assigned.get(expr.id, []) if isinstance(expr, Name) else []
            if len(values) != 1:
                break
            expr = values[0]
        return expr

    def given(self, expr: Expr) -> Expr:
        """``expr``, or the one thing that the local or result that it is was given, numbers aside."""
        for _ in range(_MAX_CHAIN):
            values: list[Expr] = []
            if isinstance(expr, Name) and expr.id not in self.parameters:
                values = self.assigned.get(expr.id, [])
            elif isinstance(expr, Temp) and isinstance(source := self.results.get(expr.index), list):
                values = source
            left = [each for each in values if not _constant(each)]
            if len(left) != 1:
                break
            expr = left[0]
        return expr

    def identity(self, expr: Expr | None, budget: int = _MAX_CHAIN) -> Identity | None:
        """Whose vcpu (or virtual machine) ``expr`` stands for; None when not known."""
        while budget > 0:
            budget -= 1
            match expr:
                case Unary("*" | "&", operand):
                    expr = operand
                case Member(base, field):
                    inner = self.identity(base, budget)
                    return self._member(inner, field)
                case Index(base, _):
                    expr = base
                case Binary("+" | "-", base, _):
                    expr = base  # an element of the array that it points into
                case Name(name):
                    return self._name(name, budget)
                case Temp(index):
                    return self._result(self.results.get(index), budget)
                case _:
                    return None
        return None

    def _member(self, inner: Identity | None, field: str) -> Identity | None:
        if inner is None or inner.role is Role.VM:
            return None
        if field == self.shape.vm:
            return Identity(inner.root, Role.VM)
        named = self.shape.type.rpartition("_")[2] in field and field not in self.shape.back_pointers
        if named or field in self.elsewhere:
            return None  # "target_vcpu" and its like: some other vcpu
        return inner

    def _name(self, name: str, budget: int) -> Identity | None:
        if name in self.shape.running_variables:
            return Identity(RUNNING, Role.VCPU)
        if name not in self.memo:
            self.memo[name] = Identity(name, Role.VCPU)  # ends circles
            self.memo[name] = self._variable(name, budget)
        return self.memo[name]

    def _variable(self, name: str, budget: int) -> Identity | None:
        own = Identity(name, Role.VCPU)
        values = [each for each in self.assigned.get(name, []) if not _constant(each)]
        if name in self.parameters or name not in self.known:
            return own if not values else None
        found = {self.identity(each, budget) for each in values}
        if len(found) != 1:
            return own
        only = found.pop()
        # What is found through the virtual machine is one of its vcpus, not all of them.
        return own if only is None or (only.role is Role.VM and name in self.vcpus) else only

    def _result(self, source: list[Expr] | Call | TableCall | None, budget: int) -> Identity | None:
        if isinstance(source, list):
            found = {self.identity(each, budget) for each in source if not _constant(each)}
            return found.pop() if len(found) == 1 else None
        if not isinstance(source, Call):
            return None
        if source.name in self.shape.running_functions:
            return Identity(RUNNING, Role.VCPU)
        if source.name in self.shape.variable_readers or source.name in self.shape.embedding:
            return self.identity(source.args[0], budget) if source.args else None
        position = self.derived(source.name) if source.name else None
        if position is not None and position < len(source.args):
            return self.identity(source.args[position], budget)
        return None


def _constant(expr: Expr) -> bool:
    """Whether ``expr`` is a number, whatever its sign: it stands for no vcpu, and for none instead of one."""
    return isinstance(expr, Const) or (isinstance(expr, Unary) and _constant(expr.operand))
