"""Which vcpu's mode, requests, CPU or flag a place in memory is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kicklint.events.identity import RUNNING, Aliases, Role
from kicklint.flow import Call, ControlFlowGraph, Expr, Index, Member, Name, Temp, Unary
from kicklint.rulebook import Flag, Lexicon


@dataclass(frozen=True, slots=True)
class FlagNames:
    """The flags of a world, by the members, constants and functions that show them."""

    fields: Mapping[str, Flag] = field(default_factory=dict)
    constants: Mapping[str, Flag] = field(default_factory=dict)
    makes: Mapping[str, Flag] = field(default_factory=dict)
    tests: Mapping[str, Flag] = field(default_factory=dict)
    registers: Mapping[str, Flag] = field(default_factory=dict)

    @classmethod
    def of(cls, flags: Iterable[Flag]) -> FlagNames:
        """Arrange ``flags`` for look-up."""
        listed = tuple(flags)
        return cls(
            {name: flag for flag in listed for name in flag.fields},
            {name: flag for flag in listed for name in flag.constants},
            {name: flag for flag in listed for name in flag.makes},
            {name: flag for flag in listed for name in flag.tests},
            {name: flag for flag in listed for name in flag.registers},
        )

    def fields_relayed(self, name: str) -> bool:
        """Whether whoever reads the flag ``name`` is to kick for somebody who has set another one."""
        return any(flag.name == name and flag.relayed for flag in self.fields.values())

    @property
    def words(self) -> frozenset[str]:
        """Every name that may show a flag."""
        return frozenset({*self.fields, *self.constants, *self.makes, *self.tests, *self.registers})


class Places:
    """Tells the places of one function that the protocol is about."""

    def __init__(self, graph: ControlFlowGraph, lexicon: Lexicon, aliases: Aliases, flags: FlagNames) -> None:
        self.graph = graph
        self.shape = lexicon.vocabulary.vcpu
        self.modes = lexicon.vocabulary.modes
        self.aliases = aliases
        self.flags = flags
        self.types = {each.name: each.type for each in (*graph.parameters, *graph.locals)}
        self.vcpu_type = re.compile(rf"\b{re.escape(self.shape.type)}\b")
        self.word = self.shape.type.rpartition("_")[2]

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

    def written_mode(self, place: Expr, value: Expr) -> Expr | None:
        """The vcpu whose mode is written when ``value`` goes to ``place``, or None.

        A constant that is a mode makes it one, whatever the base is declared as.
        """
        vcpu = self.mode(place)
        if vcpu is not None or not isinstance(value, Name) or value.id not in self.modes:
            return vcpu
        if isinstance(place, Unary):
            place = place.operand
        if isinstance(place, Member) and place.field == self.shape.mode:
            return place.base
        if isinstance(place, Temp):  # a function that says where the mode of its argument is
            source = self.aliases.results.get(place.index)
            first = source.args[0] if isinstance(source, Call) and source.args else None
            return first if first is not None and self.is_vcpu(first) else None
        return place if isinstance(place, Name) and place.id in self.types else None

    def mode(self, place: Expr) -> Expr | None:
        """The vcpu whose mode ``place`` is, or None."""
        return self._field(place, self.shape.mode)

    def requests(self, place: Expr) -> Expr | None:
        """The vcpu whose requests ``place`` is, or None."""
        return self._field(place, self.shape.requests)

    def cpu(self, place: Expr) -> tuple[Expr, str] | None:
        """The vcpu whose CPU ``place`` says, and the name of the field, or None."""
        if isinstance(place, Unary) and place.op == "&":
            place = place.operand
        if not isinstance(place, Member) or place.field not in self.shape.cpus:
            return None
        base = place.base
        if self.is_vcpu(base):
            return base, place.field
        if isinstance(base, Member) and self.is_vcpu(_dereferenced(base.base)):
            return base.base, place.field
        return None

    def flag(self, place: Expr) -> tuple[Expr, str] | None:
        """What the flag in ``place`` belongs to, and its name, or None."""
        current: Expr = place
        while isinstance(current, Unary | Index | Member):
            if isinstance(current, Member) and current.field in self.flags.fields:
                if self.aliases.identity(current.base) is None:
                    return None
                return current.base, self.flags.fields[current.field].name
            current = current.operand if isinstance(current, Unary) else current.base
        return None

    def bit(self, bit: Expr, place: Expr) -> tuple[Expr, str] | None:
        """What the flag that is the bit ``bit`` of ``place`` belongs to, and its name, or None."""
        if isinstance(bit, Name) and bit.id in self.flags.constants:
            current = place.operand if isinstance(place, Unary) else place
            while isinstance(current, Index | Unary):
                current = current.base if isinstance(current, Index) else current.operand
            base = current.base if isinstance(current, Member) else current
            return base, self.flags.constants[bit.id].name
        return None

    def is_bits(self, name: str) -> bool:
        """Whether the flag ``name`` is a bit in a word."""
        return any(flag.name == name for flag in self.flags.constants.values())

    def named_bits(self, names: Iterable[str]) -> tuple[str, ...]:
        """The flags that are bits and go by one of ``names``, in order."""
        constants = self.flags.constants
        return tuple(sorted({constants[each].name for each in names if each in constants}))

    def running(self, expr: Expr) -> bool:
        """Whether ``expr`` is the vcpu that this CPU runs."""
        identity = self.aliases.identity(expr)
        return identity is not None and identity.role is Role.VCPU and identity.root == RUNNING

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


def _dereferenced(expr: Expr) -> Expr:
    return expr.operand if isinstance(expr, Unary) and expr.op == "*" else expr
