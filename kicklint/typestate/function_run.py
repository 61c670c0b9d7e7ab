"""One pass over one function: nodes, branches, assignments, events."""

from __future__ import annotations

from kicklint.base import Span
from kicklint.events import HANDED, RUNNING, Event, Reach, Role
from kicklint.flow import (
    Branch,
    Call,
    Choice,
    Expr,
    Index,
    Load,
    Member,
    Name,
    Node,
    Return,
    Store,
    TableCall,
    Unary,
    show,
)
from kicklint.rulebook import EventKind
from kicklint.typestate import everyone, interrupts
from kicklint.typestate.arrivals import PRESENT, Arrivals
from kicklint.typestate.correlation import Correlation
from kicklint.typestate.evaluate import OUT, Valuation
from kicklint.typestate.forgetting import EXPECTED, with_value, without
from kicklint.typestate.machine import ProtocolState
from kicklint.typestate.outcomes import PLAIN_READS, outcomes, read_value
from kicklint.typestate.rounds import again
from kicklint.typestate.runner import Runner
from kicklint.typestate.summary import Context, Harm, HarmKey, Point, Summary
from kicklint.typestate.tracking import comparison, concerns, role_of
from kicklint.typestate.values import ERROR_OR_ZERO, NOT_ZERO, Value, arithmetic, named, number, truth

_RETURN = "@return"
# Conditions that one state remembers the outcome of: each doubles the ways that are told apart.
_MAX_ASSUMED = 5
_CALLS = (Call, TableCall)
_NUMBERS = ("|", "&", "^")
_MAX_VISITS = 400_000


