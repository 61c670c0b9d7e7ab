"""What a pass over one function has to be able to ask of whoever runs it."""

from __future__ import annotations

from typing import Protocol

from kicklint.typestate.machine import Machine
from kicklint.typestate.program import Program
from kicklint.typestate.summary import Context, Summary


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

    @property
    def values(self) -> Runner | None:
        """What runs functions for their values; None where calls are not followed for values."""

    def run(self, context: Context) -> Summary:
        """The summary of ``context``."""

    def depend(self, unfinished: Context) -> None:
        """Note that what is being run used what ``unfinished`` has so far."""
