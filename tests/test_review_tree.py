"""Bases, standings, causes and series, on repositories made of the demo tree."""

from __future__ import annotations

from pathlib import Path

import pytest
from patches import (
    BREAKS,
    GUARDED,
    IRQ,
    MAIN,
    UNGUARDED,
    VCPU,
    WRITE,
    commit,
    diff,
    edited,
    git,
    mail,
    new,
    read,
    repository_at,
    reviewed,
    snapshot,
    text_of,
    tree_at,
)

from kicklint.base import Outcome, SourceError, Standing
from kicklint.review import Place, ReviewRequest, review, series
from kicklint.source import DirectoryTree, KeptTree

HOST = "include/linux/kvm_host.h"
GUARDED_MAIN = edited(MAIN, (UNGUARDED, GUARDED))
EXIT_TEST = "vcpu->mode == EXITING_GUEST_MODE || kvm_request_pending(vcpu) ||\n\t       "


def test_the_tree_as_it_is(tmp_path: Path) -> None:
    done = reviewed([read(mail(BREAKS))], tree_at(tmp_path))
    assert done.patches[0].base == "the tree as it is"
    (found,) = new(done)
    assert found.finding.rule == "KICK001"
    assert found.cause is not None
    assert (found.cause.path, found.cause.hunk) == (MAIN, 1)


def test_the_tree_that_holds_the_patch_already(tmp_path: Path) -> None:
    tree = tree_at(tmp_path)
    (tree / MAIN).write_text(text_of(MAIN))
    done = reviewed([read(mail(BREAKS))], tree)
    assert done.patches[0].base == "the tree without the patch, which it holds already"
    assert [each.finding.rule for each in new(done)] == ["KICK001"]


def test_what_was_there_is_not_blamed_on_the_patch(tmp_path: Path) -> None:
    tree = tree_at(tmp_path)
    (tree / MAIN).write_text(text_of(MAIN))
    other = edited(MAIN, ("static void demo_ack_kick(void *unused)\n{\n}\n", ""))
    done = reviewed([read(mail(diff(MAIN, text_of(MAIN), other)))], tree, everything=True)
    assert [(each.finding.rule, each.finding.standing) for each in done.patches[0].judged] == [
        ("KICK001", Standing.KNOWN)
    ]


KICK = "void kvm_vcpu_kick(struct kvm_vcpu *vcpu)"
RENAMED = "void __demo_vcpu_kick(struct kvm_vcpu *vcpu, bool wait)"
WRAPPED = f"static inline {KICK}\n{{\n\t__demo_vcpu_kick(vcpu, false);\n}}\n"


def test_a_function_that_is_renamed_takes_its_findings_along(tmp_path: Path) -> None:
    tree = tree_at(tmp_path)
    (tree / MAIN).write_text(text_of(MAIN))
    main = diff(MAIN, text_of(MAIN), edited(MAIN, (f"{KICK}\n{{", f"{RENAMED}\n{{")))
    host = diff(HOST, text_of(HOST), edited(HOST, (f"{KICK};\n", f"{RENAMED};\n{WRAPPED}")))
    done = reviewed([read(mail(main + host))], tree, everything=True)
    assert [
        (each.finding.rule, each.finding.function, each.finding.standing) for each in done.patches[0].judged
    ] == [("KICK001", "__demo_vcpu_kick", Standing.KNOWN)]


def test_a_function_that_does_the_same_beside_the_other_is_new(tmp_path: Path) -> None:
    tree = tree_at(tmp_path)
    (tree / MAIN).write_text(text_of(MAIN))
    body = text_of(MAIN)[text_of(MAIN).index(KICK) + len(KICK) :]
    body = body[: body.index("\n}\n") + 3]
    twice = edited(MAIN, (f"{KICK}\n{{", f"{RENAMED}{body}\n{KICK}\n{{"))
    done = reviewed([read(mail(diff(MAIN, text_of(MAIN), twice)))], tree)
    found = {(each.finding.rule, each.finding.function) for each in new(done)}
    assert ("KICK001", "__demo_vcpu_kick") in found


def test_what_is_mended(tmp_path: Path) -> None:
    tree = tree_at(tmp_path)
    (tree / MAIN).write_text(text_of(MAIN))
    done = reviewed([read(mail(diff(MAIN, text_of(MAIN), GUARDED_MAIN)))], tree, everything=True)
    assert [each.finding.standing for each in done.patches[0].judged] == [Standing.FIXED]


