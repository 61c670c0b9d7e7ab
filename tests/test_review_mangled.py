"""Mails that a program has spoilt, and diffs that git did not write: what is mended, and what is said."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from patches import (
    BREAKS,
    GUARDED,
    MAIN,
    git,
    mail,
    new,
    read,
    reviewed,
    text_of,
    tree_at,
)

from kicklint.base import Outcome, Patch

BROKEN = BREAKS.replace(
    "&& !WARN_ON_ONCE(!kvm_request_pending(vcpu)))", "&&\n!WARN_ON_ONCE(!kvm_request_pending(vcpu)))"
)
"""A mail program has broken the line that is taken away."""
BODY = BREAKS.split("\n", 1)[1]


def lines_of(patch: Patch) -> list[tuple[str, str]]:
    return [(line.kind, line.text) for _, hunk in patch.hunks() for line in hunk.lines]


EXPECTED = lines_of(read(mail(BREAKS)))


def quoted(text: str, mark: str = "> ") -> str:
    return "".join(f"{mark}{line}".rstrip() + "\n" for line in text.rstrip("\n").split("\n"))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(mail(BROKEN), id="a-mail"),
        pytest.param(mail("", "Re: [PATCH] x", body=quoted(BROKEN)), id="quoted-afterwards"),
        pytest.param(
            mail("", "Re: [PATCH] x", body=quoted(BROKEN).replace("> !WARN", "!WARN")), id="by-the-quotation"
        ),
        pytest.param(
            mail("", "Re: x", body=quoted(quoted(BROKEN)).replace("> > !WARN", "> !WARN")), id="nested"
        ),
    ],
)
def test_lines_that_a_mail_program_has_broken_are_joined_where_the_counts_say_so(
    data: bytes, tmp_path: Path
) -> None:
    patch = read(data)
    assert lines_of(patch) == EXPECTED
    done = reviewed([patch], tree_at(tmp_path))
    assert done.patches[0].outcome is Outcome.REVIEWED
    assert [each.finding.rule for each in new(done)] == ["KICK001"]


def test_where_the_counts_do_not_add_up_it_says_what_stands_in_the_way(tmp_path: Path) -> None:
    missing = BROKEN.replace(" \tme = get_cpu();\n", "")
    assert missing.count("\n") == BROKEN.count("\n") - 1
    done = reviewed([read(mail(missing))], tree_at(tmp_path))
    assert done.patches[0].outcome is Outcome.HUNKS_ONLY
    assert "has no sign, as if a mail program had broken the line above" in done.patches[0].reason


def test_a_short_line_is_never_broken() -> None:
    text = BREAKS.replace("me = get_cpu();", "me =\nget_cpu();")
    assert ("-", EXPECTED[-5][1]) not in lines_of(read(mail(text)))[:1]
    assert " \tme = get_cpu();" not in [kind + text for kind, text in lines_of(read(mail(text)))]


@pytest.mark.parametrize("spaces", [" ", " " * 8])
def test_tabs_that_became_spaces(spaces: str, tmp_path: Path) -> None:
    done = reviewed([read(mail(BREAKS.replace("\t", spaces)))], tree_at(tmp_path))
    assert done.patches[0].base == "the tree as it is"
    assert [each.finding.rule for each in new(done)] == ["KICK001"]


def test_what_stands_behind_a_whole_hunk_is_not_part_of_it() -> None:
    for footer in ("-- \n2.39\n", "--\nlist\n", "___\nlist\n", "\n- A remark.\n", "-----\n", "+ a remark\n"):
        text = mail(BREAKS).decode().replace("-- \n2.39.5\n", footer)
        assert lines_of(read(text)) == EXPECTED


@pytest.mark.parametrize("end", [".orig", "~", ".old", ".bak"])
def test_a_copy_that_people_keep_beside_the_file(end: str, tmp_path: Path) -> None:
    was, now = f"--- {MAIN}{end}\t2024-01-01 00:00:00 +0000", f"+++ {MAIN}\t2024-01-01 00:00:01 +0000"
    text = BODY.replace(f"--- a/{MAIN}", was).replace(f"+++ b/{MAIN}", now)
    done = reviewed([read(text)], tree_at(tmp_path))
    assert done.patches[0].base == "the tree as it is"
    assert {each.finding.span.path for each in new(done)} == {MAIN}


def test_the_colours_of_a_terminal() -> None:
    lines = [f"\x1b[32m{each}\x1b[m" if each[:1] in "+-@" else each for each in BREAKS.split("\n")]
    assert lines_of(read(mail("\n".join(lines)))) == EXPECTED


def test_a_context_diff_says_what_it_is() -> None:
    text = "*** a/x.c\t2024\n--- b/x.c\t2024\n***************\n*** 1,3 ****\n! a\n--- 1,3 ----\n! b\n"
    for data in (text, mail(text)):
        assert read(data).trouble == "a context diff is not read; ask for a unified one"


@pytest.mark.parametrize("mark", ["", "> "])
@pytest.mark.parametrize("title", ["Interdiff against v1:", "Interdiff:"])
def test_the_difference_to_the_version_before_is_no_patch(mark: str, title: str) -> None:
    cover = quoted(f"{title}\n{BREAKS}", mark) if mark else f"{title}\n{BREAKS}"
    assert read(mail("", "[PATCH v2 0/2] x", body=f"Words.\n\n{cover}")).files == ()
    inside = "".join(f"  {line}\n" for line in BREAKS.split("\n"))
    patch = read(mail(BREAKS, "[PATCH v2 1/2] x", body=f"Words.\n---\n{title}\n{inside}"))
    assert lines_of(patch) == EXPECTED
    # A series of one whose only mail is numbered so is a patch.
    assert lines_of(read(mail(BREAKS, "[PATCH 0/1] x"))) == EXPECTED


RANGE = """Range-diff against v1:
1:  1111111 ! 1:  2222222 KVM: x
    @@ Commit message
         Text

      ## virt/kvm/kvm_main.c ##
    @@ virt/kvm/kvm_main.c: void kvm_vcpu_kick(struct kvm_vcpu *vcpu)
      \tme = get_cpu();
     -+\t\tif (vcpu->mode == IN_GUEST_MODE)
     ++\t\tif (1)
