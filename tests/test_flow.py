"""The shape of control-flow graphs: the ways through them, as the calls that are made on each."""

from __future__ import annotations

from functools import lru_cache

import pytest
from fixture_trees import RUN, MemoryTree

from kicklint.engine.sources import Sources
from kicklint.engine.world import World
from kicklint.flow import Branch, Call, Choice, ControlFlowGraph, TableCall, Temp
from kicklint.rulebook import load_rulebook

Ways = set[str]

# A call is named by one letter in the texts below; a condition is a call too, and the way
# says how it turned out: "c+" true, "c-" false.
ROUNDS = 2


@lru_cache(maxsize=512)
def graph(body: str, before: str = "") -> ControlFlowGraph:
    """The graph of ``void f(int x) { body }``, with ``before`` in front of it."""
    text = f"#define LEAVE(n) do {{ if (n) return; }} while (0)\n{before}\nint f(int x)\n{{\n{body}\n}}\n"
    world = World("toyarch", load_rulebook(), Sources(MemoryTree(((RUN, text.encode()),))))
    (key,) = world.function_ids("f")
    found = world.flow(key)
    assert found.problems == ()
    return found


def ways(body: str, rounds: int = ROUNDS, before: str = "") -> Ways:
    """Every way from the entry to the exit that leaves no branch more than ``rounds`` times on one side."""
    flow = graph(body, before)
    found: Ways = set()
    pending: list[tuple[int, tuple[str, ...], tuple[tuple[int, int], ...]]] = [(0, (), ())]
    while pending:
        index, said, edges = pending.pop()
        if index == flow.exit:
            found.add(" ".join(said))
            continue
        node = flow.nodes[index]
        instruction = node.instruction
        if isinstance(instruction, Call):
            said = (*said, instruction.name or "*")
        elif isinstance(instruction, TableCall):
            said = (*said, instruction.member)
        for way, successor in enumerate(node.successors):
            if len(node.successors) == 1:
                pending.append((successor, said, edges))
                continue
            edge = (index, way)
            if edges.count(edge) >= rounds:
                continue
            outcome = said
            if isinstance(instruction, Branch) and isinstance(instruction.condition, Temp):
                outcome = (*said[:-1], said[-1] + "+-"[way])
            pending.append((successor, outcome, (*edges, edge)))
    return found


def test_sequence() -> None:
    assert ways("a(); b(); return c();") == {"a b c"}


def test_arguments_come_before_the_call() -> None:
    assert ways("f1(a(), b(c()));") == {"a c b f1"}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("a()", {"a+ t", "a- e"}),
        ("!a()", {"a+ e", "a- t"}),
        ("!!a()", {"a+ t", "a- e"}),
        ("a() && b()", {"a+ b+ t", "a+ b- e", "a- e"}),
        ("a() || b()", {"a+ t", "a- b+ t", "a- b- e"}),
        ("!(a() && b())", {"a+ b+ e", "a+ b- t", "a- t"}),
        ("!(a() || b())", {"a+ e", "a- b+ e", "a- b- t"}),
        ("a() && b() && c()", {"a+ b+ c+ t", "a+ b+ c- e", "a+ b- e", "a- e"}),
        ("a() || (b() && c())", {"a+ t", "a- b+ c+ t", "a- b+ c- e", "a- b- e"}),
        ("(a() || b()) && c()", {"a+ c+ t", "a+ c- e", "a- b+ c+ t", "a- b+ c- e", "a- b- e"}),
        ("a() ? b() : c()", {"a+ b+ t", "a+ b- e", "a- c+ t", "a- c- e"}),
        ("likely(a())", {"a+ t", "a- e"}),
        ("unlikely(!a())", {"a+ e", "a- t"}),
        ("WARN_ON_ONCE(a() && b())", {"a+ b+ t", "a+ b- e", "a- e"}),
        ("!WARN_ON(!a())", {"a+ t", "a- e"}),
        ("(b(), a())", {"b a+ t", "b a- e"}),
    ],
)
def test_conditions(condition: str, expected: Ways) -> None:
    """`t` stands in the true arm, `e` in the false one."""
    assert ways(f"if ({condition}) t(); else e();") == expected


