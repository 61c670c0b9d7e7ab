"""Property simulation of one function (ESP: Das, Lerner, Seigle, PLDI 2002).

Paths are told apart only while their protocol states differ: at every node there
is one valuation of locals for each protocol state. Calls are taken through
summaries, from (callee, binding, entry state) to the states and values at return.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

from kicklint.events import CallSite, Target
from kicklint.rulebook import Automaton, Thread
from kicklint.typestate.call_run import CallRun
from kicklint.typestate.machine import BUSY, IDLE, Machine
from kicklint.typestate.program import Program
from kicklint.typestate.sharing import NEVER, Answers, Asked, Record, Shared, kernel, through_tables
from kicklint.typestate.summary import Context, Harm, HarmKey, Runs, Setting, Summary
from kicklint.typestate.values import Value, join

_MAX_DEPTH = 120
_MAX_RUNS = 6_000
TOO_MUCH = "too much to follow behind it"
"""What is wrong with a context that is not run any more. It is the search's fault, and no function's."""
VALUE_DEPTH = 3
"""How deep calls are followed for a value: so many runners stand below one that runs an automaton."""

VALUES = Machine.of(Automaton(IDLE, Thread.ANY, "", {IDLE: "", BUSY: ""}, ()))
"""The automaton of functions that are run for their value: nothing matters to it."""


class Simulator:
    """Runs contexts of one automaton over one program, remembering summaries.

    Functions of the files in ``excluded`` are not there; those of the files in
    ``foreign`` are not reached through tables. ``learnt`` is the attribute that an earlier
    automaton of the rule has learnt, with its values. ``values`` runs the functions of which
    only the value that they return is wanted; ``depth`` is how many such runners stand below it.
    ``shared`` is what the simulators of the same automaton for other kernels have found.
    """

    def __init__(
        self,
        program: Program,
        machine: Machine,
        excluded: frozenset[str],
        foreign: frozenset[str],
        learnt: tuple[str, frozenset[str]] | None = None,
        values: Simulator | None = None,
        shared: Shared | None = None,
        depth: int = VALUE_DEPTH,
    ) -> None:
        self.learnt = learnt
        self.values = values
        self.foreign = foreign
        self.program = program
        self.excluded = excluded
        self.machine = machine
        runs = Runs(Setting(machine.automaton, excluded, foreign, learnt, depth))
        self.summaries = runs.summaries
        self.circular = runs.circular
        self.recall = program.recall(runs)
        self.running: list[Context] = []
        self.runs = 0
        # The functions that were begun with when there was too much to run.
        self.cut: set[str] = set()
        self.dependent: dict[Context, set[Context]] = {}
        # What an earlier round of a recursion has found for the contexts that are run again in the next.
        self.earlier: dict[Context, Summary] = {}
        self.own_thread = machine.automaton.thread is Thread.OWN
        self.foreign_thread = machine.automaton.thread in (Thread.OTHER, Thread.AWAY)
        self.shared = Shared() if shared is None else shared
        self.records: dict[Context, Record] = {}
        self.changed: set[Context] = set()
        self._values: dict[Context, tuple[Value | None, Record | None]] = {}
        # By identity, with the site so that it lives.
        self._targets: dict[int, tuple[CallSite, tuple[Target, ...], Answers]] = {}
        self._answers = kernel(excluded, foreign)
        self._asked: list[Asked] = []

    def run(self, context: Context) -> Summary:
        """The summary of ``context``; recursion is taken to its least fixed point."""
        known = self.summaries.get(context)
        if known is None:
            known = self._recalled(context) or self._taken_over(context) or self._run(context)
        if self._asked:
            self._note(context)
        return known

    def whole(self, context: Context) -> Summary:
        """The summary of ``context`` with the ways through it, which one that was recalled has not."""
        known = self.run(context)
        if not known.recalled:
            return known
        del self.summaries[context]
        return self._taken_over(context) or self._run(context)

    def mend(self) -> None:
        """Make summaries again whose harms lie in callees that have lost them.

        A part of a recursion is made anew when more of the recursion is known. What used it
        before, and is not made anew, may name a harm that is not there any more.
        """
        for context, summary in list(self.summaries.items()):
            if not all(self.leads_to_harm(context, key) for key in summary.harms):
                del self.summaries[context]
                self._run(context)

    def leads_to_harm(self, context: Context, key: HarmKey) -> bool:
        """Whether the harm ``key`` of ``context`` is there, down to the function in which it happens."""
        seen = set()
        while (context, key) not in seen:
            seen.add((context, key))
            summary = self.summaries.get(context)
            harm = summary.harms.get(key) if summary is not None else None
            if harm is None:
                return False
            if harm.inner is None:
                return True
            context, key = harm.inner
        return True  # a recursion: the way is the same again

    def _recalled(self, context: Context) -> Summary | None:
        known = self.recall(context) if self.recall is not None else None
        if known is not None:
            self.summaries[context] = known
        return known

    def _run(self, context: Context) -> Summary:
        summary = Summary(context, partial=True)
        self.summaries[context] = summary
        if len(self.running) >= _MAX_DEPTH or self.runs > _MAX_RUNS:
            deep = self.runs <= _MAX_RUNS
            summary.problems = (f"more than {_MAX_DEPTH} calls deep" if deep else TOO_MUCH,)
            summary.exits = {context.entry: None}
            if not deep:
                self.cut.add((self.running or [context])[0].function)
            return summary
        asked = Asked(len(self.running))
        self.running.append(context)
        self._asked.append(asked)
        try:
            self._rounds(summary, asked)
        finally:
            self.running.pop()
            self._asked.pop()
            if not self.running:
                self.earlier.clear()
        summary.partial = False
        self._keep(summary, asked)
        return summary

    def _rounds(self, summary: Summary, asked: Asked) -> None:
        """Run the context of ``summary`` until nothing is added: once, unless it is part of a recursion.

        What the round before of a recursion further out has found is there still: states only
        come to be more with what is known. So a round that adds nothing runs each part once.
        """
        context = summary.context
        earlier = self.earlier.pop(context, None)
        if earlier is not None:
            summary.exits.update(earlier.exits)
            summary.outs.update(earlier.outs)
        before = -1
        while before != _size(summary):
            before = _size(summary)
            # Of an earlier round there may be some that are being run again, further out.
            for stale in self.dependent.pop(context, set()).difference(self.running):
                known = self.summaries.pop(stale, None)
                if known is not None:
                    self.earlier[stale] = known
                    record = self.records.pop(stale, None)
                    asked.runs += record.runs if record is not None else 0
                    asked.lost(stale)
            self.runs += 1
            asked.runs += 1
            CallRun(self, context, summary).run()
            if context not in self.dependent or self.runs > _MAX_RUNS:
                break
            if earlier is not None and _same(earlier, summary):
                break
            earlier = None

    def _keep(self, summary: Summary, asked: Asked) -> None:
        """Keep where ``summary`` came from, for other kernels where it can be."""
        context = summary.context
        asked.reached.pop(context, None)
        below = dict(asked.reached)
        records: tuple[Record, ...] = ()
        whole = asked.lowest >= asked.depth and self.runs <= _MAX_RUNS
        if whole:
            records = tuple(self.records[each] for each in below if each in self.records)
            whole = len(records) == len(below)
        record = Record(
            frozenset(asked.yes),
            frozenset(asked.no),
            summary,
            whole,
            self.running[asked.lowest] if NEVER < asked.lowest < asked.depth else None,
            asked.height,
            asked.runs,
            below,
            records if whole else (),
        )
        self.records[context] = record
        if whole:
            self.shared.add(record)

    def _taken_over(self, context: Context) -> Summary | None:
        """The summary that a run would give, as found for another kernel; None where it has to be run."""
        found = self.shared.find(context, self._answers, self.records, self.running, self.changed)
        runs = sum(each.runs for each in found)
        if not found or len(self.running) + found[0].height >= _MAX_DEPTH or self.runs + runs > _MAX_RUNS:
            return None
        self.runs += runs
        for each in found:
            self.summaries[each.summary.context] = each.summary
            self.records[each.summary.context] = each
        return found[0].summary

    def _note(self, context: Context) -> None:
        """Note that what is being run uses the summary of ``context`` as it is now."""
        asked = self._asked[-1]
        record = self.records.get(context)
        if context in self.running:
            asked.went_by(self.running.index(context))
            asked.reached.setdefault(context)
        elif record is None or context in self.changed:
            asked.went_by(NEVER)
        else:
            asked.used(context, record)
            if not record.whole:
                head = record.head
                asked.went_by(self.running.index(head) if head in self.running else NEVER)

    def value(self, context: Context) -> Value | None:
        """What a function returns in which nothing matters to the automaton; None for anything."""
        if self.values is None:
            return None
        self.summaries[self.running[-1]].valued.add(context)
        found = self._values.get(context)
        if found is None:
            found = self._values[context] = self._value(self.values, context)
        value, record = found
        if record is None:
            self._asked[-1].went_by(NEVER)
        else:
            self._asked[-1].answered(record)
        return value

    def _value(self, runner: Simulator, context: Context) -> tuple[Value | None, Record | None]:
        """What ``runner`` finds for ``context``, and where it comes from if that may be shared."""
        callee = runner.run(context)
        record = runner.records.get(context)
        straight = record if record is not None and record.straight else None
        if callee.partial or any(each.plain != context.entry for each in callee.exits):
            return None, straight
        values = list(callee.exits.values())
        return (reduce(join, values) if values else None), straight

    def targets(self, site: CallSite) -> tuple[Target, ...]:
        """The functions that ``site`` may call, of those that are there."""
        found = self._targets.get(id(site))
        if found is None:
            questions = [
                word
                for each in site.targets
                for path in (self.program.path(each.function),)
                for word in ((path, through_tables(path)) if each.through else (path,))
            ]
            yes = self._answers.intersection(questions)
            kept = tuple(each for each in site.targets if self._reaches(each))
            found = self._targets[id(site)] = (site, kept, Answers(yes, frozenset(questions) - yes))
        self._asked[-1].answered(found[2])
        return found[1]

    def _reaches(self, target: Target) -> bool:
        path = self.program.path(target.function)
        return path not in self.excluded and not (target.through and path in self.foreign)

    def in_kernel(self, path: str) -> bool:
        """Whether functions of the file ``path`` are there."""
        excluded = path in self.excluded
        (self._asked[-1].yes if excluded else self._asked[-1].no).add(path)
        return not excluded

    def add_harm(self, context: Context, key: HarmKey, harm: Harm) -> None:
        """Put ``harm`` down in the summary of ``context`` as well, of this kernel alone."""
        known = self.summaries.get(context)
        if known is not None and key not in known.harms:
            self.summaries[context] = replace(known, harms={**known.harms, key: harm})
            self.changed.add(context)

    def depend(self, unfinished: Context) -> None:
        """Note that all contexts being run above ``unfinished`` used what it has so far."""
        if unfinished in self.running:
            above = self.running[self.running.index(unfinished) + 1 :]
            self.dependent.setdefault(unfinished, set()).update(above)
            self.circular.update((unfinished, *above))


def _size(summary: Summary) -> int:
    return len(summary.exits) + len(summary.harms)


def _same(one: Summary, other: Summary) -> bool:
    """Whether two summaries of one context say the same to its callers."""
    return one.exits == other.exits and one.outs == other.outs and one.harms.keys() == other.harms.keys()


def value_runner(program: Program, excluded: frozenset[str], foreign: frozenset[str]) -> Simulator:
    """What runs functions for the values that they return, whatever the automaton: one for a program.

    It has runners of its own for what is called from there, so that a value does not
    depend on how deep the call was that asked for it first.
    """
    key = (Simulator, excluded, foreign)
    found = program.scratch.get(key)
    if not isinstance(found, Simulator):
        runner: Simulator | None = None
        for depth in range(VALUE_DEPTH):
            shared = program.scratch.setdefault((Shared, depth), Shared())
            assert isinstance(shared, Shared)
            runner = Simulator(program, VALUES, excluded, foreign, values=runner, shared=shared, depth=depth)
        assert runner is not None
        found = program.scratch[key] = runner
    return found
