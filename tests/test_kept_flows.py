"""Control-flow graphs of earlier runs: the same as made anew, or not there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fixture_trees import DEMO
from kernel_edits import edited
from mutants.bench import gathered
from test_kept_graphs import EDITS, HOST, RUN, edited_demo

import kicklint.engine.lowering
from kicklint.engine.effort import undisturbed
from kicklint.engine.flows import Flows
from kicklint.engine.inference import open_world
from kicklint.engine.run import judged, run_world
from kicklint.engine.sources import Sources
from kicklint.flow import graph_of, rows_of
from kicklint.rulebook import load_rulebook
from kicklint.source import DirectoryTree, KeptTree, OverlayTree, SourceTree
from kicklint.store import Store, encoded


def lowered(tree: SourceTree, architecture: str, flows: Flows | None) -> bytes:
    """What the rules say of the world of ``architecture``, with ``flows`` known and added to."""
    sources = Sources(KeptTree(tree))
    sources.flows = flows
    with undisturbed():
        world = open_world(architecture, load_rulebook(), sources)
        said = judged(world, sources, frozenset())
    if flows is not None:
        flows.keep()
    return encoded(said)


def test_every_function_comes_back_from_its_rows(kernels: dict[str, Path]) -> None:
    sources = Sources(KeptTree(DirectoryTree(kernels["6.12"])))
    with undisturbed():
        world = open_world("riscv", load_rulebook(), sources)
        for key, function in world.index.functions.items():
            graph = world.flow(key)
            rows = json.loads(json.dumps(rows_of(graph, function.start_line)))
            assert graph_of(rows, function.path, function.start_line) == graph
            moved = graph_of(rows, function.path, function.start_line + 3)
            assert [node.span.line - 3 for node in moved.nodes] == [node.span.line for node in graph.nodes]


def test_what_was_kept_of_one_edit_changes_nothing_on_another(tmp_path: Path) -> None:
    alone = {name: lowered(edited_demo(name), "riscv", None) for name in EDITS}
    store = Store(tmp_path / "results")
    for name in (*EDITS, *reversed(EDITS)):  # each after its neighbours, with all that was kept before
        assert lowered(edited_demo(name), "riscv", Flows(store, DEMO, "riscv")) == alone[name], name


SOME = [case for case in gathered() if case.architecture in ("riscv", "loongarch", "mips")][::19]


@pytest.mark.parametrize("case", SOME, ids=[case.id for case in SOME])
def test_edited_kernels_give_the_same(  # type: ignore[no-untyped-def]
    case, kernels: dict[str, Path], tmp_path: Path
) -> None:
    root = kernels["6.12"]
    store = Store(tmp_path / "results")
    lowered(DirectoryTree(root), case.architecture, Flows(store, root, case.architecture))
    tree = edited(root, case.edits)
    known = lowered(tree, case.architecture, Flows(store, root, case.architecture))
    assert known == lowered(tree, case.architecture, None)


def test_only_functions_that_read_differently_are_lowered_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "results")
    plain = edited_demo("nothing")
    text, host = plain.read(RUN), plain.read(HOST)
    assert text.count(b"if (vector >= 0)\n") == 1
    assert b"struct kvm;\n" in host
    text = text.replace(b"if (vector >= 0)\n", b"demo_note(vcpu);\n\tif (vector >= 0)\n")
    barrier = host.replace(b"struct kvm;\n", b"#define demo_note(v) barrier()\nstruct kvm;\n", 1)
    lowered(OverlayTree(plain, {RUN: text, HOST: barrier}), "riscv", Flows(store, DEMO, "riscv"))
    made: list[str] = []
    build = kicklint.engine.lowering.build_graph

    def counted(function, dialect):  # type: ignore[no-untyped-def]
        made.append(function.name)
        return build(function, dialect)

    monkeypatch.setattr(kicklint.engine.lowering, "build_graph", counted)
    moved = OverlayTree(plain, {RUN: b"\n\n" + text, HOST: barrier})
    lowered(moved, "riscv", Flows(store, DEMO, "riscv"))
    assert made == []
    changed = text.replace(b"demo_note(vcpu);", b"demo_note(vcpu);\n\tbarrier();")
    lowered(OverlayTree(plain, {RUN: changed, HOST: barrier}), "riscv", Flows(store, DEMO, "riscv"))
    assert len(set(made)) == 1
    again, made[:] = set(made), []
    # The function reads as it did, but a macro in it is something else.
    kick = barrier.replace(b"barrier()\n", b"kvm_vcpu_kick(v)\n", 1)
    lowered(OverlayTree(plain, {RUN: changed, HOST: kick}), "riscv", Flows(store, DEMO, "riscv"))
    assert set(made) == again


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"[]",
        b"\xff",
        b"1",
        b'{"x": 1}',
        b"null",
    ],
)
def test_what_makes_no_sense_is_not_believed(tmp_path: Path, said: bytes) -> None:
    wanted = lowered(edited_demo("nothing"), "riscv", None)
    store = _Nonsense(tmp_path / "results", said)
    assert lowered(edited_demo("nothing"), "riscv", Flows(store, DEMO, "riscv")) == wanted


@pytest.mark.parametrize(
    "entry",
    [
        None,
        [],
        ["mode"],
        [[], [], []],
        [[], [["call"]], []],
        [[], [], ["f", [], [], 1, [], [], [[3, 0, "x"]], []]],
        [[], [], ["f", [], [], 1, [], [], [[9]], []]],
        [[], [], ["f", [], [], 1, [], [[0, 1, 0, 1]], [], [[[], 0, 0, 9]]]],
        [[], [], ["f", [], [], 1, [], [[0, 1, 0, 1]], [[1, "x"]], [[[], 0, 0, 2, 1, 0]]]],
    ],
)
def test_an_entry_that_makes_no_sense_is_not_believed(tmp_path: Path, entry: object) -> None:
    sources = Sources(KeptTree(DirectoryTree(DEMO)))
    world = open_world("riscv", load_rulebook(), sources)
    file = next(each for each in world.files if each.path == RUN)
    store = _Nonsense(tmp_path / "results", json.dumps(dict.fromkeys(file.digests, entry)).encode())
    for function in file.functions:
        flows = Flows(store, DEMO, "riscv")
        assert flows.find(file, function, frozenset(), lambda question: None) is None


class _Nonsense(Store):
    """A store that holds the same for every key."""

    def __init__(self, folder: Path, said: bytes) -> None:
        super().__init__(folder)
        self.said = said

    def get(self, key: str) -> bytes | None:
        return self.said


def test_the_first_run_keeps_what_opening_the_world_takes_and_no_more(tmp_path: Path) -> None:
    store = Store(tmp_path / "results")
    tree = KeptTree(DirectoryTree(DEMO))
    first = run_world("riscv", load_rulebook(), Sources(tree, store=store), frozenset())
    opened = graphs_in(tmp_path)
    assert opened
    again = run_world("riscv", load_rulebook(), Sources(tree, store=store), frozenset())
    assert graphs_in(tmp_path) > opened
    assert encoded(again) == encoded(first)


def graphs_in(folder: Path) -> int:
    """How many graphs the store in ``folder`` has: a digest of the function's text each."""
    entries = (folder / "results" / "gr").iterdir()
    store = Store(folder / "results")
    return sum(len(json.loads(store.get(f"gr{each.name}") or b"{}")) for each in entries)