def test_else_if() -> None:
    assert ways("if (a()) x1(); else if (b()) x2(); else x3();") == {"a+ x1", "a- b+ x2", "a- b- x3"}


def test_dangling_else() -> None:
    assert ways("if (a()) if (b()) x1(); else x2(); y();") == {"a+ b+ x1 y", "a+ b- x2 y", "a- y"}


def test_conditional_value() -> None:
    assert ways("x = a() ? b() : c(); d();") == {"a+ b d", "a- c d"}


def test_conditional_without_middle() -> None:
    assert ways("x = a() ?: c(); d();") == {"a+ d", "a- c d"}


def test_short_circuit_as_statement() -> None:
    assert {each.replace("b+", "b").replace("b-", "b") for each in ways("a() && b(); c();")} == {
        "a+ b c",
        "a- c",
    }


def test_while() -> None:
    assert ways("while (a()) b(); c();", 1) == {"a- c", "a+ b a- c"}
    assert ways("while (a()) b(); c();", 2) == {"a- c", "a+ b a- c", "a+ b a+ b a- c"}


def test_do_while() -> None:
    assert ways("do b(); while (a()); c();", 2) == {"b a- c", "b a+ b a- c", "b a+ b a+ b a- c"}


def test_do_while_zero_runs_once() -> None:
    """The edge back is there, but its condition is never true; what runs is what counts."""
    body = "do { if (a()) break; b(); } while (0); c();"
    assert {each for each in ways(body, 1) if each.count("a") == 1} == {"a+ c", "a- b c"}


def test_for() -> None:
    assert ways("for (i(); a(); s()) b(); c();", 1) == {"i a- c", "i a+ b s a- c"}


def test_for_without_condition() -> None:
    assert ways("for (;;) { if (a()) break; b(); } c();", 1) == {"a+ c", "a- b a+ c"}


def test_continue() -> None:
    assert ways("for (i(); a(); s()) { if (b()) continue; d(); } c();", 1) == {
        "i a- c",
        "i a+ b+ s a- c",
        "i a+ b- d s a- c",
    }
    assert ways("do { if (b()) continue; d(); } while (a()); c();", 1) >= {"b+ a- c", "b- d a- c"}


def test_break_of_the_inner_loop() -> None:
    found = ways("while (a()) { while (b()) { if (d()) break; } e(); } c();", 1)
    assert found == {"a- c", "a+ b- e a- c", "a+ b+ d+ e a- c", "a+ b+ d- b- e a- c"}


def test_loop_macro() -> None:
    assert {each.replace("list_for_each", "L") for each in ways("list_for_each(x, y) b(); c();", 1)} == {
        "c",
        "L b c",
    }


def test_break_out_of_a_loop_macro() -> None:
    found = ways("list_for_each(x, y) { if (a()) break; b(); } c();", 1)
    assert {each.replace("list_for_each", "L") for each in found} == {"c", "L a+ c", "L a- b c"}


def test_switch() -> None:
    body = "switch (x) { case 1: a(); break; case 2: b(); case 3: c(); break; default: d(); } e();"
    assert ways(body) == {"a e", "b c e", "c e", "d e"}


def test_switch_without_default() -> None:
    assert ways("switch (x) { case 1: a(); } e();") == {"a e", "e"}


def test_default_in_the_middle() -> None:
    assert ways("switch (x) { case 1: a(); default: d(); case 2: b(); } e();") == {"a d b e", "d b e", "b e"}


def test_case_inside_of_a_loop() -> None:
    found = ways("switch (x) { case 0: do { a(); case 1: b(); } while (c()); } e();", 1)
    assert found == {"a b c- e", "b c- e", "a b c+ a b c- e", "b c+ a b c- e", "e"}


def test_return_in_the_middle() -> None:
    assert ways("if (a()) return b(); c();") == {"a+ b", "a- c"}


def test_goto_forwards() -> None:
    assert ways("if (a()) goto out; b(); out: c();") == {"a+ c", "a- b c"}


def test_goto_backwards() -> None:
    assert ways("again: a(); if (b()) goto again; c();", 1) == {"a b- c", "a b+ a b- c"}


def test_goto_into_a_block() -> None:
    assert ways("if (a()) goto in; if (b()) { d(); in: e(); } c();") == {"a+ e c", "a- b+ d e c", "a- b- c"}


