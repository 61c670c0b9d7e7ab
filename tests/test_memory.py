"""The memory model on tests of our own; the expectations are from Documentation/atomic_t.txt,
tools/memory-model/Documentation and explanation.txt."""

from __future__ import annotations

import time

import pytest

from kicklint.memory import Declined, Verdict, check, read_litmus, story, write_litmus

NEVER, SOMETIMES = Verdict.NEVER, Verdict.SOMETIMES


def _two(first: str, second: str, exists: str) -> str:
    shared = "int *x, int *y, int *z, spinlock_t *s, struct srcu_struct *ss"
    threads = f"P0({shared})\n{{\n{first}\n}}\n\nP1({shared})\n{{\n{second}\n}}\n"
    return f"C test\n\n{{}}\n\n{threads}\nexists ({exists})\n"


def _buffering(between: str, store: str = "WRITE_ONCE(*x, 1);") -> str:
    """Store buffering with ``between`` in the first thread and a full barrier in the other."""
    return _two(
        f"int r0; int i; {store} {between} r0 = READ_ONCE(*y);",
        "int r1; WRITE_ONCE(*y, 1); smp_mb(); r1 = READ_ONCE(*x);",
        "0:r0=0 /\\ 1:r1=0",
    )


@pytest.mark.parametrize(
    ("between", "verdict"),
    [
        ("", SOMETIMES),
        ("smp_mb();", NEVER),
        ("smp_wmb();", SOMETIMES),
        ("smp_rmb();", SOMETIMES),
        ("barrier();", SOMETIMES),
        ("i = xchg(z, 1);", NEVER),
        ("i = xchg_acquire(z, 1);", SOMETIMES),
        ("i = xchg_release(z, 1);", SOMETIMES),
        ("i = cmpxchg(z, 0, 1);", NEVER),
        ("i = cmpxchg(z, 7, 1);", SOMETIMES),  # fails, and orders nothing
        ("i = cmpxchg(z, 7, 1); smp_mb__after_atomic();", NEVER),
        ("atomic_inc(z);", SOMETIMES),
        ("atomic_inc(z); smp_mb__after_atomic();", NEVER),
        ("smp_mb__before_atomic(); atomic_inc(z);", NEVER),
        ("smp_mb__after_atomic();", SOMETIMES),  # with no atomic operation in front
        ("i = srcu_read_lock(ss); srcu_read_unlock(ss, i);", SOMETIMES),
        ("i = srcu_read_lock(ss); srcu_read_unlock(ss, i); smp_mb__after_srcu_read_unlock();", NEVER),
        ("smp_mb__after_srcu_read_unlock();", SOMETIMES),
        ("spin_lock(s); spin_unlock(s);", SOMETIMES),
        ("spin_lock(s); smp_mb__after_spinlock(); spin_unlock(s);", NEVER),
        ("i = smp_load_acquire(z);", SOMETIMES),
        ("smp_store_release(z, 1);", SOMETIMES),
    ],
)
def test_store_buffering(between: str, verdict: Verdict) -> None:
    assert check(read_litmus(_buffering(between))).verdict is verdict


@pytest.mark.parametrize(
    ("store", "verdict"),
    [
        ("smp_store_mb(*x, 1);", NEVER),
        ("smp_store_release(x, 1);", SOMETIMES),
        ("i = xchg(x, 1);", NEVER),
        ("i = xchg_relaxed(x, 1);", SOMETIMES),
        ("atomic_set(x, 1);", SOMETIMES),
        ("atomic_add(1, x);", SOMETIMES),
        ("i = atomic_add_return(1, x);", NEVER),
        ("i = atomic_fetch_inc_release(x);", SOMETIMES),
    ],
)
def test_stores_that_are_barriers(store: str, verdict: Verdict) -> None:
    assert check(read_litmus(_buffering("", store))).verdict is verdict


@pytest.mark.parametrize(
    ("reader", "verdict"),
    [
        ("r0 = READ_ONCE(*y); r1 = READ_ONCE(*x);", SOMETIMES),
        ("r0 = READ_ONCE(*y); if (r0) r1 = READ_ONCE(*x);", SOMETIMES),  # control orders no loads
        ("r0 = smp_load_acquire(y); r1 = READ_ONCE(*x);", NEVER),
        ("r0 = READ_ONCE(*y); smp_rmb(); r1 = READ_ONCE(*x);", NEVER),
        ("r0 = xchg_acquire(y, 2); r1 = READ_ONCE(*x);", NEVER),
        ("r0 = xchg_release(y, 2); r1 = READ_ONCE(*x);", SOMETIMES),
        ("r0 = READ_ONCE(*y); if (r0) { clear_it; } r1 = READ_ONCE(*x);", NEVER),
    ],
)
def test_message_passing(reader: str, verdict: Verdict) -> None:
    consumed = "atomic_and(0, y); smp_mb__after_atomic();"
    text = _two(
        "WRITE_ONCE(*x, 1); smp_wmb(); atomic_or(1, y);",
        f"int r0; int r1; r1 = 1; {reader.replace('clear_it;', consumed)}",
        "1:r0=1 /\\ 1:r1=0",
    )
    assert check(read_litmus(text)).verdict is verdict


