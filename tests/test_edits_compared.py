"""Reports on edited trees, as far as the edits reach: nothing new is lost, and nothing is made up."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from fixture_trees import DEMO
from kernel_edits import edited, kept
from mutants.bench import gathered
from patches import MAIN, UNGUARDED, VCPU, WRITE, repository_at, text_of
from patches import edited as text_edited
from test_kept_graphs import EDITS, edited_demo

import kicklint.engine.comparing
import kicklint.engine.versions
from kicklint.base import Report
from kicklint.engine.analysis import AnalysisRequest, analyse_tree
from kicklint.engine.comparing import analyse_edits
from kicklint.engine.sources import Parsed
from kicklint.engine.world import World
from kicklint.review.standing import difference
from kicklint.rulebook import Automaton
from kicklint.source import DirectoryTree, KeptTree, OverlayTree, RevisionTree, SourceTree, find_repository
from kicklint.store import Store
from kicklint.typestate import search


def new(before: Report, after: Report) -> Counter[tuple[str, ...]]:
    """What is new in ``after``, with all that is said of it."""
    found = difference(before, after, {}, lambda _finding: False).new
    return Counter(
        (each.rule, each.severity, each.span.path, str(each.span.line), each.function, each.message)
        for each, _ in found
    )


def test_pairs_of_edits_bring_the_same() -> None:
    request = AnalysisRequest(DEMO)
    trees = {name: edited_demo(name) for name in EDITS}
    parsed: Parsed = {}
    whole = {name: analyse_tree(tree, request, parsed) for name, tree in trees.items()}
    some = 0
    for one, other in list(permutations(EDITS, 2))[::5]:
        wanted = new(whole[one], whole[other])
        before, after = analyse_edits([trees[one], trees[other]], request)
        assert new(before, after) == wanted, (one, other)
        some += bool(wanted)
    assert some > 1


def test_whole_reports_are_those_of_the_trees() -> None:
    request = AnalysisRequest(DEMO)
    trees = [edited_demo(name) for name in EDITS]
    wanted = [analyse_tree(tree, request).findings for tree in trees]
    assert [each.findings for each in analyse_edits(trees, request, whole=True)] == wanted


def overlay(base: SourceTree, path: str, old: str, new_text: str) -> OverlayTree:
    text = base.read(path).decode()
    assert text.count(old) == 1
    return OverlayTree(base, {path: text.replace(old, new_text).encode()})


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The functions in which runs were begun, and the trees that they were in."""
    seen: list[str] = []

    def noting(world: World, automaton: Automaton, *rest: object) -> object:
        outcome = search(world, automaton, *rest)  # type: ignore[arg-type]
        side = "after" if isinstance(world.tree, OverlayTree) else "before"
        seen.extend(f"{side}:{each.function}" for one in outcome.simulators for each in one.summaries)
        return outcome

    monkeypatch.setattr(kicklint.engine.versions, "search", noting)
    return seen


def test_an_edit_beside_the_protocol_costs_no_run(searched: list[str]) -> None:
    demo = KeptTree(DirectoryTree(DEMO))
    more = "static int demo_twice(int number)\n{\n\treturn 2 * number;\n}\n\n"
    other = overlay(demo, MAIN, "static void demo_ack_kick(", f"{more}static void demo_ack_kick(")
    analyse_edits([demo, other], AnalysisRequest(DEMO))
    assert searched == []


