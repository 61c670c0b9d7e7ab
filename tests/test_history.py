"""Summaries of earlier runs: the same report with them, much less run, and nothing that no longer holds."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import pytest
from fixture_trees import DEMO, FIXTURES, tree_of
from kernel_edits import edited
from mutants.bench import gathered
from test_kept_graphs import EDITS, IRQ, edited_demo

import kicklint.engine.known
from kicklint.engine.effort import undisturbed
from kicklint.engine.escalation import WorldResult
from kicklint.engine.inference import open_world
from kicklint.engine.known import remember, written
from kicklint.engine.past import Past
from kicklint.engine.run import judged
from kicklint.engine.sources import Parsed, Sources
from kicklint.engine.world import World
from kicklint.rulebook import load_rulebook
from kicklint.source import DirectoryTree, KeptTree, OverlayTree, SourceTree
from kicklint.store import Store, encoded

RUN = "arch/riscv/kvm/vcpu.c"


def run(
    tree: SourceTree, architecture: str, text: bytes | None = None, parsed: Parsed | None = None
) -> tuple[World, WorldResult]:
    """The world of ``architecture`` and what the rules say of it, with the summaries in ``text`` known."""
    sources = Sources(KeptTree(tree), None, parsed)
    with undisturbed():
        world = open_world(architecture, load_rulebook(), sources)
        remember(world, text)
        return world, judged(world, sources, frozenset())


def kept(world: World) -> bytes:
    text = written(world, complete=True)
    assert text is not None
    return text


def names_of(text: bytes) -> set[str]:
    """The functions that there are summaries of in ``text``."""
    said = json.loads(text)
    return {said["functions"][row[0]][1] for row in said["rows"]}


def test_what_was_run_over_one_edit_changes_nothing_on_another() -> None:
    texts = {}
    alone = {}
    for name in EDITS:
        world, alone[name] = run(edited_demo(name), "riscv")
        texts[name] = kept(world)
    for one, other in permutations(EDITS, 2):
        _, result = run(edited_demo(other), "riscv", texts[one])
        assert encoded(result) == encoded(alone[other]), (one, other)


SNIPPETS = sorted(FIXTURES.glob("KICK0*/*.c"))[::12]


@pytest.mark.parametrize("path", SNIPPETS, ids=[f"{path.parent.name}-{path.stem}" for path in SNIPPETS])
def test_fixtures_say_the_same_when_all_is_known(path: Path) -> None:
    tree = tree_of(path.read_text(encoding="utf-8"))
    for architecture in tree.architectures():
        world, first = run(tree, architecture)
        _, again = run(tree, architecture, kept(world))
        assert encoded(again) == encoded(first)


def test_lines_that_move_make_nothing_stale(kernels: dict[str, Path]) -> None:
    # A new line at the head of the file moves all of its functions; none of them reads another line.
    tree = DirectoryTree(kernels["6.12"])
    world, _ = run(tree, "riscv")
    text = kept(world)
    path = "virt/kvm/kvm_main.c"
    moved = OverlayTree(tree, {path: b"\n" + tree.read(path)})
    again, result = run(moved, "riscv", text)
    assert again.history.made < world.history.made / 5
    assert encoded(result) == encoded(run(moved, "riscv")[1])


def test_only_what_leads_to_a_changed_function_is_stale(kernels: dict[str, Path]) -> None:
    tree = DirectoryTree(kernels["6.12"])
    world, _ = run(tree, "riscv")
    path, name = "arch/riscv/kvm/vcpu_timer.c", "kvm_riscv_vcpu_timer_blocking"
    source = tree.read(path).decode()
    start = source.index("{", source.index(f"{name}(struct"))
    text = source[: start + 1] + "\n\tbarrier();" + source[start + 1 :]
    changed = OverlayTree(tree, {path: text.encode()})
    after = open_world("riscv", load_rulebook(), Sources(KeptTree(changed)))
    remember(after, kept(world))
    known = after.history.known
    assert known is not None
    found = after.function_ids(name)
    above = set(found)
    pending = list(found)
    while pending:
        for caller in after.callers(pending.pop()):
            if caller not in above:
                above.add(caller)
                pending.append(caller)
    left = {context.function for _, context in known.places()}
    # What is part of a recursion is never recalled by itself.
    total = {
        context.function
        for group, contexts in world.history.rows(complete=True).items()
        for context in contexts
        if (group, context) not in world.history.circular
    }
    assert left
    assert not left & set(found)
    assert {name_of(key) for key in total} - {name_of(key) for key in left} <= {name_of(key) for key in above}


def name_of(key: str) -> str:
    return key.rpartition(":")[2]


SOME = [case for case in gathered() if case.architecture in ("riscv", "arm64", "s390")][::23]


@pytest.mark.parametrize("case", SOME, ids=[case.id for case in SOME])
def test_edited_kernels_give_the_same(case, kernels: dict[str, Path]) -> None:  # type: ignore[no-untyped-def]
    root = kernels["6.12"]
    if case.architecture not in _unedited:
        _unedited[case.architecture] = kept(run(DirectoryTree(root), case.architecture, None, _parsed)[0])
    tree = edited(root, case.edits)
    world, result = run(tree, case.architecture, _unedited[case.architecture], _parsed)
    alone, wanted = run(tree, case.architecture, None, _parsed)
    assert encoded(result) == encoded(wanted)
    assert world.history.made < alone.history.made


_parsed: Parsed = {}
_unedited: dict[str, bytes] = {}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b'{"facts": 1}',
        b'{"facts": {"everywhere": "x"}, "rows": []}',
        b"\xff\x00",
    ],
)
def test_what_makes_no_sense_is_not_believed(text: bytes) -> None:
    world, result = run(DirectoryTree(DEMO), "riscv", text)
    assert world.history.known is None
    assert encoded(result) == encoded(run(DirectoryTree(DEMO), "riscv")[1])


def test_a_part_of_the_rules_does_not_lose_what_is_known_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kicklint.engine.known, "_WORTH", 0)
    tree = edited_demo("nothing")
    world, _ = run(tree, "riscv")
    text = kept(world)
    sources = Sources(KeptTree(tree))
    with undisturbed():
        part = open_world("riscv", load_rulebook(), sources)
        remember(part, text)
        judged(part, sources, frozenset({"KICK004"}))
    assert names_of(written(part, complete=False) or b"") >= names_of(text)


def test_a_function_that_is_gone_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kicklint.engine.known, "_WORTH", 0)
    tree = DirectoryTree(DEMO)
    world, _ = run(tree, "riscv")
    renamed = tree.read(IRQ).replace(b"demo_posted_sync", b"demo_other_sync")
    sources = Sources(KeptTree(OverlayTree(tree, {IRQ: renamed})))
    with undisturbed():
        part = open_world("riscv", load_rulebook(), sources)
        remember(part, kept(world))
        judged(part, sources, frozenset({"KICK004"}))
    said = json.loads(written(part, complete=False) or b"")
    assert "demo_posted_sync" not in {name for _, name, _ in said["functions"]}


def test_it_goes_from_run_to_run_through_the_store(tmp_path: Path) -> None:
    past = Past(Store(tmp_path / "results"), DEMO)
    world, _ = run(edited_demo("nothing"), "riscv")
    past.keep(world, complete=True)
    sources = Sources(KeptTree(edited_demo("a test fails to look")))
    again = open_world("riscv", load_rulebook(), sources)
    past.recall(again, sources)
    assert again.history.later is not None  # nothing was asked for yet
    judged(again, sources, frozenset({"KICK004"}))
    assert again.history.known is not None
    other = Past(Store(tmp_path / "results"), DEMO / "other")
    elsewhere = open_world("riscv", load_rulebook(), sources)
    other.recall(elsewhere, sources)
    judged(elsewhere, sources, frozenset({"KICK004"}))
    assert elsewhere.history.known is None