"""


def test_a_range_diff_is_no_patch() -> None:
    assert read(mail("", "[PATCH v2 0/2] x", body=RANGE)).files == ()
    assert lines_of(read(mail(BREAKS, body=f"Words.\n---\n{RANGE}"))) == EXPECTED


FORMS = {
    "no lines around": ("-U0",),
    "many lines around": ("-U25",),
    "whole functions": ("-W",),
    "no prefix": ("--no-prefix",),
    "another prefix": ("--src-prefix=old/", "--dst-prefix=new/"),
    "a prefix for every line": ("--line-prefix=| ",),
    "whole blobs": ("--full-index", "--binary"),
    "statistics": ("--patch-with-stat", "--summary"),
    "raw": ("--patch-with-raw",),
    "colours": ("--color=always",),
}


@pytest.mark.parametrize("options", FORMS.values(), ids=FORMS)
def test_every_form_of_git_diff(options: tuple[str, ...], tmp_path: Path) -> None:
    tree = tree_at(tmp_path)
    git(tree, "init", "-q", "-b", "main")
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", "base")
    (tree / MAIN).write_text(text_of(MAIN), encoding="utf-8")
    for how in ((), ("-c", "diff.mnemonicPrefix=true"), ("-c", "diff.noprefix=true")):
        text = git(tree, *how, "diff", *options)
        assert GUARDED in text
        done = reviewed([read(mail(text + "\n"))], tree)
        assert [each.finding.rule for each in new(done)] == ["KICK001"], how


def test_what_diff_writes_without_git(tmp_path: Path) -> None:
    old, now = tree_at(tmp_path / "linux.orig"), tree_at(tmp_path / "linux")
    (now / MAIN).write_text(text_of(MAIN), encoding="utf-8")
    for options in ("-ru", "-rup", "-ruN"):
        command = ["diff", options, "linux.orig", "linux"]
        made = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
        done = reviewed([read(made)], old)
        assert [each.finding.rule for each in new(done)] == ["KICK001"]


def test_a_header_of_mercurial(tmp_path: Path) -> None:
    head = (
        f"# HG changeset patch\n# User A <a@x>\n# Node ID {'1' * 40}\nKVM: x\n\ndiff -r 1234 -r 5678 {MAIN}\n"
    )
    text = BODY.replace(f"a/{MAIN}\n", f"a/{MAIN}\tMon Jan 01 00:00:00 2024 +0000\n")
    done = reviewed([read(head + text)], tree_at(tmp_path))
    assert [each.finding.rule for each in new(done)] == ["KICK001"]
