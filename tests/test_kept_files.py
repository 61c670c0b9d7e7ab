"""Single files that an earlier run has parsed: the same as parsed anew in every respect, or not there."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from fixture_trees import DEMO, FIXTURES, tree_of
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_edits import edited
from mutants.bench import gathered
from test_kept_graphs import EDITS, edited_demo
from test_syntax_robust import PIECES

import kicklint.engine.sources
from kicklint.engine.analysis import AnalysisRequest, analyse_tree
from kicklint.engine.comparing import analyse_edits
from kicklint.engine.remembered import file_key
from kicklint.engine.sources import Sources, dialect
from kicklint.source import DirectoryTree, KeptTree, OverlayTree
from kicklint.store import Store
from kicklint.syntax import Body, SyntaxFile, packed, parse_file, unpacked

SOURCE = rb"""
#include <linux/kvm_host.h>
#define LOW 1
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define EMPTY()
#define TELL(text, ...) tell(text, __VA_ARGS__)
enum { ONE, TWO = 1 << 4 };
struct kvm_vcpu *last;
int outside(struct kvm_vcpu *vcpu, ...);
static const struct ops ops = { .run = run, .nested = { .stop = &stop }, };
#ifdef CONFIG_A
static int only_sometimes(void) { return helper(LOW); }
#endif
static inline __always_unused int run(struct kvm_vcpu *vcpu, unsigned long *flags)
{
	switch (vcpu->mode) {
	case 1 ... 3:
		guard(mutex)(&vcpu->lock);
		vcpu->ops->run = (void *)run;
		break;
	}
	list_for_each_entry(vcpu, &vcpu->list, entry)
		if (a &&
#ifdef CONFIG_B
		b ||
#endif
		c)
			tell("(text, with words)", helper, vcpu->cpu, sizeof(struct kvm *));
	return __get_user(vcpu, flags);
}
int broken(void) { if (; }
"""


def bodies(each: tuple[Body, ...]) -> list[tuple[object, ...]]:
    return [
        (
            str(body.node),
            body.node.start_point,
            body.text[body.node.start_byte : body.node.end_byte],
            body.configuration,
            dict(body.rewritten),
        )
        for body in each
    ]


def everything(file: SyntaxFile) -> list[object]:
    """All that can be asked of a file."""
    told: list[object] = [file.path, file.source, file.normalised, dict(file.notes), file.macros]
    told += [file.enumerators, file.initialisers, file.prototypes, file.file_damage, file.words]
    told += [file.conditional, file.pointers, file.assignments]
    uses = file.uses
    for word in sorted({*uses.places, "nowhere"}):
        told.append((word, [list(of(word)) for of in (uses.holding, uses.mentioning, uses.reaching)]))
    for each in file.functions:
        told += [each.name, each.path, each.span, each.static, each.inline, each.returns, each.parameters]
        told += [each.damage, each.words, each.start_line, each.end_line, bodies(each.bodies)]
    return told


def assert_same(source: bytes) -> None:
    file = parse_file("a/b.c", source, dialect())
    assert everything(unpacked("a/b.c", source, packed(file), dialect())) == everything(file)


def test_nothing_of_a_file_is_lost() -> None:
    assert_same(SOURCE)
    file = parse_file("a/b.c", SOURCE, dialect())
    run = next(each for each in file.functions if each.name == "run")
    assert len(run.bodies) == 2  # the condition cuts through a statement
    assert [each.name for each in file.functions if each.damage] == ["broken"]
    assert file.assignments == (("run", "run"),)
    assert ("kvm_vcpu", "last") in file.pointers
    assert "helper" not in file.conditional
    assert {"b", "only_sometimes"} <= file.conditional


def test_what_is_kept_does_not_hold_the_path() -> None:
    one, other = (parse_file(path, SOURCE, dialect()) for path in ("a/b.c", "virt/kvm/c.h"))
    assert packed(one) == packed(other)
    assert everything(unpacked("virt/kvm/c.h", SOURCE, packed(one), dialect())) == everything(other)
    assert packed(unpacked("c.c", SOURCE, packed(one), dialect())) == packed(one)


def test_bodies_that_were_let_go_of_are_the_same() -> None:
    kept, gone = (parse_file("a/b.c", SOURCE, dialect()) for _ in range(2))
    gone.let_go()
    assert all(each.inside.bodies is not each.inside.bodies for each in gone.functions)
    assert all(each.inside.bodies is each.inside.bodies for each in kept.functions)
    assert everything(gone) == everything(kept)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=60))
def test_pieces_of_c_come_back(pieces: list[str]) -> None:
    assert_same("".join(pieces).encode("latin-1", "replace"))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_come_back(source: bytes) -> None:
    assert_same(source)


@pytest.mark.parametrize("name", ["virt/kvm/kvm_main.c", "arch/x86/kvm/mmu/paging_tmpl.h"])
def test_files_of_the_kernel_come_back(name: str, kernel: Path) -> None:
    assert_same((kernel / name).read_bytes())


def test_what_is_cut_or_changed_is_no_file() -> None:
    data = packed(parse_file("a.c", SOURCE, dialect()))
    for length in range(0, len(data), 7):
        with pytest.raises(ValueError):
            unpacked("a.c", SOURCE, data[:length], dialect())
    with pytest.raises(ValueError):
        unpacked("a.c", SOURCE + b" ", data, dialect())
    chance = random.Random(1)
    for _ in range(3000):
        place = chance.randrange(len(data) - len(SOURCE))
        spoilt = data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :]
        try:
            unpacked("a.c", SOURCE, spoilt, dialect())
        except ValueError:
            continue


@pytest.fixture
def parses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the files that are parsed from now on."""
    found: list[str] = []

    def noting(path: str, *rest: object) -> SyntaxFile:
        found.append(path)
        return parse_file(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(kicklint.engine.sources, "parse_file", noting)
    return found


def test_a_file_is_parsed_once_wherever_it_stands(tmp_path: Path, parses: list[str]) -> None:
    tree = DirectoryTree(DEMO)
    for _ in range(2):
        Sources(tree, store=Store(tmp_path / "s")).load(tree.paths())
    wanted = [path for path in tree.paths() if path.endswith((".c", ".h"))]
    assert parses == wanted
    parses.clear()
    more = {wanted[0]: tree.read(wanted[0]) + b"\n", "virt/kvm/new.c": tree.read(wanted[1])}
    moved = OverlayTree(tree, more)
    Sources(moved, store=Store(tmp_path / "s")).load(moved.paths())
    assert parses == [wanted[0]]
    parses.clear()
    Sources(tree).load(tree.paths())
    assert parses == wanted


@pytest.mark.parametrize(
    "data", [b"", b"something else", b"\2\0\0\0[]", b"\7\0\0\0[[],[]]", b"\10\0\0\0[[0],[]]", b"\xff" * 40]
)
def test_something_else_under_the_key_is_not_believed(data: bytes, tmp_path: Path, parses: list[str]) -> None:
    tree = DirectoryTree(DEMO)
    request = AnalysisRequest(DEMO, store=Store(tmp_path / "s"))
    plain = analyse_tree(tree, replace(request, store=None))
    for path in tree.paths():
        request.store.put(file_key(tree.read(path)), data)  # type: ignore[union-attr]
    parses.clear()
    assert analyse_tree(tree, request) == plain
    assert "virt/kvm/kvm_main.c" in parses
    parses.clear()
    known = KeptTree(OverlayTree(tree, {"virt/kvm/empty.c": b""}))
    assert analyse_tree(known, request).findings == plain.findings
    assert parses == ["virt/kvm/empty.c"]  # what was wrong was written anew


def test_edited_trees_say_the_same(tmp_path: Path) -> None:
    request = AnalysisRequest(DEMO)
    trees = [edited_demo(name) for name in EDITS]
    plain = [analyse_tree(tree, request) for tree in trees]
    compared = analyse_edits(trees, request, whole=True)
    for number, (tree, wanted) in enumerate(zip(trees, plain, strict=True)):
        filled = replace(request, store=Store(tmp_path / str(number)))
        analyse_tree(DirectoryTree(DEMO), filled)
        assert analyse_tree(tree, filled) == wanted
    again = replace(request, store=Store(tmp_path / "all"))
    for _ in range(2):
        assert analyse_edits(trees, again, whole=True) == compared


@pytest.mark.parametrize("name", sorted(path.name for path in FIXTURES.glob("KICK0*")))
def test_fixtures_say_the_same(name: str, tmp_path: Path) -> None:
    for path in sorted((FIXTURES / name).glob("*.c"))[:2]:
        tree = tree_of(path.read_text(encoding="utf-8"))
        store = Store(tmp_path / "s")
        plain = analyse_tree(tree, AnalysisRequest(tree.root))
        for _ in range(2):
            Sources(tree, store=store).load(tree.paths())
        known = Sources(tree, store=store)
        assert all(not file.functions or "uses" in vars(file) for file in known.load(tree.paths()))
        assert analyse_tree(tree, AnalysisRequest(tree.root, store=store)) == plain


@pytest.mark.parametrize("architecture", ["loongarch", "mips"])
def test_edited_kernels_say_the_same(architecture: str, kernels: dict[str, Path], tmp_path: Path) -> None:
    """Cold, and with the files of the kernel as it is."""
    root = kernels["6.12"]
    plain = AnalysisRequest(root, architectures=(architecture,))
    known = replace(plain, store=Store(tmp_path / "s"))
    analyse_tree(DirectoryTree(root), known)
    cases = [case for case in gathered() if case.architecture == architecture][::12]
    for case in cases:
        tree = edited(root, case.edits)
        assert analyse_tree(tree, known) == analyse_tree(tree, plain), case.id