def test_what_was_compared_is_not_opened_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same trees and rules; another tree, or other rules, are something else."""
    demo = KeptTree(DirectoryTree(DEMO))
    worse = overlay(demo, VCPU, "if (unlikely(demo_exit_request(vcpu)))", "if (vcpu->cpu)")
    plain = analyse_edits([demo, worse], AnalysisRequest(DEMO))
    assert plain[1].findings != plain[0].findings
    request = AnalysisRequest(DEMO, store=Store(tmp_path))
    assert analyse_edits([demo, worse], request) == plain
    with monkeypatch.context() as patch:
        patch.delattr(kicklint.engine.comparing, "Versions")
        assert analyse_edits([demo, worse], request) == plain
        for trees, select in (([worse, demo], ()), ([demo, worse], ("KICK003",))):
            with pytest.raises(NameError):
                analyse_edits(trees, replace(request, select=frozenset(select)))
    assert analyse_edits([worse, demo], request) == analyse_edits([worse, demo], AnalysisRequest(DEMO))


def test_only_what_the_edit_reaches_is_run_and_the_base_only_where_something_is_wrong(
    searched: list[str],
) -> None:
    demo = KeptTree(DirectoryTree(DEMO))
    harmless = overlay(demo, VCPU, "if (unlikely(demo_exit_request(vcpu)))", "if (demo_exit_request(vcpu))")
    # KICK009 learns from both.
    analyse_edits(
        [demo, harmless], AnalysisRequest(DEMO, select=frozenset({"KICK003", "KICK004", "KICK007"}))
    )
    assert any("demo_enter_guest" in each for each in searched)
    # The self-kick is no part of any way that the edit is on.
    assert not any("kvm_vcpu_kick" in each for each in searched)
    assert not any(each.startswith("before:") for each in searched)


def test_the_same_whatever_the_number_of_processes(kernels: dict[str, Path]) -> None:
    root = kernels["6.12"]
    after = overlay(
        kept(root),
        "virt/kvm/kvm_main.c",
        WRITE,
        WRITE.replace("WRITE_ONCE(vcpu->mode,", "smp_store_mb(vcpu->mode,"),
    )
    request = AnalysisRequest(root, architectures=("loongarch", "mips", "riscv"))
    alone = analyse_edits([kept(root), after], request)
    assert [len(each.findings) for each in alone] == [1, 1]
    for jobs in (2, 3):
        spread = AnalysisRequest(root, architectures=request.architectures, jobs=jobs)
        assert analyse_edits([kept(root), after], spread) == alone


def test_revisions_are_read_by_every_process_itself(tmp_path: Path) -> None:
    tree = repository_at(tmp_path)
    repository = find_repository(tree)
    assert repository is not None
    base = KeptTree(RevisionTree(repository, repository.commit("HEAD")))
    assert base.read(VCPU)
    x86 = {"arch/x86/kvm/x86.c": b"int demo_x86;\n"}
    trees = [
        OverlayTree(base, x86),
        OverlayTree(
            base, {**x86, MAIN: text_edited(MAIN, (WRITE, "vcpu->mode = EXITING_GUEST_MODE;")).encode()}
        ),
    ]
    try:
        reports = [analyse_edits(trees, AnalysisRequest(tree, jobs=jobs)) for jobs in (1, 2)]
    finally:
        repository.close()
    assert reports[0] == reports[1]
    assert [each.architectures for each in reports[0]] == [("riscv", "x86")] * 2
    assert UNGUARDED in text_of(MAIN)


@pytest.mark.parametrize("architecture", ["riscv", "loongarch", "mips"])
def test_edits_of_a_kernel_bring_the_same(kernels: dict[str, Path], architecture: str) -> None:
    root = kernels["6.12"]
    here = [each for each in gathered() if each.architecture == architecture]
    # What the exit handler does is reached by no call, but from the entry.
    handlers = [each for each in here if each.id == "mips-kick006-exit-forgets"]
    cases = [*here[::14], *handlers]
    request = AnalysisRequest(root, architectures=(architecture,))
    parsed: Parsed = {}
    before = analyse_tree(kept(root), request, parsed)
    brought = 0
    for case in cases:
        tree = edited(root, case.edits)
        wanted = new(before, analyse_tree(tree, request, parsed))
        assert new(*analyse_edits([kept(root), tree], request)) == wanted, case.id
        brought += bool(wanted)
    assert brought