class FunctionRun(Arrivals):
    """One pass over one function in one context."""

    def __init__(self, simulator: Runner, context: Context, summary: Summary) -> None:
        super().__init__(simulator, context, summary)
        self.evaluate = self.ready.evaluate
        self.resume = self.program.resume(context.function)
        self.about = self.ready.about(context.binding, simulator.own_thread)
        self.handed = frozenset(self.program.vcpu_parameters(context.function)) if self.other else frozenset()
        self.correlated = (
            Correlation(self.events, self.roles, self.program) if self.machine.automaton.correlate else None
        )

    def run(self) -> None:
        """Fill in the summary."""
        graph = self.events.graph
        self.arrive((0, self.context.entry), dict(self.context.constants), None)
        budget = _MAX_VISITS
        for visited in self.waiting():
            budget -= 1
            if budget == 0:
                self._problem("too many states to follow")
                break
            point = visited.point
            self._visit(point, self.nodes[point[0]], visited.known)
        for (index, state), visited in self.visited.items():
            if index == graph.exit:
                known = visited.known
                self.summary.exits[state] = known.get(_RETURN)
                self.summary.outs[state] = {
                    str(key)[len(OUT) :]: value for key, value in known.items() if str(key).startswith(OUT)
                }
        if graph.problems:
            self._problem(*graph.problems)

    def _problem(self, *problems: str) -> None:
        self.summary.problems = tuple(dict.fromkeys((*self.summary.problems, *problems)))

    def _visit(self, point: Point, node: Node, known: Valuation) -> None:
        instruction = node.instruction
        if isinstance(instruction, Branch):
            self._branch(point, node, instruction, known)
        elif isinstance(instruction, Store):
            self._store(point, node, instruction, self._stored(instruction, known))
        elif isinstance(instruction, Load):
            self._through_event(point, node, known, instruction.dst)
        elif isinstance(instruction, _CALLS):
            self.call(point, node, instruction, known)
        elif isinstance(instruction, Return):
            self._return(point, node, instruction, known)
        elif self._round_due(point, instruction):
            self.arrive((node.successors[0], point[1]), known, point)
        else:
            self.onward(point, node, point[1], known)

    def _store(self, point: Point, node: Node, store: Store, known: Valuation) -> None:
        """Go on behind ``store``, which has given ``known`` its value."""
        if isinstance(store.place, Name) and self.roles.get(store.place.id) is Role.VCPU:
            swept = not self.other and point[1].state in self.machine.automaton.swept.values()
            if not swept and self._replaces_subject(store):
                if not self.other:
                    self.onward(point, node, everyone.next_state(self.machine, known), known)
                    return
                if not again(self.events, point[0]):
                    self._given_up(point, node, known)
                    return
                known = without(known, {PRESENT})
        self._through_event(point, node, known, comparison(self.events, self.evaluate, point[0]))

    def _round_due(self, point: Point, instruction: object) -> bool:
        """Whether a loop over all vcpus goes round before it is left: a machine has some.

        For a vcpu that was looked up an earlier one has.
        """
        if not isinstance(instruction, Choice) or point in self.looped:
            return False
        if not self.other:
            return self.over_all(point[0])
        begun = point[1].state != self.machine.automaton.initial
        return begun and len(self.nodes[point[0]].successors) == 2

    def returned(self, point: Point, previous: Point | None) -> Point:
        """``point``, the function's exit, with what returning itself does to the state."""
        state = point[1]
        if EventKind.RETURN in self.machine.handles and self.roles.keys() - {RUNNING}:
            span = self.nodes[previous[0] if previous is not None else 0].span
            result = state.result
            attributes = {"result": result}
            state, index = self.machine.step(state, EventKind.RETURN, attributes, frozenset())
            state = state._replace(result=result)
            if previous is not None:
                text = f"{self.events.graph.function}() returns"
                self._harm(previous, Event(EventKind.RETURN, Reach.ANY, None, span, text), index)
        if state.assumed and state.state == self.machine.automaton.initial:
            state = state._replace(assumed=frozenset())
        return (point[0], state)

    def _branch(self, point: Point, node: Node, branch: Branch, known: Valuation) -> None:
        if not node.successors:
            return
        event = self.events.events.get(point[0])
        if event is not None:
            asked = event if self._concerns(event) else None
        else:
            asked = self._compared(branch, node.span) if self.other else None
        outcome = self.evaluate.outcome(branch.condition, known)
        said = self.correlated.condition(branch.condition) if self.correlated is not None else ""
        due = self.rounds.get(point[0]) if point[1].state != self.machine.automaton.initial else None
        learns = self.evaluate.learnt(branch.condition)
        for successor, way in zip(node.successors, (True, False), strict=True):
            if (outcome is not None and outcome is not way) or (said and (said, not way) in point[1].assumed):
                continue
            if successor == due and point not in self.looped:
                continue  # a loop that finds vcpus goes round before it is left, as above
            state = point[1]
            if asked is not None:
                state = self._answered(point, asked, way)
            if said and len(state.assumed) < _MAX_ASSUMED:
                state = state._replace(assumed=state.assumed | {(said, way)})
            learnt = known
            if not learns <= self.dying[successor] or self.machine.automaton.rounds:
                learnt = self.evaluate.learn(branch.condition, way, known)
            self.arrive((successor, state), learnt, point)

    def _compared(self, branch: Branch, span: Span) -> Event | None:
        """The comparison of the tracked vcpu with one that was handed in that ``branch`` is, if it is one."""
        event = everyone.compared(branch.condition, span, self.roles, self.handed)
        concerned = event is not None and concerns(self.events, self.roles, event, self.simulator.own_thread)
        return event if concerned else None

    def _answered(self, point: Point, event: Event, way: bool) -> ProtocolState:
        """The state on one ``way`` of a branch that is an event: ``set`` on both where it does not fork."""
        outcome = "set" if not event.forks or way is (event.how == "==") else "clear"
        state, index = self.machine.step(point[1], event.kind, {"outcome": outcome}, frozenset())
        self._harm(point, event, index)
        return state

    def _replaces_subject(self, store: Store) -> bool:
        """Whether the variable that stands for the tracked vcpu is given another one."""
        if not isinstance(store.place, Name) or store.op in _NUMBERS:
            return False  # bits are changed: it is a number that came out of the vcpu
        if store.place.id in self.events.aliases.numbers and self.roles.keys() - {store.place.id, RUNNING}:
            return False  # a number that came out of it, beside the vcpu itself
        identity = self.events.aliases.identity(store.value)
        return identity is None or identity.root not in self.roles

    def _given_up(self, point: Point, node: Node, known: Valuation) -> None:
        """The variable is given another vcpu, outside of a loop: all is done about the one before."""
        state, index = self.machine.step(point[1], EventKind.LEAVE, {}, frozenset())
        text = "the variable stands for another vCPU from here on"
        self._harm(point, Event(EventKind.LEAVE, Reach.ANY, None, node.span, text), index)
        self.onward(point, node, self.machine.initial._replace(interrupts=state.interrupts), known)

    def _stored(self, store: Store, known: Valuation) -> Valuation:
        if isinstance(store.place, Member):
            known = without(known, self.evaluate.holding(store.place.field))
        elif isinstance(store.place, Unary):
            known = without(known, self.evaluate.pointed)
        elif isinstance(store.place, Index):
            known = without(known, self.evaluate.holding(show(store.place.base)))
        elif isinstance(store.place, Name):
            known = without(known, self.evaluate.holding(store.place.id))
        key = self.evaluate.key(store.place)
        if key is None:
            return known
        value = self.evaluate.value(store.value, known)
        if store.op:
            value = arithmetic(store.op, known.get(key), value)
        elif value is None and PRESENT in known and self._is_vcpu(store.value):
            value = NOT_ZERO
        return with_value(known, key, value)

    def _is_vcpu(self, expr: Expr | None) -> bool:
        """Whether ``expr`` is a variable that stands for the tracked vcpu."""
        return isinstance(expr, Name) and self.roles.get(expr.id) is Role.VCPU

    def _return(self, point: Point, node: Node, instruction: Return, known: Valuation) -> None:
        value = self.evaluate.value(instruction.value, known)
        known = {key: each for key, each in known.items() if isinstance(key, str) and key.startswith(OUT)}
        if value is not None:
            known = {**known, _RETURN: value}
        state = point[1]
        if self.resume is not None and self.resume.resumes(value):
            state, index = self.machine.step(
                state,
                EventKind.GUEST_ENTRY,
                {"certain": "yes" if number(value) is not None else "no"},
                frozenset(),
            )
            self._harm(point, self.resume.event, index)
        result = {None: "any", True: "some", False: "zero"}[truth(value)]
        self.onward(point, node, state._replace(result=result), known)

    # Events

    def role(self, expr: Expr | None) -> Role | None:
        """What ``expr`` is to the tracked vcpu."""
        return role_of(self.events, self.roles, expr)

    def _concerns(self, event: Event) -> bool:
        found = self.about.concerned.get(id(event))
        if found is None:
            said = concerns(self.events, self.roles, event, self.simulator.own_thread)
            found = self.about.concerned[id(event)] = (event, said)
        return found[1]

    def _attributes(self, event: Event, known: Valuation) -> dict[str, str]:
        attributes = {"how": event.how, "atomic": "yes" if event.atomic else "no", **dict(event.attributes)}
        learn = self.simulator.learnt
        if learn is not None and learn[0] in attributes:
            attributes["learnt"] = "yes" if attributes[learn[0]] in learn[1] else "no"
        if event.value is not None:
            attributes["value"] = self.program.mode_name(self.evaluate.value(event.value, known))
        if event.expected is not None:
            expected = known.get(EXPECTED) or self.evaluate.value(event.expected, known)
            attributes["expected"] = self.program.mode_name(expected)
        if attributes.get("place") == HANDED and self.role(event.subject) is not Role.VCPU:
            attributes["place"] = "foreign"
        attributes["inside"] = "yes" if self.program.implements(self.context.function) else "no"
        request = event.request
        if isinstance(request, Name) and request.id in self.evaluate.variables:
            attributes["request"] = named(known.get(request.id))
        elif isinstance(request, Name):
            attributes["request"] = self.program.request_name(request.id, self.events.graph.path)
            attributes["kind"] = self.program.request_kind(request.id, self.events.graph.path)
        elif request is None:
            attributes["request"] = "any"
        return attributes

    def _through_event(self, point: Point, node: Node, known: Valuation, dst: str | int | None) -> None:
        event = self.events.events.get(point[0])
        if event is None:
            self.onward(point, node, point[1], known)
            return
        self.event(point, node, event, known, dst)

    def event(self, point: Point, node: Node, event: Event, known: Valuation, dst: str | int | None) -> None:
        """Let ``event`` happen, with each of its outcomes, and go on."""
        if not self._concerns(event):
            reads = event.kind in PLAIN_READS
            value = read_value(event, known, self.evaluate) if reads else self.answer(node)
            self.onward(point, node, point[1], known if dst is None else with_value(known, dst, value))
            return
        if event.kind in interrupts.KINDS and self.machine.automaton.interrupts:
            self._interrupts(point, node, event, known, dst)
            return
        before = point[1]
        if self.machine.automaton.interrupts:
            before = before._replace(interrupts=interrupts.shown(event, before.interrupts))
            if interrupts.never(event, before.interrupts, self.context.entry.interrupts):
                before = self.machine.initial._replace(interrupts=before.interrupts)
        for outcome, value, mode in outcomes(event, known, self.evaluate, self.machine):
            attributes = self._attributes(event, known)
            if outcome:
                attributes["outcome"] = outcome
            if mode:
                attributes["value"] = mode
            required = (
                self.program.required_requests() if event.kind is EventKind.REQUEST_CONSUME else frozenset()
            )
            state, index = self.machine.step(before, event.kind, attributes, required)
            self._harm(point, event, index)
            told = everyone.noted(self.machine, event, attributes, known)
            if dst is not None:
                told = with_value(told, dst, self.answer(node) if value is None else value)
            self.onward(point, node, state, told)

    def answer(self, node: Node) -> Value | None:
        """What the call at ``node`` may return, as far as its name tells."""
        call = node.instruction
        known = isinstance(call, Call) and call.name in self.program.errors()
        return ERROR_OR_ZERO if known else None

    def _interrupts(
        self, point: Point, node: Node, event: Event, known: Valuation, dst: str | int | None
    ) -> None:
        before = point[1].interrupts
        now = interrupts.after(event, before, known, self.evaluate)
        restored = "yes" if interrupts.restores(event, known, self.evaluate) else "no"
        attributes = {"how": event.how, "interrupts": now or "unknown", "restored": restored}
        state, index = self.machine.step(
            point[1]._replace(interrupts=now), event.kind, attributes, frozenset()
        )
        self._harm(point, event, index)
        kept = interrupts.saved(event, before, self.evaluate)
        if kept is not None:
            known = with_value(known, kept[0], kept[1])
        self.onward(point, node, state, known if dst is None else with_value(known, dst, None))

    def _harm(self, point: Point, event: Event, index: int | None) -> None:
        if index is None:
            return
        transition = self.machine.automaton.transition[index]
        if transition.message or transition.witness:
            self.summary.harms.setdefault(HarmKey(index, event.span), Harm(point, event))

    def call(self, point: Point, node: Node, call: Call | TableCall, known: Valuation) -> None:
        """Take a call; the room for calls overrides this."""
        raise NotImplementedError