def test_label_at_the_end_of_a_block() -> None:
    assert ways("if (a()) { if (b()) goto next; d(); next: } c();") == {"a- c", "a+ b+ c", "a+ b- d c"}


def test_unreachable_code_is_not_reached() -> None:
    assert ways("return a(); b();") == {"a"}


@pytest.mark.parametrize("call", ["BUG()", 'panic("x")', "unreachable()"])
def test_noreturn(call: str) -> None:
    assert ways(f"if (a()) {call}; b();") == {"a- b"}


def test_bug_on() -> None:
    assert ways("BUG_ON(a()); b();") == {"a- b"}


def test_statement_expression() -> None:
    assert ways("x = ({ a(); b(); }); c();") == {"a b c"}
    assert ways("if (({ if (a()) return d(); b(); })) t(); else e();") == {"a+ d", "a- b+ t", "a- b- e"}


def test_sizeof_does_not_call() -> None:
    assert ways("x = sizeof(a()); b();") == {"b"}


def test_guard_is_released_on_every_way_out() -> None:
    lock, unlock = "guard(mutex)", "release(mutex)"
    body = "guard(mutex)(&x); if (a()) return b(); c();"
    assert ways(body) == {f"{lock} a+ b {unlock}", f"{lock} a- c {unlock}"}


def test_guards_are_released_newest_first() -> None:
    body = "guard(one)(&x); guard(two)(&x); a();"
    assert ways(body) == {"guard(one) guard(two) a release(two) release(one)"}


def test_scoped_guard() -> None:
    lock, unlock = "guard(spinlock)", "release(spinlock)"
    assert ways("scoped_guard(spinlock, &x) { a(); } b();") == {f"{lock} a {unlock} b"}
    assert ways("scoped_guard(spinlock, &x) { if (a()) break; c(); } b();") == {
        f"{lock} a+ {unlock} b",
        f"{lock} a- c {unlock} b",
    }
    assert ways("scoped_guard(spinlock, &x) { if (a()) return 1; } b();") == {
        f"{lock} a+ {unlock}",
        f"{lock} a- {unlock} b",
    }


def test_goto_out_of_a_guarded_block_releases() -> None:
    body = "{ guard(mutex)(&x); if (a()) goto out; c(); } b(); out: d();"
    assert ways(body) == {"guard(mutex) a+ release(mutex) d", "guard(mutex) a- c release(mutex) b d"}


def test_continue_releases_what_the_round_took() -> None:
    body = "while (a()) { guard(mutex)(&x); if (b()) continue; c(); } d();"
    assert ways(body, 1) == {
        "a- d",
        "a+ guard(mutex) b+ release(mutex) a- d",
        "a+ guard(mutex) b- c release(mutex) a- d",
    }


def test_conditional_compilation_takes_both_arms() -> None:
    assert ways("#ifdef A\na();\n#else\nb();\n#endif\nc();") == {"a c", "b c"}
    assert ways("#if defined(A)\na();\n#elif defined(B)\nb();\n#endif\nc();") == {"a c", "b c", "c"}


def test_else_cut_by_conditional_compilation() -> None:
    found = ways("if (a())\nb();\nelse\n#ifdef A\nif (d())\n#endif\ne();\nc();")
    assert found == {"a+ b c", "a- d+ e c", "a- d- c", "a- e c"}


def test_macro_that_returns() -> None:
    assert ways("LEAVE(a()); b();", 1) >= {"a+", "a- b"}


def test_every_node_but_the_exit_goes_on_or_is_not_reached() -> None:
    flow = graph("while (a()) { switch (x) { case 1: if (b()) goto out; break; } c(); } out: d();")
    reached = {0}
    pending = [0]
    while pending:
        for successor in flow.nodes[pending.pop()].successors:
            if successor not in reached:
                reached.add(successor)
                pending.append(successor)
    assert flow.exit in reached
    assert flow.nodes[flow.exit].successors == ()
    assert all(flow.nodes[each].successors for each in reached - {flow.exit})
    for each in flow.nodes:
        if isinstance(each.instruction, Branch):
            assert len(each.successors) in (0, 2)
        elif not isinstance(each.instruction, Choice):
            assert len(each.successors) <= 1
