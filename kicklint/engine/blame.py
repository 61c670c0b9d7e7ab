"""Which function, and which place in it, a violation is put down to."""

from __future__ import annotations

from kicklint.rulebook import EventKind, Transition
from kicklint.typestate import Machine, RawStep, Simulator, disjoint


def anchor(steps: tuple[RawStep, ...], transition: Transition, simulator: Simulator) -> RawStep:
    """The step that a finding points at.

    It stands in the outermost function of the way, at what leads to the harm, or
    (with ``anchor`` in the rule) to the step that entered that state. But where a
    callee came back in the harmful state and told its caller nothing about it, the
    callee is to blame, and the step is the one in it that entered the state.
    """
    source = steps[-1].before.state if steps[-1].enters is None else _last(steps).before.state
    blamed = _blamed(list(steps), source, transition.on, simulator)
    if blamed is not None:
        return blamed
    if not transition.anchor:
        return steps[-1]
    for step in reversed(steps):
        if step.before.state != transition.anchor and (
            step.after is None or step.after.state == transition.anchor
        ):
            return step
    return steps[-1]


def _last(steps: tuple[RawStep, ...] | list[RawStep]) -> RawStep:
    step = steps[-1]
    while step.inner and step.returns is None:
        step = step.inner[-1]
    return step


def _blamed(steps: list[RawStep], state: str, kind: EventKind, simulator: Simulator) -> RawStep | None:
    """The step inside a silent callee that entered ``state``, or None when no callee is to blame."""
    for step in reversed(steps):
        if step.after is None or step.after.state != state or step.before.state == state:
            continue
        if step.returns is None or step.enters is None or not _silent(step, kind, simulator):
            return None
        deeper = _blamed(step.inner, state, kind, simulator)
        if deeper is not None:
            return deeper
        return next(
            (each for each in reversed(step.inner) if each.after is not None and each.after.state == state),
            None,
        )
    return None


def _silent(step: RawStep, kind: EventKind, simulator: Simulator) -> bool:
    """Whether the value that the callee returned does not tell its exit from a harmless one.

    A callee that returns nothing is a part of its caller, and is not blamed.
    """
    if step.enters is None or step.returns is None or step.returns[1] is None:
        return False
    summary = simulator.summaries[step.enters]
    harmless = simulator.machine.harmless(kind)
    good = [
        value
        for state, value in summary.exits.items()
        if state.state in harmless and state != step.enters.entry
    ]
    return not any(disjoint(value, step.returns[1]) for value in good)


def cause(steps: tuple[RawStep, ...], machine: Machine, state: str) -> RawStep:
    """The innermost step that entered ``state`` last."""
    found = _entered(list(steps), state)
    return found if found is not None else _last(steps)


def _entered(steps: list[RawStep], state: str) -> RawStep | None:
    for step in reversed(steps):
        if step.inner:
            deeper = _entered(step.inner, state)
            if deeper is not None:
                return deeper
        if step.after is not None and step.after.state == state and step.before.state != state and step.event:
            return step
    return None