def test_an_update_loses_nothing() -> None:
    text = _two("atomic_inc(x);", "atomic_inc(x);", "~x=2")
    assert check(read_litmus(text)).verdict is NEVER
    text = _two("int r; r = READ_ONCE(*x); WRITE_ONCE(*x, r + 1);", "atomic_inc(x);", "~x=2")
    assert check(read_litmus(text)).verdict is SOMETIMES


def test_a_store_behind_the_branch_does_not_depend_on_it() -> None:
    other = "int r1; r1 = READ_ONCE(*y); smp_mb(); WRITE_ONCE(*x, 1);"
    inside = _two("int r0; r0 = READ_ONCE(*x); if (r0) WRITE_ONCE(*y, 1);", other, "0:r0=1 /\\ 1:r1=1")
    behind = _two(
        "int r0; r0 = READ_ONCE(*x); if (r0) barrier(); WRITE_ONCE(*y, 1);", other, "0:r0=1 /\\ 1:r1=1"
    )
    assert check(read_litmus(inside)).verdict is NEVER
    assert check(read_litmus(behind)).verdict is SOMETIMES


def test_a_race_of_plain_accesses_is_said() -> None:
    racing = _two("*x = 1;", "int r0; r0 = *x;", "1:r0=1")
    assert check(read_litmus(racing)).races
    orderly = _two(
        "*x = 1; smp_store_release(y, 1);",
        "int r0; int r1; r0 = smp_load_acquire(y); if (r0) r1 = *x;",
        "1:r1=1",
    )
    answer = check(read_litmus(orderly))
    assert answer.verdict is SOMETIMES
    assert not answer.races


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("synchronize_rcu();", "synchronize_rcu"),
        ("synchronize_srcu(ss);", "synchronize_srcu"),
        ("while (1) { }", "while"),
        ("frobnicate(x);", "frobnicate"),
        ("int r; r = READ_ONCE(*x) && READ_ONCE(*y);", "behind &&"),
        ("WRITE_ONCE(*x, y + 1);", "address"),
    ],
)
def test_what_is_not_modelled_is_declined_by_name(body: str, reason: str) -> None:
    with pytest.raises(Declined, match=reason):
        check(read_litmus(_two(body, "", "x=1")))


def test_a_program_that_is_too_large_is_declined() -> None:
    reads = " ".join(f"int r{n}; r{n} = READ_ONCE(*x);" for n in range(30))
    with pytest.raises(Declined, match="too many"):
        check(read_litmus(_two(reads, "WRITE_ONCE(*x, 1);", "0:r0=1")))


def test_the_story_of_store_buffering_says_when_the_store_is_seen() -> None:
    witness = check(read_litmus(_buffering("smp_wmb();"))).witness
    assert witness is not None
    told = [
        (each.thread, each.event.kind, each.event.location, each.delayed, each.visible)
        for each in story(witness)
    ]
    assert told == [
        (0, "W", "x", True, False),
        (0, "R", "y", False, False),
        (1, "W", "y", False, False),
        (1, "R", "x", False, False),
        (0, "W", "x", False, True),
    ]


def test_twenty_events_a_thread_are_answered() -> None:
    def thread(mine: str, theirs: str, register: str, barrier: str) -> str:
        stores = " ".join(f"WRITE_ONCE(*{mine}, {n});" for n in range(1, 10))
        fences = "smp_wmb(); " * 9
        return f"int {register}; {stores} {fences} {barrier} {register} = READ_ONCE(*{theirs});"

    for barrier, verdict in (("smp_mb();", NEVER), ("smp_rmb();", SOMETIMES)):
        text = _two(thread("x", "y", "r0", barrier), thread("y", "x", "r1", "smp_mb();"), "0:r0=0 /\\ 1:r1=0")
        begun = time.perf_counter()
        assert check(read_litmus(text)).verdict is verdict
        assert time.perf_counter() - begun < 1


def test_what_is_written_can_be_read() -> None:
    text = _buffering(
        "i = cmpxchg(z, 0, 2); smp_mb__after_atomic(); if (i == 2) { spin_lock(s); spin_unlock(s); }"
    )
    program = read_litmus(text)
    written = write_litmus(program, ("a comment", "", "of three lines"))
    assert written.startswith("C test\n\n(*\n * a comment\n *\n * of three lines\n *)\n")
    assert read_litmus(written).threads == program.threads
    assert "exists (0:r0=0 /\\ 1:r1=0)" in written


def test_a_location_has_one_type_in_all_threads() -> None:
    written = write_litmus(read_litmus(_two("WRITE_ONCE(*x, 2);", "atomic_add(1, x);", "x=3")))
    assert written.count("atomic_t *x") == 2
