"""What is known of one function run from one state: exits, harms, and the ways to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from kicklint.base import Span
from kicklint.events import Event, Role
from kicklint.rulebook import Automaton
from kicklint.typestate.machine import ProtocolState
from kicklint.typestate.values import Value

Binding = frozenset[tuple[str, Role]]
"""Which variables of a function stand for the tracked vcpu, or its virtual machine."""

Point = tuple[int, ProtocolState]
"""A node of the control-flow graph, in a protocol state."""


class Context(NamedTuple):
    """One way to run a function: who is the vcpu, from which state, with which constants."""

    function: str
    binding: Binding
    entry: ProtocolState
    constants: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class HarmKey:
    """A harm within a function: which transition, at which event."""

    transition: int
    span: Span


class Link(NamedTuple):
    """How a point was first reached: from ``previous``, through ``inner`` if by a call.

    ``inner`` is the callee's context with the exit state that is taken.
    """

    previous: Point | None
    inner: tuple[Context, ProtocolState] | None = None


@dataclass(frozen=True, slots=True)
class Harm:
    """Where a harm, or what a witness shows, happens: at ``point`` (``event``), or inside ``inner``."""

    point: Point
    event: Event
    inner: tuple[Context, HarmKey] | None = None


@dataclass(slots=True)
class Summary:
    """The outcome of running one context.

    ``exits`` maps the states in which the function returns to the values it may
    return then, ``outs`` to what it then has written where parameters point to.
    ``entered`` are the contexts of callees that were run, with where first. ``links`` has the first way
    to each point, ``alternatives`` all the ways out of calls to it. ``uses`` are all contexts whose
    summaries it was made from, ``valued`` those of functions that were run for their value.

    One that is ``recalled`` is of an earlier run: it has ``exits`` and ``outs`` and does no harm; the
    rest is not there (see Simulator.whole).
    """

    context: Context
    exits: dict[ProtocolState, Value | None] = field(default_factory=dict)
    outs: dict[ProtocolState, dict[str, Value]] = field(default_factory=dict)
    harms: dict[HarmKey, Harm] = field(default_factory=dict)
    links: dict[Point, Link] = field(default_factory=dict)
    alternatives: dict[Point, list[Link]] = field(default_factory=dict)
    entered: dict[Context, Point] = field(default_factory=dict)
    uses: set[Context] = field(default_factory=set)
    valued: set[Context] = field(default_factory=set)
    problems: tuple[str, ...] = ()
    partial: bool = False
    recalled: bool = False


class Setting(NamedTuple):
    """What all summaries of one simulator go by, beside the program; see Simulator."""

    automaton: Automaton
    excluded: frozenset[str]
    foreign: frozenset[str]
    learnt: tuple[str, frozenset[str]] | None
    depth: int


@dataclass(frozen=True, slots=True)
class Runs:
    """The summaries of one simulator, and the contexts whose summaries were made in a recursion."""

    setting: Setting
    summaries: dict[Context, Summary] = field(default_factory=dict)
    circular: set[Context] = field(default_factory=set)


Recall = Callable[[Context], Summary | None]
"""Gives the summary of a context from an earlier run, where it is known and would be made again."""
