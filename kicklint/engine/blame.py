"""Which function, and which place in it, a violation is put down to."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

from kicklint.rulebook import BEGUN, EVENT_ANCHOR, INNERMOST, MENDING, EventKind, Transition
from kicklint.typestate import Program, RawStep, Simulator, Violation, disjoint


class Blame:
    """Decides, over all violations of one rule in one world, where each is put down."""

    def __init__(self, program: Program, violations: tuple[Violation, ...]) -> None:
        self.program = program
        self.guilty: dict[str, set[str]] = {}
        self.careless: dict[str, set[str]] = {}
        for violation in violations:
            transition = violation.simulator.machine.automaton.transition[violation.transition]
            if transition.anchor.endswith((BEGUN, MENDING)):
                self._note_careless(violation.steps, transition.anchor_state)
            step = _entering(violation.steps, last_step(violation.steps).before.state)
            if step is not None and step.enters is not None:
                self.guilty.setdefault(step.enters.function, set()).add(violation.context.function)

    def anchor(self, steps: tuple[RawStep, ...], transition: Transition, simulator: Simulator) -> RawStep:
        """The step that a finding points at.

        It stands in the outermost function of the way, at what leads to the harm, or
        (with ``anchor`` in the rule) at the step that entered that state or the event. But where a
        callee that prepares the entry came back in the harmful state and told its
        callers nothing about it, the callee is to blame, and the step is the one in
        it that entered the state.
        """
        if transition.anchor == EVENT_ANCHOR:
            return last_step(steps, own=True)
        if transition.anchor.endswith(INNERMOST):
            return self._called_for(cause(steps, transition.anchor_state), steps)
        if transition.anchor.endswith(BEGUN):
            return self._begun(steps, transition.anchor_state, simulator) or steps[-1]
        if transition.anchor.endswith(MENDING):
            return self._mending(steps, transition, simulator) or steps[-1]
        blamed = self._blamed(steps, last_step(steps).before.state, transition.on, simulator)
        if blamed is not None:
            return blamed
        if not transition.anchor:
            return steps[-1]
        return _entering(steps, transition.anchor) or steps[-1]

    def _called_for(self, step: RawStep, steps: tuple[RawStep, ...]) -> RawStep:
        """``step``, or the call of a helper that returns nothing and does nothing else."""
        calls = _calls_to(step, steps)
        while calls and self._alone(step):
            step = calls.pop()
        return step

    def _alone(self, step: RawStep) -> bool:
        """Whether the function of ``step`` returns nothing and does nothing else to the protocol."""
        function = step.frame[-1].function
        events = self.program.graph(function)
        others = [node for node in events.events if node != step.node]
        others += [
            node
            for node, site in events.calls.items()
            if node != step.node and any(self.program.may(target.function) for target in site.targets)
        ]
        return self.program.lines(function) == 0 and not others

    def _blamed(
        self, steps: tuple[RawStep, ...], state: str, kind: EventKind, simulator: Simulator
    ) -> RawStep | None:
        """The step inside a silent callee that entered ``state``, or None when no callee is to blame."""
        step = _entering(steps, state)
        if step is None or step.returns is None or step.enters is None:
            return None
        if not _begins(step.inner, simulator) or not self._silent(step, kind, simulator):
            return None
        return self._blamed(step.inner, state, kind, simulator) or _entering(step.inner, state)

    def _begun(self, steps: tuple[RawStep, ...], state: str, simulator: Simulator) -> RawStep | None:
        """The last step that entered ``state``, in the function that began the instance, or the exit handler.

        A function that began it and came back is not to blame when some other caller sees to the rest.
        """
        step = _leading(steps, state)
        if step is None or step.enters is None:
            return self._left(steps, step, simulator)
        function = step.enters.function
        began = step.enters.entry.state == simulator.machine.automaton.initial
        careful = self._callers(function) - self.careless.get(function, set())
        handling = any(each.function in self.program.resuming() for each in step.frame)
        if ((began or handling) and not careful) or self._handled(step, state):
            return self._begun(step.inner, state, simulator) or step
        return step

    def _mending(
        self, steps: tuple[RawStep, ...], transition: Transition, simulator: Simulator
    ) -> RawStep | None:
        """The step, in the function that could have seen to it, that led to the state of the anchor.

        That is the innermost one on the way that has an event by which ``transition`` does not come
        about, or the outermost; and from there on helpers that began it and whose callers are all careless.
        """
        state = transition.anchor_state
        way: list[RawStep] = []
        step = _leading(steps, state)
        while step is not None:
            way.append(step)
            step = _leading(step.inner, state) if step.enters is not None else None
        automaton = simulator.machine.automaton
        mends = {
            each.on
            for each in automaton.transition
            if set(transition.source) & set(each.source) and not each.message and each.to not in each.source
        } - {EventKind(automaton.begin.partition(":")[0])}
        found = 0
        for index, each in enumerate(way):
            events = self.program.graph(each.frame[-1].function).events.values()
            if any(event.kind in mends for event in events):
                found = index
        while found + 1 < len(way):
            function = way[found + 1].frame[-1].function
            careful = self._callers(function) - self.careless.get(function, set())
            if careful or not _begins(way[found].inner, simulator):
                break
            found += 1
        return way[found] if way else None

    def _left(self, steps: tuple[RawStep, ...], step: RawStep | None, simulator: Simulator) -> RawStep | None:
        """``step``, or what the exit handler did when it left its caller in the state before it."""
        if step is None:
            return None
        earlier = tuple(takewhile(lambda each: each is not step, steps))
        leading = _leading(earlier, step.before.state)
        if leading is None or not self._handled(leading, step.before.state):
            return step
        self._note_careless(earlier, step.before.state)
        return self._begun(earlier, step.before.state, simulator) or step

    def _callers(self, function: str) -> set[str]:
        """Who calls ``function``: of the callers by the word, those with a call that goes there."""
        return {
            caller
            for caller in self.program.callers(function)
            if any(
                target.function == function
                for site in self.program.graph(caller).calls.values()
                for target in site.targets
            )
        }

    def _handled(self, step: RawStep, state: str) -> bool:
        """Whether ``state`` was entered in the function that assembly calls when the guest is left."""
        if step.enters is None:
            return False
        inner = _leading(step.inner, state)
        handler = step.enters.function in self.program.resuming()
        return handler or (inner is not None and self._handled(inner, state))

    def _note_careless(self, steps: tuple[RawStep, ...], state: str) -> None:
        """Note who called what ``state`` was entered in."""
        step = _leading(steps, state)
        if step is not None and step.enters is not None:
            self.careless.setdefault(step.enters.function, set()).add(step.frame[-1].function)
            self._note_careless(step.inner, state)

    def _silent(self, step: RawStep, kind: EventKind, simulator: Simulator) -> bool:
        """Whether the caller could not have told, from what the callee returned, that it must stay out.

        When several functions call it, that is so when all of them go wrong. The only
        caller is judged by the values: whether another way out of the callee returns
        something else. A callee that returns nothing is a part of its caller.
        """
        if step.enters is None or step.returns is None or step.returns[1] is None:
            return False
        path = self.program.path(step.frame[0].function)
        callers = {
            each
            for each in self.program.callers(step.enters.function)
            if path not in self.program.incompatible(each)  # the two are never in one kernel
        }
        if len(callers) > 1:
            return callers <= self.guilty.get(step.enters.function, set())
        summary = simulator.summaries[step.enters]
        harmless = simulator.machine.harmless(kind)
        entry = step.enters.entry
        good = [
            value
            for state, value in summary.exits.items()
            if state.state in harmless and state.plain != entry
        ]
        return not any(disjoint(value, step.returns[1]) for value in good)


def cause(steps: tuple[RawStep, ...], state: str) -> RawStep:
    """The innermost step that entered ``state`` last."""
    return _innermost(steps, state) or last_step(steps)


def _innermost(steps: tuple[RawStep, ...], state: str) -> RawStep | None:
    for step in reversed(steps):
        deeper = _innermost(step.inner, state)
        if deeper is not None:
            return deeper
        if _enters(step, state) and step.event is not None:
            return step
    return None


def _calls_to(step: RawStep, steps: tuple[RawStep, ...]) -> list[RawStep]:
    """The calls among ``steps`` and inside of them by which ``step`` is reached, the outermost first."""
    for each in steps:
        if each is step:
            return []
        if each.inner and any(inner is step for inner in _flat(each.inner)):
            return [each, *_calls_to(step, each.inner)]
    return []


def _flat(steps: tuple[RawStep, ...]) -> Iterator[RawStep]:
    for each in steps:
        yield each
        yield from _flat(each.inner)


def last_step(steps: tuple[RawStep, ...], own: bool = False) -> RawStep:
    """The innermost last step, where the harm happens.

    With ``own`` it is not looked for inside a callee that only does what it is told.
    """
    step = steps[-1]
    while step.inner and step.returns is None and not (own and step.enters and step.enters.constants):
        step = step.inner[-1]
    return step


def _entering(steps: tuple[RawStep, ...], state: str) -> RawStep | None:
    """The last of ``steps`` that entered ``state``, calls not gone into."""
    return next((each for each in reversed(steps) if _enters(each, state)), None)


def _leading(steps: tuple[RawStep, ...], state: str) -> RawStep | None:
    """The last of ``steps`` that entered ``state``, or a call in which it was entered."""
    return next(
        (each for each in reversed(steps) if _enters(each, state) or _innermost(each.inner, state)), None
    )


def _enters(step: RawStep, state: str) -> bool:
    return step.after is not None and step.after.state == state and step.before.state != state


def _begins(steps: tuple[RawStep, ...], simulator: Simulator) -> bool:
    kind = simulator.machine.automaton.begin.partition(":")[0]
    return any(
        (each.event is not None and each.event.kind == kind) or _begins(each.inner, simulator)
        for each in steps
    )
