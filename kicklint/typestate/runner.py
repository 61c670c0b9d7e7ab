"""What a pass over one function has to be able to ask of whoever runs it."""

from __future__ import annotations

from typing import Protocol

from kicklint.events import CallSite, Target
from kicklint.typestate.machine import Machine
from kicklint.typestate.program import Program
from kicklint.typestate.summary import Context, Summary
from kicklint.typestate.values import Value


class Runner(Protocol):
    """What runs contexts and remembers their summaries."""

    program: Program
    machine: Machine
    excluded: frozenset[str]
    foreign: frozenset[str]
    learnt: tuple[str, frozenset[str]] | None
    summaries: dict[Context, Summary]
    own_thread: bool
    foreign_thread: bool

    def run(self, context: Context) -> Summary:
        """The summary of ``context``."""

    def in_kernel(self, path: str) -> bool:
        """Whether functions of the file ``path`` are there."""

    def targets(self, site: CallSite) -> tuple[Target, ...]:
        """The functions that ``site`` may call, of those that are there."""

    def value(self, context: Context) -> Value | None:
        """What a function returns in which nothing matters to the automaton; None for anything."""

    def depend(self, unfinished: Context) -> None:
        """Note that what is being run used what ``unfinished`` has so far."""
