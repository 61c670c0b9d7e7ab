"""The annotated fixtures: every finding where it is expected, none anywhere else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from fixture_trees import (
    THE_FIRST,
    Expectation,
    MemoryTree,
    expectation,
    fixtures,
    found_in,
    name_of,
    report_on,
    run_of,
    tree_of,
    world_of,
)

from kicklint.rulebook import EventKind, RuleInfo, load_rulebook
from kicklint.typestate import Machine, ProtocolState

# A line with one of these is where a rule may report, so it has to say what it gives.
_DECIDES = re.compile(r"\b__toy_enter_guest\((?!struct)|EXITING_GUEST_MODE\);")


@pytest.mark.parametrize("path", fixtures(), ids=name_of)
def test_fixture(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    wanted = expectation(text, selected(path))
    world = world_of(text)
    report = report_on(tree_of(text, world), selected(path))
    found = found_in(report, run_of(world))
    complain(text, wanted, found)
    assert [each for each in report.findings if each.span.path != run_of(world)] == []


def selected(path: Path) -> frozenset[str]:
    """The rules that a fixture is judged by: its folder's, beside what was not understood."""
    rule = path.parent.name
    return THE_FIRST if rule in THE_FIRST else frozenset({rule, "KICK000"})


def complain(text: str, wanted: Expectation, found: frozenset[tuple[str, int]]) -> None:
    """Fail with the lines that are not as the annotations say."""
    lines = text.splitlines()
    troubles = [
        (wanted.expected - found, "not reported"),
        (found - wanted.expected - wanted.missed - wanted.false, "reported, and should not be"),
        (found & wanted.missed, "is reported now: write `expect` for `todo-expect`"),
        (wanted.false - found, "is not reported any more: write `ok` for `todo-ok`"),
    ]
    said = [
        f"{line}: {rule} {trouble}: {lines[line - 1].strip()}"
        for marks, trouble in troubles
        for rule, line in sorted(marks, key=lambda each: (each[1], each[0]))
    ]
    assert not said, "\n" + "\n".join(said)


@pytest.mark.parametrize("path", fixtures(), ids=name_of)
def test_every_place_that_matters_is_annotated(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    noted = expectation(text).noted
    bare = [
        f"{number}: {line.strip()}"
        for number, line in enumerate(text.splitlines(), 1)
        if path.parent.name in THE_FIRST
        and _DECIDES.search(line)
        and number not in noted
        and "#define" not in line
    ]
    assert noted
    assert bare == []


def test_fixtures_of_every_rule_have_findings_and_clean_code() -> None:
    for rule in load_rulebook().rules:
        texts = [path.read_text(encoding="utf-8") for path in fixtures() if path.parent.name == rule.id]
        assert any(f"/* expect: {rule.id} */" in text for text in texts), rule.id
        assert any("/* ok */" in text for text in texts), rule.id


def test_a_todo_that_passes_fails() -> None:
    """The runner itself: both kinds of todo have to be promoted."""
    text = "a /* todo-expect: KICK003 */\nb /* todo-ok: KICK002 */\nc /* ok */\n"
    wanted = expectation(text)
    complain(text, wanted, frozenset({("KICK002", 2)}))
    with pytest.raises(AssertionError, match="todo-expect"):
        complain(text, wanted, frozenset({("KICK002", 2), ("KICK003", 1)}))
    with pytest.raises(AssertionError, match="todo-ok"):
        complain(text, wanted, frozenset())
    with pytest.raises(AssertionError, match="should not be"):
        complain(text, wanted, frozenset({("KICK002", 2), ("KICK001", 3)}))


def test_a_tree_in_memory_is_one() -> None:
    tree = MemoryTree((("arch/toyarch/kvm/run.c", b"int x;\n"), ("virt/kvm/main.c", b"int y;\n")))
    assert tree.architectures() == ("toyarch",)
    assert report_on(tree).findings == ()


# Every way through every automaton

Way = tuple[str, int, str, int]
"""A rule, the number of an automaton of it, a state and the number of a transition."""

# Rules with a way that no fixture takes: their fixtures are about what is written once and
# ended once, and not about every state being left by every event that leaves it.
NOT_WHOLE = ("KICK006", "KICK007", "KICK009", "KICK010", "KICK011", "KICK014", "KICK015")


@pytest.fixture(scope="module")
def taken() -> Iterator[set[Way]]:
    """Every transition that any fixture took, with the state that it was taken from."""
    automata = [
        ((rule.id, number), each)
        for rule in load_rulebook().rules
        for number, each in enumerate(rule.automaton)
    ]
    names = {id(each): name for name, each in automata}
    found: set[Way] = set()
    original = Machine.step

    def step(
        self: Machine,
        state: ProtocolState,
        kind: EventKind,
        attributes: Mapping[str, str],
        required: frozenset[str],
    ) -> tuple[ProtocolState, int | None]:
        after, index = original(self, state, kind, attributes, required)
        if index is not None:
            found.add((*names[id(self.automaton)], state.state, index))
        return after, index

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Machine, "step", step)
        for path in fixtures():
            text = path.read_text(encoding="utf-8")
            report_on(tree_of(text, world_of(text)), selected(path))
    yield found


def untaken(rule: RuleInfo, taken: set[Way]) -> list[str]:
    """The ways through the automata of ``rule`` that no fixture takes, as text."""
    return sorted(
        f"{rule.id}, automaton {number}: {state} on {transition.on} to {transition.to} ({index})"
        for number, automaton in enumerate(rule.automaton)
        for index, transition in enumerate(automaton.transition)
        for state in (automaton.states if "*" in transition.source else transition.source)
        if (rule.id, number, state, index) not in taken
    )


def test_every_transition_is_taken_from_each_of_its_states(taken: set[Way]) -> None:
    missing = [
        way for rule in load_rulebook().rules if rule.id not in NOT_WHOLE for way in untaken(rule, taken)
    ]
    assert not missing, "\n".join(missing)


def test_a_rule_that_is_taken_in_every_way_is_not_excused(taken: set[Way]) -> None:
    excused = {rule.id: untaken(rule, taken) for rule in load_rulebook().rules if rule.id in NOT_WHOLE}
    assert sorted(excused) == sorted(NOT_WHOLE)
    assert [name for name, ways in excused.items() if not ways] == []
