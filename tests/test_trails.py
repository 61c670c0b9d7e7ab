"""Every trail is a real path: a checker that shares no code with the engine's walks it again.

It knows graphs and automata, and nothing of valuations: a step goes along an edge of its function's
graph, a call begins at the entry of a function that the call may reach and comes back from its
exit, a state changes only by a transition of the automaton that the step's event allows, and the
last step takes the harmful one.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest
from fixture_trees import fixtures, name_of, tree_of, world_of

from kicklint.engine.inference import open_world
from kicklint.engine.run import _outcomes
from kicklint.engine.sources import Parsed, Sources
from kicklint.engine.world import World
from kicklint.flow import Call, TableCall
from kicklint.rulebook import Automaton, EventKind, Transition, load_rulebook
from kicklint.source import KeptTree
from kicklint.typestate import Outcome, RawStep, Violation, search

_PARSED: Parsed = {}
_ENDS = (EventKind.RETURN, EventKind.LEAVE)


@lru_cache(maxsize=2)
def outcomes(path: Path) -> tuple[World, list[Outcome]]:
    """The world of a fixture, and what the automata of its rule say of it."""
    text = path.read_text(encoding="utf-8")
    rule = load_rulebook().rule(path.parent.name)
    assert rule is not None
    tree = tree_of(text, world_of(text))
    world = open_world(world_of(text), load_rulebook(), Sources(KeptTree(tree), parsed=_PARSED))
    return world, _outcomes(world, rule, search)


def transitions(automaton: Automaton, step: RawStep) -> Iterator[tuple[int, Transition]]:
    """The transitions that the event of ``step`` allows in the state before it, attributes aside."""
    for number, each in enumerate(automaton.transition):
        happens = step.event is not None and each.on == step.event.kind
        if happens and (step.before.state in each.source or "*" in each.source):
            yield number, each


class Replay:
    """Walks the steps of one violation."""

    def __init__(self, world: World, violation: Violation) -> None:
        self.world = world
        self.violation = violation
        self.automaton = violation.simulator.machine.automaton
        self.steps = 0

    def check(self) -> None:
        """Raise AssertionError where the trail is no path to the harm."""
        assert self.violation.steps
        self.way(self.violation.steps, self.violation.context.function, returns=False)
        last = self.violation.steps[-1]
        while last.inner and last.returns is None:
            last = last.inner[-1]
        # Returning and leaving are no nodes: they come after the last one, in the state behind it.
        if last.event is not None and last.event.kind not in _ENDS and not last.inner:
            reached = {number for number, _ in transitions(self.automaton, last)}
            assert self.violation.transition in reached or last.enters is not None

    def way(self, steps: tuple[RawStep, ...], function: str, *, returns: bool) -> None:
        graph = self.world.graph(function).graph
        assert steps[0].node == 0, "a way begins at the entry of its function"
        for index, step in enumerate(steps):
            self.steps += 1
            assert step.graph is graph, "a step of another function"
            assert step.frame[-1].function == function
            following = steps[index + 1] if index + 1 < len(steps) else None
            if following is not None:
                assert following.node in graph.nodes[step.node].successors, "no edge goes there"
                if step.onward is not None:
                    assert step.onward == following.node
                assert step.after is not None
                assert step.after.plain.state == following.before.plain.state
            elif returns:
                assert graph.exit in graph.nodes[step.node].successors, "it does not return from there"
            self.state(step)
            if step.inner:
                self.call(step)

    def state(self, step: RawStep) -> None:
        """The state changes by a transition, or in a callee, or where a round or function ends."""
        if step.after is None or step.after.state == step.before.state or step.enters is not None:
            return
        allowed = {each.to for _, each in transitions(self.automaton, step)}
        ends = {each.to for each in self.automaton.transition if each.on is EventKind.RETURN}
        swept = {self.automaton.swept.get(step.before.state, "")}  # the end of a loop over vcpus
        # Another vcpu, or another round of the loop: all begins anew.
        others = ends | swept | {self.automaton.initial}
        assert step.after.state in allowed | others, (step.before, step.after)

    def call(self, step: RawStep) -> None:
        instruction = step.graph.nodes[step.node].instruction
        assert isinstance(instruction, Call | TableCall)
        assert step.enters is not None
        callee = step.enters.function
        site = self.world.graph(step.frame[-1].function).calls.get(step.node)
        targets = {target.function for target in site.targets} if site is not None else set()
        if callee not in targets and callee not in self.world.resuming():
            assert site is None or site.callee is not None, "the call does not lead there"
        self.way(step.inner, callee, returns=step.returns is not None)


@pytest.mark.parametrize("path", fixtures(), ids=name_of)
def test_trails_are_paths(path: Path) -> None:
    world, found = outcomes(path)
    for outcome in found:
        for violation in (*outcome.violations, *outcome.witnesses):
            Replay(world, violation).check()


def test_there_are_trails_and_the_checker_refuses_wrong_ones() -> None:
    path = next(each for each in fixtures() if name_of(each) == "KICK003/calls")
    world, found = outcomes(path)
    long = [each for outcome in found for each in outcome.violations if len(each.steps) > 4]
    assert long
    for violation in long:
        Replay(world, violation).check()
        for steps in (violation.steps[1:], violation.steps[::-1], violation.steps[:2] + violation.steps[3:]):
            wrong = Violation(
                violation.transition, violation.context, violation.key, violation.simulator, steps
            )
            with pytest.raises(AssertionError):
                Replay(world, wrong).check()
