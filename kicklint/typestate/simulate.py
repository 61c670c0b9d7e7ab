"""Property simulation of one function (ESP: Das, Lerner, Seigle, PLDI 2002).

Paths are told apart only while their protocol states differ: at every node there
is one valuation of locals for each protocol state. Calls are taken through
summaries, from (callee, binding, entry state) to the states and values at return.
"""

from __future__ import annotations

from kicklint.rulebook import Thread
from kicklint.typestate.call_run import CallRun
from kicklint.typestate.machine import Machine
from kicklint.typestate.program import Program
from kicklint.typestate.summary import Context, Summary

_MAX_DEPTH = 120
_MAX_RUNS = 6_000


class Simulator:
    """Runs contexts of one automaton over one program, remembering summaries.

    Functions of the files in ``excluded`` are not there; those of the files in
    ``foreign`` are not reached through tables. ``learnt`` is the attribute that an earlier
    automaton of the rule has learnt, with its values.
    """

    def __init__(
        self,
        program: Program,
        machine: Machine,
        excluded: frozenset[str],
        foreign: frozenset[str],
        learnt: tuple[str, frozenset[str]] | None = None,
    ) -> None:
        self.learnt = learnt
        self.foreign = foreign
        self.program = program
        self.excluded = excluded
        self.machine = machine
        self.summaries: dict[Context, Summary] = {}
        self.running: list[Context] = []
        self.runs = 0
        self.dependent: dict[Context, set[Context]] = {}
        self.value_depth = 0
        self.own_thread = machine.automaton.thread is Thread.OWN

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