def test_a_renamed_file_brings_nothing(tmp_path: Path) -> None:
    tree = tree_at(tmp_path)
    (tree / MAIN).write_text(text_of(MAIN))
    renames = (
        "diff --git a/virt/kvm/kvm_main.c b/virt/kvm/kicks.c\nsimilarity index 100%\n"
        "rename from virt/kvm/kvm_main.c\nrename to virt/kvm/kicks.c\n"
    )
    done = reviewed([read(mail(renames))], tree, everything=True)
    assert done.patches[0].outcome is Outcome.REVIEWED
    assert [each.finding.standing for each in done.patches[0].judged] == [Standing.KNOWN]


def test_a_deleted_check_in_a_helper_is_found_at_the_entry(tmp_path: Path) -> None:
    weakened = edited(VCPU, (EXIT_TEST, ""))
    both = diff(IRQ, text_of(IRQ), text_of(IRQ) + "\nint demo_other;\n") + diff(VCPU, text_of(VCPU), weakened)
    done = reviewed([read(mail(both))], tree_at(tmp_path))
    found = [each for each in new(done) if each.finding.rule == "KICK003"]
    assert {each.finding.function for each in found} == {"demo_enter_guest"}
    assert {each.cause.path for each in found if each.cause is not None} == {VCPU}
    assert all(each.at is not None for each in found)


def test_what_becomes_graver_is_new(tmp_path: Path) -> None:
    tree = tree_at(tmp_path)
    (tree / MAIN).write_text(text_of(MAIN))
    done = reviewed([read(mail(diff(VCPU, text_of(VCPU), edited(VCPU, (EXIT_TEST, "")))))], tree)
    (graver,) = (each for each in new(done) if each.finding.rule == "KICK001")
    assert (graver.was, graver.finding.severity) == ("warning", "error")


ANNOUNCE = "smp_store_mb(vcpu->mode, IN_GUEST_MODE);"
HOST = "include/linux/kvm_host.h"
ORDER = "\tsmp_mb__before_atomic();\n"


def test_what_becomes_graver_by_the_other_thread_is_new(tmp_path: Path) -> None:
    # The vCPU orders nothing behind its announcement. With a full barrier in the kick no execution
    # ends badly for it; without that one does.
    tree = tree_at(tmp_path)
    (tree / VCPU).write_text(edited(VCPU, (ANNOUNCE, "WRITE_ONCE(vcpu->mode, IN_GUEST_MODE);")))
    header = text_of(HOST)
    place = header.index(ORDER, header.index("kvm_vcpu_exiting_guest_mode("))
    loose = header[:place] + header[place + len(ORDER) :]
    done = reviewed([read(mail(diff(HOST, header, loose)))], tree)
    (graver,) = (each for each in new(done) if each.finding.rule == "KICK004")
    assert (graver.was, graver.finding.severity) == ("warning", "error")
    assert graver.cause is not None
    assert graver.cause.path == HOST
    # What the thread does is the same when only its text differs.
    told = header.replace(ORDER, f"\t/* More words. */\n{ORDER}")
    assert not new(reviewed([read(mail(diff(HOST, header, told)))], tree))


def blob(tree: Path, path: str) -> str:
    return git(tree, "rev-parse", f"HEAD:{path}")[:12]


def test_the_order_of_bases(tmp_path: Path) -> None:
    tree = repository_at(tmp_path)
    first = git(tree, "rev-parse", "HEAD")
    old_blob = blob(tree, MAIN)
    ahead = "int demo_first;\n" + GUARDED_MAIN
    commit(tree, {MAIN: ahead}, "Something else")
    index = f"index {old_blob}..123456789abc 100644\n"
    with_index = BREAKS.replace("--- a/", f"{index}--- a/", 1)
    trailer = mail(with_index).replace(b"-- \n2.39", f"base-commit: {first}\n-- \n2.39".encode())
    before = snapshot(tree)
    by_trailer = reviewed([read(trailer)], tree)
    assert by_trailer.patches[0].base == f"base-commit {first[:12]} of the mail"
    by_blobs = reviewed([read(mail(with_index))], tree)
    assert by_blobs.patches[0].base == f"commit {first[:12]}, which has the blobs of the patch"
    by_tree = reviewed([read(mail(BREAKS))], tree)
    assert by_tree.patches[0].base == "the tree as it is"
    named = reviewed([read(trailer)], tree, base="HEAD")
    assert named.patches[0].base.startswith("revision HEAD (")
    for done in (by_trailer, by_blobs, by_tree, named):
        assert [each.finding.rule for each in new(done)] == ["KICK001"]
    assert snapshot(tree) == before


