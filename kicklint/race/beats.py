"""Beats: the events of a way through code, one after the other."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kicklint.base import Span
from kicklint.events import Event, Reach
from kicklint.flow import Const, Expr, Name, show
from kicklint.rulebook import EventKind, Order
from kicklint.typestate import Machine, RawStep

_TESTS = (EventKind.REQUEST_TEST, EventKind.REQUEST_CONSUME, EventKind.FLAG_TEST)


@dataclass(frozen=True, slots=True)
class Beat:
    """One event on a way. ``ignored`` says that the way goes on whatever a test finds.

    ``via`` is the call that it is an event of, where that was taken apart. A look at
    the mode ``sends`` an IPI in these modes (None: as the document says). A kick that
    ``throws`` stands for its IPI, since none is seen in its function.
    """

    event: Event
    function: str
    span: Span
    ignored: bool = False
    via: Beat | None = None
    sends: frozenset[int] | None = None
    throws: bool = False

    @property
    def kind(self) -> EventKind:
        """The event's kind."""
        return self.event.kind

    def attribute(self, name: str) -> str:
        """One of the event's further words; "" when it has none of that name."""
        return dict(self.event.attributes).get(name, "")

    @property
    def mode(self) -> str:
        """The mode that is written, when the text names it."""
        value = self.event.value
        return value.id if isinstance(value, Name) else ""

    @property
    def request(self) -> str:
        """The kind of request; "" for any."""
        return _text(self.event.request)


def looks(beat: Beat) -> bool:
    """Whether ``beat`` finds out the mode."""
    return finds_mode(beat.event)


def publishes(beat: Beat) -> bool:
    """Whether ``beat`` says on which CPU the vCPU is."""
    return beat.kind is EventKind.CPU_WRITE and beat.attribute("to") == "some"


def finds_mode(event: Event) -> bool:
    """Whether ``event`` finds out the mode: it reads it, or writes it and gives back what was there."""
    swaps = event.atomic or ("swaps", "yes") in event.attributes
    return event.kind is EventKind.MODE_READ or (event.kind is EventKind.MODE_WRITE and swaps)


def exchange_at(function: str, span: Span, name: str) -> tuple[Beat, Beat]:
    """The exchange of the mode as the document has it, behind its barrier, for a call of ``name``."""
    text, full = f"{name}()", (("order", Order.FULL.value),)
    said = f"full barrier in {text}"
    barrier = Event(EventKind.BARRIER, Reach.ANY, None, span, said, how=name, attributes=full)
    exchange = replace(
        barrier,
        text=text,
        kind=EventKind.MODE_WRITE,
        value=Name("EXITING_GUEST_MODE"),
        expected=Name("IN_GUEST_MODE"),
        atomic=True,
    )
    return Beat(barrier, function, span), Beat(exchange, function, span)


def _text(expr: Expr | None) -> str:
    return "" if expr is None or isinstance(expr, Const) else show(expr)


def ignored(step: RawStep, event: Event, machine: Machine) -> bool:
    """Whether the way goes on although a test has found something."""
    if event.kind not in _TESTS or step.after is None:
        return False
    request = "any" if event.request is None else show(event.request)
    results = {}
    for outcome in ("set", "clear"):
        attributes = {**dict(event.attributes), "outcome": outcome, "request": request, "how": event.how}
        results[outcome], _ = machine.step(step.before, event.kind, attributes, frozenset())
    return results["set"].state != results["clear"].state and step.after.state == results["set"].state
