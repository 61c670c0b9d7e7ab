"""Events: what a node of a control-flow graph means to the protocol."""

from __future__ import annotations

import enum
from collections.abc import Hashable
from dataclasses import dataclass, field

from kicklint.base import Span
from kicklint.events.identity import Aliases
from kicklint.flow import ControlFlowGraph, Expr
from kicklint.rulebook import EventKind

HANDED = "handed"
"""As the place of a guest entry: what a caller has handed in."""


class Reach(enum.StrEnum):
    """Which vcpus an event concerns."""

    VCPU = "vcpu"
    VM = "vm"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the protocol at one node.

    ``subject`` is the vcpu (or, with Reach.VM, the virtual machine whose every vcpu
    is meant; with Reach.ANY whatever vcpu the thread runs). ``value`` is the mode
    that is written, ``request`` the kind of request ("" when any or not known).
    With ``forks`` the outcome is not known before: the event happens with outcome
    ``set`` and result not zero, or with outcome ``clear`` and result zero; ``dst``
    is the temporary that holds the result, 1 or 0 when ``boolean``. ``saved`` is where
    an interrupt state is kept or taken from; with ``holds`` interrupts stay away, or
    cease to, whatever else is done about them. ``place`` is what is read.
    ``attributes`` are further words for the rules, pairs of name and value.
    """

    kind: EventKind
    reach: Reach
    subject: Expr | None
    span: Span
    text: str
    how: str = ""
    value: Expr | None = None
    expected: Expr | None = None
    atomic: bool = False
    request: Expr | None = None
    forks: bool = False
    boolean: bool = False
    dst: int | None = None
    saved: Expr | None = None
    holds: bool = False
    place: Expr | None = None
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """One function that a call may reach; ``through`` names the table's member, if any."""

    function: str
    args: tuple[Expr, ...]
    through: str = ""


@dataclass(frozen=True, slots=True)
class CallSite:
    """What a call node may do: any of ``targets``, any of ``events``.

    With neither, the call does something that is not in the tree, or calls
    ``callee``, a variable whose value may be known where it is run.
    """

    targets: tuple[Target, ...]
    events: tuple[Event, ...]
    text: str
    callee: Expr | None = None
    args: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class EventGraph:
    """A control-flow graph with its events.

    ``events`` maps nodes to the event that always happens there; ``calls`` maps
    call nodes to what they may reach; ``aliases`` tells whose vcpu an expression is.
    ``notes`` is for what others work out about the first three, once.
    """

    graph: ControlFlowGraph
    events: dict[int, Event]
    calls: dict[int, CallSite]
    aliases: Aliases = field(repr=False)
    notes: dict[Hashable, object] = field(default_factory=dict, repr=False, compare=False)