def test_blobs_that_no_commit_has_together(tmp_path: Path) -> None:
    tree = repository_at(tmp_path)
    loose = git(tree, "hash-object", "-w", "--stdin", data=b"int demo_first;\n" + GUARDED_MAIN.encode())
    patch = diff(MAIN, "int demo_first;\n" + GUARDED_MAIN, "int demo_first;\n" + text_of(MAIN))
    patch = patch.replace("--- a/", f"index {loose[:12]}..123456789abc 100644\n--- a/", 1)
    done = reviewed([read(mail(patch))], tree)
    assert done.patches[0].base.startswith("the blobs of the index lines, the other files as in HEAD")
    assert [each.finding.rule for each in new(done)] == ["KICK001"]


def test_a_base_that_is_not_there(tmp_path: Path) -> None:
    tree = repository_at(tmp_path)
    trailer = mail(BREAKS + f"base-commit: {'a' * 40}\n")
    done = reviewed([read(trailer)], tree)
    assert done.patches[0].base == "the tree as it is"
    assert any("base-commit aaaaaaaaaaaa" in each for each in done.patches[0].remarks)
    with pytest.raises(SourceError, match="no such revision"):
        reviewed([read(trailer)], tree, base="nothing")


def test_a_series_where_the_second_breaks_and_the_fourth_mends(tmp_path: Path) -> None:
    tree = repository_at(tmp_path)
    steps = [
        ("first", {IRQ: text_of(IRQ) + "\nint demo_first;\n"}),
        ("breaks", {MAIN: text_of(MAIN)}),
        ("third", {VCPU: text_of(VCPU) + "\nint demo_third;\n"}),
        ("mends", {MAIN: GUARDED_MAIN}),
        ("fifth", {IRQ: text_of(IRQ) + "\nint demo_first, demo_fifth;\n"}),
    ]
    for subject, files in steps:
        commit(tree, files, subject)
    text = git(tree, "format-patch", "--stdout", "HEAD~5..HEAD")
    git(tree, "checkout", "-q", "HEAD~5")
    patches = [read("From " + each) for each in text.removeprefix("From ").split("\nFrom ")]
    done = reviewed(patches[::-1], tree)
    assert [each.patch.letter.number for each in done.patches] == [1, 2, 3, 4, 5]
    assert [[found.finding.rule for found in each.new] for each in done.patches] == [
        [],
        ["KICK001"],
        [],
        [],
        [],
    ]
    assert new(done)[0].mended == 4
    assert not done.counting
    git(tree, "checkout", "-q", "main")
    held = review(series(patches), ReviewRequest(Place(KeptTree(DirectoryTree(tree)))))
    assert held.patches[0].base == "the tree without patch 1 to 5, which it holds already"
    assert [found.mended for found in new(held)] == [4]


def test_hunks_only() -> None:
    done = reviewed([read(mail(BREAKS))], None)
    assert done.patches[0].outcome is Outcome.HUNKS_ONLY
    (found,) = new(done)
    assert (found.finding.rule, found.hunks_only, found.finding.severity) == ("KICK001", True, "warning")
    assert found.at is not None
    assert done.patches[0].patch.diff[found.at].strip() == WRITE


def test_hunks_only_with_the_guard() -> None:
    guards = diff(MAIN, text_of(MAIN), GUARDED_MAIN, section="void kvm_vcpu_kick(struct kvm_vcpu *vcpu)")
    assert new(reviewed([read(mail(guards))], None)) == []


def test_no_kvm_code_is_not_analysed() -> None:
    done = reviewed([read(mail(diff("mm/slab.c", "a\n", "b\n")))], None)
    assert done.patches[0].outcome is Outcome.NO_KVM


def test_only_the_worlds_that_see_the_patch_are_analysed(tmp_path: Path) -> None:
    tree = tree_at(tmp_path)
    (tree / "arch/x86/kvm").mkdir(parents=True)
    (tree / "arch/x86/kvm/x86.c").write_text("int demo_x86;\n")
    patch = read(mail(diff(IRQ, text_of(IRQ), text_of(IRQ) + "\nint demo_other;\n")))
    done = review([patch], ReviewRequest(Place(DirectoryTree(tree))))
    assert done.patches[0].architectures == ("riscv",)
