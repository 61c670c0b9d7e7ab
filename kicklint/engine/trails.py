"""From the raw steps of a violation to the trail that people read."""

from __future__ import annotations

from collections.abc import Iterator

from kicklint.base import Span, Step, StepKind
from kicklint.events import Event
from kicklint.flow import Branch, Call, TableCall, show
from kicklint.rulebook import EventKind
from kicklint.typestate import Machine, Program, RawStep

_CLEAR = "none is pending"
_MAX_STEPS = 200
_TESTS = (EventKind.REQUEST_TEST, EventKind.REQUEST_CONSUME)


def readable(
    steps: tuple[RawStep, ...], machine: Machine, missing: str, program: Program
) -> tuple[Step, ...]:
    """The trail from the first step that counts to the harm, with what is missing before the harm."""
    found = list(_Flattening(machine, program).steps(_begin(steps, machine), 0))
    last = found[-1] if found else None
    if last is not None and missing:
        step = Step(StepKind.MISSING, last.span, last.function, f"missing: {missing}", last.depth)
        found.insert(len(found) - 1, step)
    if len(found) > _MAX_STEPS:
        half = _MAX_STEPS // 2
        text = f"({len(found) - _MAX_STEPS} steps are left out here)"
        cut = Step(StepKind.RETURN, found[half].span, found[half].function, text)
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


class _Flattening:
    """Raw steps in, steps out; calls that hold nothing of interest are passed over."""

    def __init__(self, machine: Machine, program: Program) -> None:
        self.machine = machine
        self.program = program

    def steps(self, steps: tuple[RawStep, ...], depth: int, returned: bool = False) -> Iterator[Step]:
        """The steps of one function and of what it calls.

        Of a call that ``returned`` only the edges that pass a test by are shown: what
        it found out is seen from the edge that its caller takes.
        """
        made = {step.graph.nodes[step.node].statement for step in steps if self._is_test(step)}
        testing = self._testing(steps[0]) if steps else set()
        for step in steps:
            node = step.graph.nodes[step.node]
            function = step.graph.function
            state = step.after.state if step.after is not None and step.after != step.before else ""
            if step.inner and _counts(step):
                yield Step(StepKind.CALL, node.span, function, _call(step), depth)
                inner = step.inner if step.returns is None else _begin_inner(step, self.machine)
                yield from self.steps(inner, depth + 1, step.returns is not None)
            elif step.event is not None and _worth(step):
                text = _describe(step.event, step, self.machine)
                yield Step(StepKind.EVENT, _place(step), function, text, depth, state)
            elif isinstance(node.instruction, Branch) and node.statement in testing:
                text = self._edge(step, node.instruction)
                skips = node.statement not in made
                if skips or not returned:
                    yield Step(StepKind.BRANCH, node.span, function, text, depth, essential=skips)

    def _is_test(self, step: RawStep) -> bool:
        return _tests(step) or any(self._is_test(each) for each in step.inner)

    def _testing(self, step: RawStep) -> set[int]:
        """The statements of the function of ``step`` that may test the requests."""
        events = self.program.graph(step.frame[-1].function)
        nodes = [node for node, event in events.events.items() if event.kind in _TESTS]
        nodes += [
            node
            for node, site in events.calls.items()
            if any(self.program.may(target.function) & set(_TESTS) for target in site.targets)
        ]
        return {events.graph.nodes[node].statement for node in nodes}

    def _edge(self, step: RawStep, branch: Branch) -> str:
        successors = step.graph.nodes[step.node].successors
        outcome = "true" if step.onward == successors[0] else "false"
        aliases = self.program.graph(step.frame[-1].function).aliases
        return f"{aliases.text(branch.condition)} is {outcome}"


def _begin_inner(step: RawStep, machine: Machine) -> tuple[RawStep, ...]:
    if step.before.state == machine.automaton.initial:
        return _begin(step.inner, machine)
    return step.inner


def _tests(step: RawStep) -> bool:
    return step.event is not None and step.event.kind in _TESTS


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
