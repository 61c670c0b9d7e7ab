"""Property simulation of one function (ESP: Das, Lerner, Seigle, PLDI 2002).

Paths are told apart only while their protocol states differ: at every node there
is one valuation of locals for each protocol state. Calls are taken through
summaries, from (callee, binding, entry state) to the states and values at return.
"""

from __future__ import annotations

from kicklint.rulebook import Automaton, Thread
from kicklint.typestate.call_run import CallRun
from kicklint.typestate.machine import BUSY, IDLE, Machine
from kicklint.typestate.program import Program
from kicklint.typestate.summary import Context, Summary

_MAX_DEPTH = 120
_MAX_RUNS = 6_000
# How deep calls are followed for a value.
_VALUE_DEPTH = 3

VALUES = Machine.of(Automaton(IDLE, Thread.ANY, "", {IDLE: "", BUSY: ""}, ()))
"""The automaton of functions that are run for their value: nothing matters to it."""


class Simulator:
    """Runs contexts of one automaton over one program, remembering summaries.

    Functions of the files in ``excluded`` are not there; those of the files in
    ``foreign`` are not reached through tables. ``learnt`` is the attribute that an earlier
    automaton of the rule has learnt, with its values. ``values`` runs the functions of which
    only the value that they return is wanted.
    """

    def __init__(
        self,
        program: Program,
        machine: Machine,
        excluded: frozenset[str],
        foreign: frozenset[str],
        learnt: tuple[str, frozenset[str]] | None = None,
        values: Simulator | None = None,
    ) -> None:
        self.learnt = learnt
        self.values = values
        self.foreign = foreign
        self.program = program
        self.excluded = excluded
        self.machine = machine
        self.summaries: dict[Context, Summary] = {}
        self.running: list[Context] = []
        self.runs = 0
        self.dependent: dict[Context, set[Context]] = {}
        self.own_thread = machine.automaton.thread is Thread.OWN
        self.foreign_thread = machine.automaton.thread in (Thread.OTHER, Thread.AWAY)

    def run(self, context: Context) -> Summary:
        """The summary of ``context``; recursion is taken to its least fixed point."""
        known = self.summaries.get(context)
        if known is not None:
            return known
        summary = Summary(context, partial=True)
        self.summaries[context] = summary
        if len(self.running) >= _MAX_DEPTH or self.runs > _MAX_RUNS:
            deep = self.runs <= _MAX_RUNS
            what = f"more than {_MAX_DEPTH} calls deep" if deep else "too much recursion to follow"
            summary.problems = (what,)
            summary.exits = {context.entry: None}
            return summary
        self.running.append(context)
        try:
            before = -1
            while before != _size(summary):
                before = _size(summary)
                for stale in self.dependent.pop(context, ()):
                    self.summaries.pop(stale, None)
                self.runs += 1
                CallRun(self, context, summary).run()
                if context not in self.dependent or self.runs > _MAX_RUNS:
                    break
        finally:
            self.running.pop()
        summary.partial = False
        return summary

    def depend(self, unfinished: Context) -> None:
        """Note that all contexts being run above ``unfinished`` used what it has so far."""
        if unfinished in self.running:
            above = self.running[self.running.index(unfinished) + 1 :]
            self.dependent.setdefault(unfinished, set()).update(above)


def _size(summary: Summary) -> int:
    return len(summary.exits) + len(summary.harms)


def value_runner(program: Program, excluded: frozenset[str], foreign: frozenset[str]) -> Simulator:
    """What runs functions for the values that they return, whatever the automaton: one for a program.

    It has runners of its own for what is called from there, so that a value does not
    depend on how deep the call was that asked for it first.
    """
    key = (Simulator, excluded, foreign)
    found = program.scratch.get(key)
    if not isinstance(found, Simulator):
        runner: Simulator | None = None
        for _ in range(_VALUE_DEPTH):
            runner = Simulator(program, VALUES, excluded, foreign, values=runner)
        assert runner is not None
        found = program.scratch[key] = runner
    return found
