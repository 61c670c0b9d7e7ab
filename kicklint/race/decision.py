"""In which modes of the vCPU a kick sends its IPI, by the code of the kick."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kicklint.events import EventGraph
from kicklint.flow import Branch, Call, Expr, Load, Return, Store, TableCall
from kicklint.race.beats import finds_mode
from kicklint.rulebook import EventKind, Vocabulary
from kicklint.typestate import Program
from kicklint.typestate.evaluate import Evaluator, Valuation
from kicklint.typestate.values import ONE, ZERO, Symbol, Value, exactly

_DEPTH = 6
# States of one function that are looked at; beyond them every mode may send.
_STATES = 2_000
_LOOKS = frozenset({EventKind.MODE_READ, EventKind.MODE_WRITE})
_LEADING = _LOOKS | {EventKind.IPI}
_NAMED = (EventKind.REQUEST_MAKE, EventKind.KICK)


@dataclass(frozen=True, slots=True)
class _End:
    """How a run of a function ends: with an IPI ``sent``, or with a result (None: any)."""

    sent: bool
    result: Value | None = None


class Decisions:
    """Runs the functions of ``program`` with every mode that they may find.

    A deciding function that the tree does not hold finds IN_GUEST_MODE (``inside``) only.
    """

    def __init__(self, program: Program, vocabulary: Vocabulary, inside: int) -> None:
        self._program = program
        self._deciding = vocabulary.deciding
        self._kinds = {name: each.request for each in vocabulary.call for name in each.names}
        self._prefix = vocabulary.vcpu.request_prefix
        self._inside = inside

    def sending(self, function: str, modes: Iterable[int]) -> frozenset[int]:
        """Those of ``modes`` with which ``function`` may come to send an IPI.

        The request that it is handed, if it is, is of a kind without flags, such as any requester may make.
        """
        given = self._plain(function)
        return frozenset(
            mode for mode in modes if any(end.sent for end in self._ends(function, given, mode, _DEPTH))
        )

    def _plain(self, function: str) -> Valuation:
        position = self._kinds.get(self._program.graph(function).graph.function)
        names = self._program.parameters(function)
        return {names[position]: ZERO} if position is not None and position < len(names) else {}

    def _ends(self, function: str, given: Valuation, mode: int, depth: int) -> set[_End]:
        graph = self._program.graph(function)
        variables = frozenset(each.name for each in (*graph.graph.parameters, *graph.graph.locals))
        evaluator = Evaluator(self._program, variables, graph.graph.path)
        ends: set[_End] = set()
        pending: list[tuple[int, Valuation]] = [(0, given)]
        seen = set()
        while pending:
            node, known = pending.pop()
            state = (node, frozenset(known.items()))
            if state in seen:
                continue
            seen.add(state)
            if len(seen) > _STATES:
                return {_End(True)}
            instruction = graph.graph.nodes[node].instruction
            event = graph.events.get(node)
            if event is not None and event.kind is EventKind.IPI:
                ends.add(_End(True))
                continue
            if isinstance(instruction, Return):
                ends.add(_End(False, evaluator.value(instruction.value, known)))
                continue
            successors = graph.graph.nodes[node].successors
            if node == graph.graph.exit:
                ends.add(_End(False))
            if isinstance(instruction, Branch):
                pending += _branches(evaluator, instruction.condition, successors, known)
                continue
            for after in self._after(graph, node, known, (evaluator, mode, depth)):
                if after is None:
                    ends.add(_End(True))
                else:
                    pending += [(each, after) for each in successors]
        return ends

    def _after(
        self, graph: EventGraph, node: int, known: Valuation, how: tuple[Evaluator, int, int]
    ) -> Iterator[Valuation | None]:
        """What is known behind ``node``, which is no branch; None where an IPI was sent in it."""
        evaluator, mode, depth = how
        instruction, event = graph.graph.nodes[node].instruction, graph.events.get(node)
        if isinstance(instruction, Store):
            value = evaluator.value(instruction.value, known) if not instruction.op else None
            yield _with(known, evaluator.key(instruction.place), value)
        elif not isinstance(instruction, Call | TableCall | Load):
            yield known
        elif event is not None and finds_mode(event):
            tried = event.how.startswith("try_")
            found = (ONE if mode == self._inside else ZERO) if tried else exactly(mode)
            yield _with(known, instruction.dst, found)
        elif isinstance(instruction, Call) and self._assumed(instruction):
            yield _with(known, instruction.dst, ONE if mode == self._inside else ZERO)
        else:
            targets = list(self._called(graph, node)) if depth else []
            for function, args in targets:
                names = self._program.parameters(function)
                given: dict[str | int, Value] = {
                    name: value
                    for name, each in zip(names, args, strict=False)
                    if (value := self._handed(evaluator.value(each, known), graph)) is not None
                }
                for end in self._ends(function, given, mode, depth - 1):
                    yield None if end.sent else _with(known, instruction.dst, end.result)
            if not targets:
                yield _with(known, instruction.dst, None)

    def _handed(self, value: Value | None, graph: EventGraph) -> Value | None:
        """``value`` as an argument: of a kind of request without flags no flag is set."""
        if isinstance(value, Symbol):
            plain = self._program.request_kind(value.name, graph.graph.path) == "plain"
            return ZERO if plain and value.name.startswith(self._prefix) else value
        return value

    def _assumed(self, call: Call) -> bool:
        return call.name in self._deciding and not self._program.function_named(call.name, "")

    def _called(self, graph: EventGraph, node: int) -> Iterator[tuple[str, tuple[Expr, ...]]]:
        """The functions that may be called at ``node`` and that the decision may hang on."""
        event, site = graph.events.get(node), graph.calls.get(node)
        instruction = graph.graph.nodes[node].instruction
        if event is not None and event.kind in _NAMED and isinstance(instruction, Call):
            for function in self._program.function_named(instruction.name, graph.graph.path)[:1]:
                yield function, instruction.args
        for target in site.targets if site is not None else ():
            if self._program.may(target.function) & _LEADING:
                yield target.function, target.args


def _branches(
    evaluator: Evaluator, condition: Expr, successors: tuple[int, ...], known: Valuation
) -> Iterator[tuple[int, Valuation]]:
    outcome = evaluator.outcome(condition, known)
    for way, successor in zip((True, False), successors, strict=True):
        if outcome is None or outcome is way:
            yield successor, evaluator.learn(condition, way, known)


def _with(known: Valuation, key: str | int | None, value: Value | None) -> Valuation:
    if key is None:
        return known
    rest = {name: each for name, each in known.items() if name != key}
    return rest if value is None else {**rest, key: value}
