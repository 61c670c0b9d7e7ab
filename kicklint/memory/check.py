"""A program to a verdict: can its condition come true, and how."""

from __future__ import annotations

import enum
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from kicklint.memory.axioms import Execution, Skeleton, judge
from kicklint.memory.candidates import Choice, Placed, choices, combine
from kicklint.memory.errors import Declined
from kicklint.memory.evaluate import evaluate, truth
from kicklint.memory.program import (
    Constant,
    Expression,
    Final,
    Operation,
    Program,
    Value,
    conjuncts,
    leaves,
)
from kicklint.memory.unfold import Trace, Unfolding

# Combinations of traces, and of choices within them, that are looked at.
_COMBINATIONS = 400_000
_CANDIDATES = 200_000


class Verdict(enum.StrEnum):
    """herd7's words: how many of the executions end in the condition."""

    NEVER = "Never"
    SOMETIMES = "Sometimes"
    ALWAYS = "Always"


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict, an execution that ends in the condition, and whether a plain access races in one."""

    verdict: Verdict
    witness: Execution | None = None
    races: bool = False


def check(program: Program, *, bound: int = _CANDIDATES) -> Answer:
    """Whether ``program`` can end in its condition. Raises Declined."""
    search = _Search(program, bound)
    witness = search.first(program.condition)
    if witness is None:
        return Answer(Verdict.NEVER, None, search.races)
    other = search.first(Operation("!", (program.condition,)))
    verdict = Verdict.ALWAYS if other is None else Verdict.SOMETIMES
    return Answer(verdict, witness, search.races)


class _Search:
    def __init__(self, program: Program, bound: int) -> None:
        self._program = program
        self._unfolding = Unfolding(program)
        self._initial = dict(program.initial)
        self._bound = bound
        self.races = False

    def first(self, condition: Expression) -> Execution | None:
        """An allowed execution that ends in ``condition``, if there is one; one of few events."""
        keep = [condition] if self._program.keep is None else [condition, self._program.keep]
        parts = [part for each in keep for part in conjuncts(each)]
        traces = [self._kept(index, parts) for index in range(len(self._program.threads))]
        total = 1
        for each in traces:
            total *= len(each)
        if total > _COMBINATIONS:
            raise Declined(f"a program with too many outcomes ({total} combinations)")
        looked = 0
        for combination in self._satisfiable(traces, parts):
            for execution, count in self._executions(combination, parts):
                looked += count
                if looked > self._bound:
                    raise Declined("a program with too many executions")
                if execution is not None:
                    self.races = self.races or execution.races
                    return execution
        return None

    def _satisfiable(self, traces: list[list[Trace]], parts: list[Expression]) -> Iterator[tuple[Trace, ...]]:
        """The combinations that write what every read finds, and what is to be there at the end."""
        written = [[each.values("W") for each in one] for one in traces]
        ends = {wanted for part in parts if (wanted := _left(part)) is not None}
        ends = {each for each in ends if self._initial.get(each[0], 0) != each[1]}
        options = [list(zip(one, writes, strict=True)) for one, writes in zip(traces, written, strict=True)]
        for end in ends:
            owners = [n for n, writes in enumerate(written) if any(end in each for each in writes)]
            if len(owners) == 1:  # nobody else writes it
                options[owners[0]] = [each for each in options[owners[0]] if end in each[1]]
        needed = {
            id(each): frozenset(read for read in each.values("R") if self._initial.get(read[0], 0) != read[1])
            for one in traces
            for each in one
        }
        for combination in itertools.product(*options):
            reads = ends.union(*(needed[id(each)] for each, _ in combination))
            if not reads.difference(*(writes for _, writes in combination)):
                yield tuple(each for each, _ in combination)

    def _kept(self, index: int, parts: list[Expression]) -> list[Trace]:
        """The traces of a thread that its own registers leave possible, short ones first."""
        mine = [part for part in parts if _threads(part) == {index}]
        kept = []
        for trace in self._unfolding.traces[index]:
            held = {index: trace.registers}
            if all(truth(self._value(part, held, {})) for part in mine):
                kept.append(trace)
        return sorted(kept, key=lambda trace: len(trace.events))

    def _executions(
        self, combination: tuple[Trace, ...], parts: list[Expression]
    ) -> Iterator[tuple[Execution | None, int]]:
        events = combine(combination, self._initial)
        locations = sorted({each.event.location for each in events if each.event.location})
        options = [choices(events, location) for location in locations]
        if not all(options):
            return
        held = {index: trace.registers for index, trace in enumerate(combination)}
        frame: Skeleton | None = None
        for picked in itertools.product(*options):
            if not self._ends(parts, held, events, picked):
                continue
            if frame is None:
                frame = Skeleton(events)
            yield judge(frame, picked), 1

    def _ends(
        self,
        parts: list[Expression],
        held: dict[int, dict[str, Value]],
        events: tuple[Placed, ...],
        picked: tuple[Choice, ...],
    ) -> bool:
        last = {events[each.order[-1]].event.location: events[each.order[-1]].event.value for each in picked}
        return all(truth(self._value(part, held, last)) for part in parts)

    def _value(
        self, expression: Expression, held: dict[int, dict[str, Value]], last: dict[str, Value]
    ) -> Value:
        def look_up(leaf: Expression) -> Value:
            if not isinstance(leaf, Final):
                raise Declined(f"{leaf} in a condition")
            if leaf.thread is None:
                return last.get(leaf.name, self._initial.get(leaf.name, 0))
            return held.get(leaf.thread, {}).get(leaf.name, 0)

        return evaluate(expression, look_up)


def _left(part: Expression) -> tuple[str, Value] | None:
    """The location and the value that ``part`` wants it to hold at the end, if it is as simple as that."""
    if isinstance(part, Operation) and part.operator == "==":
        final, constant = part.operands
        if isinstance(final, Final) and final.thread is None and isinstance(constant, Constant):
            return final.name, constant.value
    return None


def _threads(expression: Expression) -> set[int | None]:
    return {
        leaf.thread if isinstance(leaf, Final) else None
        for leaf in leaves(expression)
        if not isinstance(leaf, Constant)
    }
