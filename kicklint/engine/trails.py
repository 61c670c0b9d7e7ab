"""From the raw steps of a violation to the trail that people read."""

from __future__ import annotations

from collections.abc import Iterator

from kicklint.base import Span, Step, StepKind
from kicklint.events import Event
from kicklint.flow import Call, TableCall, show
from kicklint.rulebook import EventKind
from kicklint.typestate import Machine, RawStep

_CLEAR = "none is pending"
_MAX_STEPS = 200


def readable(steps: tuple[RawStep, ...], machine: Machine, missing: str) -> tuple[Step, ...]:
    """The trail from the first step that counts to the harm, with what is missing before the harm."""
    begun = _begin(steps, machine)
    found = list(_flatten(begun, machine, 0))
    last = found[-1] if found else None
    if last is not None and missing:
        found.insert(
            len(found) - 1,
            Step(StepKind.MISSING, last.span, last.function, f"missing: {missing}", last.depth),
        )
    if len(found) > _MAX_STEPS:
        half = _MAX_STEPS // 2
        middle = found[half]
        cut = Step(
            StepKind.RETURN,
            middle.span,
            middle.function,
            f"({len(found) - _MAX_STEPS} steps are left out here)",
        )
        found = [*found[:half], cut, *found[-half:]]
    return tuple(found)


def _begin(steps: tuple[RawStep, ...], machine: Machine) -> tuple[RawStep, ...]:
    """``steps`` from the last one that left the initial state."""
    initial = machine.automaton.initial
    for index in range(len(steps) - 1, -1, -1):
        step = steps[index]
        if step.before.state == initial and (step.after is None or step.after.state != initial):
            return steps[index:]
    return steps


def _counts(step: RawStep) -> bool:
    return step.event is not None or any(_counts(each) for each in step.inner)


def _flatten(steps: tuple[RawStep, ...], machine: Machine, depth: int) -> Iterator[Step]:
    for step in steps:
        node = step.graph.nodes[step.node]
        function = step.graph.function
        state = step.after.state if step.after is not None and step.after != step.before else ""
        if step.inner and _counts(step):
            yield Step(StepKind.CALL, node.span, function, _call(step), depth)
            inner = step.inner if step.returns is None else _begin_inner(step, machine)
            yield from _flatten(inner, machine, depth + 1)
        elif step.event is not None and _worth(step):
            yield Step(
                StepKind.EVENT, _place(step), function, _describe(step.event, step, machine), depth, state
            )


def _begin_inner(step: RawStep, machine: Machine) -> tuple[RawStep, ...]:
    if step.before.state == machine.automaton.initial:
        return _begin(step.inner, machine)
    return step.inner


def _tests(step: RawStep) -> bool:
    return step.event is not None and step.event.kind in (EventKind.REQUEST_TEST, EventKind.REQUEST_CONSUME)


def _worth(step: RawStep) -> bool:
    """Reads of the mode and events that changed nothing are of no interest, but tests are."""
    if step.event is None or step.event.kind in (EventKind.MODE_READ, EventKind.WAKE):
        return False
    return step.after is None or step.after != step.before or _tests(step)


def _place(step: RawStep) -> Span:
    return step.event.span if step.event is not None else step.graph.nodes[step.node].span


def _call(step: RawStep) -> str:
    instruction = step.graph.nodes[step.node].instruction
    name = step.enters.function.rpartition(":")[2] if step.enters is not None else ""
    if isinstance(instruction, TableCall):
        return f"calls {name}() through the op {instruction.member}"
    if isinstance(instruction, Call) and not instruction.name:
        return f"calls {name}() through {show(instruction.callee)}"
    return f"calls {name}()"


def _describe(event: Event, step: RawStep, machine: Machine) -> str:
    match event.kind:
        case EventKind.MODE_WRITE:
            return f"{event.text} writes the mode"
        case EventKind.REQUEST_TEST | EventKind.REQUEST_CONSUME:
            return f"{event.text} tests the requests{_outcome(event, step, machine)}"
        case EventKind.REQUEST_MAKE:
            return f"{event.text} makes a request"
        case EventKind.KICK:
            return f"{event.text} kicks the vCPU"
        case EventKind.FORCED_EXIT:
            return f"{event.text} forces an exit from the guest"
        case EventKind.GUEST_ENTRY:
            return event.text if "returns" in event.text else f"{event.text} enters the guest"
    return event.text


def _outcome(event: Event, step: RawStep, machine: Machine) -> str:
    """What the test found, where the state after it gives that away."""
    if event.kind is EventKind.REQUEST_CONSUME or step.after is None:
        return ""
    request = "any" if event.request is None else show(event.request)
    results = {}
    for outcome in ("set", "clear"):
        attributes = {"outcome": outcome, "request": request, "how": event.how}
        results[outcome], _ = machine.step(step.before, event.kind, attributes, frozenset())
    if results["set"] == results["clear"]:
        return ""
    return ": one is pending" if results["set"] == step.after else f": {_CLEAR}"
