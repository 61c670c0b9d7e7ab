"""Reads and writes as events: loads, stores, accessors and bit operations."""

from __future__ import annotations

from dataclasses import replace

from kicklint.events.kinds import EITHER, Kinds
from kicklint.events.masks import added, looked_at, only
from kicklint.events.model import Event, Reach
from kicklint.events.places import Places
from kicklint.flow import Binary, Branch, Call, Const, Expr, Load, Name, Node, Store, Temp, Unary, show
from kicklint.rulebook import Access, Accessor, BitOperation, EventKind, Lexicon, Order

_FLAG_EVENTS = {
    EventKind.REQUEST_MAKE: EventKind.FLAG_MAKE,
    EventKind.REQUEST_TEST: EventKind.FLAG_TEST,
    EventKind.REQUEST_CONSUME: EventKind.FLAG_CLEAR,
}
_SWAPS = (("swaps", "yes"),)
_RAW = (("raw", "yes"),)


def ordered(order: Order) -> tuple[tuple[str, str], ...]:
    """The attribute that says what an access orders."""
    return (("order", order.value),)


class Accesses:
    """Finds the events that reads and writes of one function are."""

    def __init__(self, places: Places, lexicon: Lexicon) -> None:
        self.places = places
        self.lexicon = lexicon
        self.aliases = places.aliases
        self.kinds = Kinds(places.graph, lexicon, places.aliases)

    def load(self, load: Load, node: Node) -> Event | None:
        """The event of a plain read, or None."""
        return self._read(load.place, load.dst, node, "plain", Order.NONE)

    def _read(self, place: Expr, dst: int, node: Node, how: str, order: Order) -> Event | None:
        text = self.aliases.text(place)
        vcpu = self.places.mode(place)
        if vcpu is not None:
            kind = EventKind.MODE_READ
            return Event(kind, Reach.VCPU, vcpu, node.span, text, how=how, dst=dst, attributes=ordered(order))
        vcpu = self.places.requests(place)
        if vcpu is not None:
            return Event(
                EventKind.REQUEST_TEST,
                Reach.VCPU,
                vcpu,
                node.span,
                text,
                how=how,
                forks=True,
                dst=dst,
                attributes=(*ordered(order), *_RAW),
            )
        cpu = self.places.cpu(place)
        if cpu is not None:
            said = (("cpu", cpu[1]),)
            return Event(
                EventKind.CPU_READ,
                Reach.VCPU,
                cpu[0],
                node.span,
                text,
                how=how,
                dst=dst,
                place=place,
                attributes=said,
            )
        flag = self.places.flag(place)
        if flag is not None and self.places.flags.fields_relayed(flag[1]):
            relayed = (("flag", flag[1]), ("relayed", "yes"), *ordered(Order.FULL))
            return Event(EventKind.FLAG_MAKE, Reach.ANY, None, node.span, text, how=how, attributes=relayed)
        if flag is not None:
            if self.places.is_bits(flag[1]):
                return self._word(flag, node, text, how, dst, order, place)
            return replace(self._flag(EventKind.FLAG_TEST, flag, node, text, how, dst, order), place=place)
        return None

    def _word(
        self, flag: tuple[Expr, str], node: Node, text: str, how: str, dst: int, order: Order, place: Expr
    ) -> Event | None:
        """A look at the word that the flag is a bit of, for the flags that it is masked with; else None."""
        masked = looked_at(self.places.graph, dst)
        looks = None if masked is None else self.places.named_bits(masked)
        if looks is not None:
            if not looks:
                return None
            flag = flag if flag[1] in looks else (flag[0], looks[0])
        event = self._flag(EventKind.FLAG_TEST, flag, node, text, how, dst, order)
        said = (("bits", "yes"), ("looks", "any" if looks is None else " ".join(looks)))
        return replace(event, place=place, attributes=(*event.attributes, *said))

    def _flag(
        self,
        kind: EventKind,
        flag: tuple[Expr, str],
        node: Node,
        text: str,
        how: str,
        dst: int | None = None,
        order: Order = Order.NONE,
    ) -> Event:
        base = show(self.aliases.resolved(flag[0])).rpartition(".")[2].rpartition(">")[2]
        attributes = (("flag", flag[1]), ("place", base.strip("()*&")), *ordered(order))
        return Event(kind, Reach.VCPU, flag[0], node.span, text, how=how, dst=dst, attributes=attributes)

    def store(self, store: Store, node: Node) -> Event | None:
        """The event of a plain write, or None."""
        compared = self._self_test(store.value, node) or self._pointed(store, node)
        if isinstance(store.place, Name | Temp):
            return self._stored_constant(store, node) or compared
        text = f"{self.aliases.text(store.place)} {store.op}= {self.aliases.text(store.value)}"
        vcpu = self.places.mode(store.place)
        if vcpu is not None:
            kind = EventKind.MODE_WRITE
            return Event(
                kind,
                Reach.VCPU,
                vcpu,
                node.span,
                text,
                how="plain",
                value=store.value,
                attributes=ordered(Order.NONE),
            )
        vcpu = self.places.requests(store.place)
        if vcpu is not None:
            made = store.op == "|" or (not store.op and store.value != Const(0))
            kind = EventKind.REQUEST_MAKE if made else EventKind.REQUEST_CONSUME
            text = self.aliases.text(store.place)
            return Event(kind, Reach.VCPU, vcpu, node.span, text, how="plain", attributes=_RAW)
        cpu = self.places.cpu(store.place)
        if cpu is not None:
            said = (("cpu", cpu[1]), ("to", _published(store.value)))
            return Event(
                EventKind.CPU_WRITE, Reach.VCPU, cpu[0], node.span, text, how="plain", attributes=said
            )
        return self._stored_constant(store, node) or self._flag_store(store, node, text) or compared

    def _pointed(self, store: Store, node: Node) -> Event | None:
        """A flag that a local is made to point at: it is looked at through it."""
        if isinstance(store.place, Name) and isinstance(store.value, Unary) and store.value.op == "&":
            flag = self.places.flag(store.value)
            if flag is not None:
                return self._flag(EventKind.FLAG_TEST, flag, node, self.aliases.text(store.value), "pointer")
        return None

    def handed(self, call: Call, node: Node) -> Event | None:
        """A flag whose address is handed to a function outside of the tree: it is looked at there."""
        for argument in call.args:
            if isinstance(argument, Unary) and argument.op == "&":
                flag = self.places.flag(argument)
                if flag is not None:
                    text = f"{call.name}({self.aliases.text(argument)})"
                    return self._flag(EventKind.FLAG_TEST, flag, node, text, call.name)
        return None

    def _flag_store(self, store: Store, node: Node, text: str) -> Event | None:
        changed = self._bit_store(store.place, store.value, store.op)
        if changed is not None:
            return self._flag(changed[0], changed[1], node, text, "plain")
        flag = self.places.flag(store.place)
        if flag is None or self._other_bit(flag, store.value):
            return None
        cleared = (not store.op and store.value == Const(0)) or store.op == "&"
        return self._flag(EventKind.FLAG_CLEAR if cleared else EventKind.FLAG_MAKE, flag, node, text, "plain")

    def _bit_store(self, place: Expr, value: Expr, op: str) -> tuple[EventKind, tuple[Expr, str]] | None:
        """The flag that is a bit of ``place`` and is set or cleared when ``value`` goes there, or None."""
        kept = value
        if not op and isinstance(value, Binary) and value.op == "&":
            op, kept = "&", value.right if isinstance(value.right, Unary) else value.left
        if op == "&":
            names = added(kept.operand) if isinstance(kept, Unary) and kept.op == "~" else []
            kind = EventKind.FLAG_CLEAR
        else:
            names = added(value) if op in ("", "|") else []
            kind = EventKind.FLAG_MAKE
        for name in names:
            bit = self.places.bit(Name(name), place)
            if bit is not None:
                return kind, bit
        return None

    def _other_bit(self, flag: tuple[Expr, str], value: Expr) -> bool:
        """Whether ``value`` is bits of a word, by name, and that of ``flag`` is not one of them."""
        if isinstance(value, Unary) and value.op == "~":
            value = value.operand
        names = only(value) if self.places.is_bits(flag[1]) else None
        return (
            names is not None and not self.places.named_bits(names) and not names & self.places.types.keys()
        )

    def _stored_constant(self, store: Store, node: Node) -> Event | None:
        for name in added(store.value):
            found = self.lexicon.stored.get(name)
            if found is not None and store.op in ("", "|"):
                return Event(found.event, Reach.ANY, None, node.span, name)
        return None

    def branch(self, branch: Branch, node: Node) -> Event | None:
        """The event of a condition that compares a vcpu with the running one, or asks for a kind, or None."""
        return self._self_test(branch.condition, node) or self._unlogged(branch.condition, node)

    def _unlogged(self, condition: Expr, node: Node) -> Event | None:
        how = self.kinds.unlogged(condition)
        if not how:
            return None
        text = self.aliases.text(condition)
        return Event(EventKind.UNLOGGED, Reach.ANY, None, node.span, text, how=how, forks=how != EITHER)

    def _self_test(self, expr: Expr, node: Node) -> Event | None:
        if not isinstance(expr, Binary) or expr.op not in ("==", "!="):
            return None
        left, right = self.places.running(expr.left), self.places.running(expr.right)
        if left == right:
            return None
        subject = expr.right if left else expr.left
        if not self.places.is_vcpu(subject) and self.aliases.identity(subject) is None:
            return None
        return Event(
            EventKind.SELF_TEST,
            Reach.VCPU,
            subject,
            node.span,
            self.aliases.text(expr),
            how=expr.op,
            forks=True,
            boolean=True,
        )

    def call(self, call: Call, node: Node, text: str) -> Event | None:
        """The event of an accessor or a bit operation, or None."""
        accessor = self.lexicon.accessors.get(call.name)
        if accessor is not None and accessor.place < len(call.args):
            return self._accessor(call, accessor, node, text)
        operation = self.lexicon.bits.get(call.name)
        if operation is not None and operation.place < len(call.args):
            return self._bit(call, operation, node, text)
        return None

    def _bit(self, call: Call, operation: BitOperation, node: Node, text: str) -> Event | None:
        place, bit = call.args[operation.place], call.args[operation.bit]
        vcpu = self.places.requests(place)
        if vcpu is None:
            flag = self.places.bit(bit, place) or self.places.flag(place)
            kind = _FLAG_EVENTS[operation.event]
            return (
                None
                if flag is None
                else self._flag(kind, flag, node, text, call.name, call.dst, operation.order)
            )
        forks = operation.event is EventKind.REQUEST_TEST or "test_and" in call.name
        return Event(
            operation.event,
            Reach.VCPU,
            vcpu,
            node.span,
            text,
            how=call.name,
            request=bit,
            forks=forks and operation.event is not EventKind.REQUEST_MAKE,
            boolean=True,
            dst=call.dst,
            attributes=(*ordered(operation.order), *_RAW, ("masked", self._masked(bit))),
        )

    def _masked(self, bit: Expr) -> str:
        """Whether the flags are taken off the kind of request ``bit``; "" when that is not known."""
        shape = self.places.shape
        number = self.aliases.resolved(bit)
        if isinstance(number, Binary) and number.op == "&":
            sides = (number.left, number.right)
            mask = Name(shape.request_mask)
            return "yes" if mask in sides else "no" if Unary("~", mask) in sides else ""
        if not isinstance(number, Name):
            return ""
        given = number.id in self.aliases.parameters and number.id not in self.aliases.assigned
        return "no" if given or number.id.startswith(shape.request_prefix) else ""

    def _accessor(self, call: Call, accessor: Accessor, node: Node, text: str) -> Event | None:
        place = call.args[accessor.place]
        if accessor.access is Access.READ:
            return self._read(place, call.dst, node, call.name, accessor.order)
        if accessor.value is None or accessor.value >= len(call.args):
            return None
        value = call.args[accessor.value]
        if accessor.access in (Access.SET_BITS, Access.CLEAR_BITS):
            return self._bits(call, accessor, node, text)
        vcpu = self.places.written_mode(place, value)
        if vcpu is None:
            return self._other_write(call, accessor, node, text)
        expected = accessor.expected
        return Event(
            EventKind.MODE_WRITE,
            Reach.VCPU,
            vcpu,
            node.span,
            text,
            how=call.name,
            value=value,
            expected=call.args[expected] if expected is not None and expected < len(call.args) else None,
            atomic=accessor.access is Access.EXCHANGE,
            dst=call.dst,
            attributes=(*ordered(accessor.order), *(_SWAPS if accessor.swaps else ())),
        )

    def _bits(self, call: Call, accessor: Accessor, node: Node, text: str) -> Event | None:
        assert accessor.value is not None
        place, value = call.args[accessor.place], call.args[accessor.value]
        kind = EventKind.FLAG_MAKE if accessor.access is Access.SET_BITS else EventKind.FLAG_CLEAR
        flags = [each for name in added(value) if (each := self.places.bit(Name(name), place)) is not None]
        flag = flags[0] if flags else self.places.flag(place)
        if flag is None or (not flags and self._other_bit(flag, value)):
            return None
        return self._flag(kind, flag, node, text, call.name, call.dst)

    def _other_write(self, call: Call, accessor: Accessor, node: Node, text: str) -> Event | None:
        """A write through an accessor to the requests, the CPU or a flag."""
        assert accessor.value is not None
        place, value = call.args[accessor.place], call.args[accessor.value]
        vcpu = self.places.requests(place)
        if vcpu is not None:
            kind = EventKind.REQUEST_CONSUME if value == Const(0) else EventKind.REQUEST_MAKE
            return Event(kind, Reach.VCPU, vcpu, node.span, text, how=call.name, attributes=_RAW)
        cpu = self.places.cpu(place)
        if cpu is not None:
            said = (("cpu", cpu[1]), ("to", _published(value)), *ordered(accessor.order))
            return Event(
                EventKind.CPU_WRITE, Reach.VCPU, cpu[0], node.span, text, how=call.name, attributes=said
            )
        changed = self._bit_store(place, value, "")
        if changed is not None:
            return self._flag(changed[0], changed[1], node, text, call.name, call.dst, accessor.order)
        flag = self.places.flag(place)
        if flag is None or self._other_bit(flag, value):
            return None
        kind = EventKind.FLAG_CLEAR if value == Const(0) else EventKind.FLAG_MAKE
        return self._flag(kind, flag, node, text, call.name, call.dst, accessor.order)


def _published(value: Expr) -> str:
    """Whether the number of a CPU is written, or that there is none."""
    return "none" if show(value) == "-1" else "some"
