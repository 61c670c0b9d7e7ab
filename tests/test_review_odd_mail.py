"""Mails as people and programs really send them: quoted by two programs, attached, signed, forwarded."""

from __future__ import annotations

import email
import io
from email.mime.base import MIMEBase
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path

import pytest
from patches import BREAKS, DEMO, MAIN, VCPU, diff, edited, mail, new, read, reviewed, text_of, tree_at

from kicklint.base import Outcome, Patch
from kicklint.source import mails, stream

HEAD = "From: A <a@example.org>\nSubject: [PATCH] KVM: x\nMessage-ID: <1@x>\n"
BODY = f"Text.\n---\n a | 1 +\n\n{BREAKS}-- \n2.39.5\n"
LINES = BREAKS.rstrip("\n").split("\n")
HALF = len(LINES) // 2


def lines_of(patch: Patch) -> list[list[tuple[str, str]]]:
    return [[(line.kind, line.text) for line in hunk.lines] for _, hunk in patch.hunks()]


EXPECTED = lines_of(read(mail(BREAKS)))


def holds(patch: Patch) -> bool:
    return [each.path for each in patch.files] == [MAIN] and lines_of(patch) == EXPECTED


def quoted(lines: list[str], mark: str, bare: str) -> str:
    return "".join(f"{mark}{line}\n" if line else f"{bare}\n" for line in lines)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(quoted(LINES, "> > ", "> >") + "\n> Yes.\n\nNo.\n", id="spaced"),
        pytest.param(quoted(LINES, ">> ", ">>"), id="close"),
        pytest.param(quoted(LINES, ">", ">"), id="without-a-space"),
        pytest.param(
            quoted(LINES[:HALF], "> > ", "> >") + "> Well.\n\nNo.\n" + quoted(LINES[HALF:], ">> ", ">>"),
            id="two-programs",
        ),
        pytest.param(
            quoted(LINES[:HALF], "> > ", "> >") + "> \n> Why?\n> \n" + quoted(LINES[HALF:], "> > ", "> >"),
            id="comments-at-both-depths",
        ),
    ],
)
def test_quotations(text: str) -> None:
    patch = read(f"{HEAD}\nOn Monday, B wrote:\n{text}")
    assert holds(patch)
    assert patch.quoted


def attached(kind: str, name: str, content: str, encode: bool = True) -> bytes:
    message = MIMEMultipart()
    message["From"], message["Subject"] = "a@example.org", "[PATCH] x"
    message.attach(MIMEText("It is attached.\n"))
    part = MIMEBase(*kind.split("/"), name=name)
    part.set_payload(content)
    if encode:
        email.encoders.encode_base64(part)
    part.add_header("Content-Disposition", "attachment", filename=name)
    message.attach(part)
    return message.as_bytes()


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("text/x-patch", "0001.patch"),
        ("text/plain", "0001.txt"),
        ("application/x-diff", "a"),
        ("application/mbox", "a.mbox"),
        ("application/x-whatever", "0001-KVM-x.patch"),
    ],
)
def test_attachments(kind: str, name: str) -> None:
    assert holds(read(attached(kind, name, BREAKS)))
    assert holds(read(attached(kind, name, f"{HEAD}\n{BODY}", encode=False)))


def test_what_is_no_patch_is_not_looked_into() -> None:
    assert read(attached("application/pdf", "a.pdf", BREAKS)).files == ()


def test_a_mail_that_is_forwarded_whole() -> None:
    message = MIMEMultipart()
    message["From"], message["Subject"] = "b@example.org", "Fwd: look at this"
    message.attach(MIMEText("See below.\n"))
    message.attach(MIMEMessage(email.message_from_string(f"{HEAD}\n{BODY}")))
    patch = read(message.as_bytes())
    assert holds(patch)
    assert patch.letter.subject == "[PATCH] KVM: x"
    # Of several nobody knows which is meant.
    message.attach(MIMEMessage(email.message_from_string(f"{HEAD}\n{BODY}")))
    assert read(message.as_bytes()).files == ()


def test_a_mail_that_is_signed_in_its_text() -> None:
    escaped = "\n".join(f"- {line}" if line.startswith("-") else line for line in BODY.split("\n"))
    begin, end = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n", "-----BEGIN PGP SIGNATURE-----\n\niQ\n"
    assert holds(read(f"{HEAD}\n{begin}\n{escaped}{end}-----END PGP SIGNATURE-----\n"))


def test_what_is_not_read_says_why() -> None:
    html = MIMEText(f"<pre>{BODY}</pre>", "html", "utf-8")  # base64 by its character set
    html["Subject"] = "[PATCH] x"
    assert read(html.as_bytes()).trouble == "the patch is in HTML, which is not read; ask for plain text"
    merge = "diff --cc a.c\nindex 1,2..3\n--- a/a.c\n+++ b/a.c\n@@@ -1,1 -1,1 +1,2 @@@\n  a\n++b\n"
    for text in (merge, f"{HEAD}\n{merge}"):
        assert read(text).trouble.startswith("the combined diff of a merge is not read")


def test_headers_that_are_not_encoded_and_a_mark_in_front() -> None:
    patch = read("\ufeff" + HEAD.replace("KVM: x", "KVM: gr\u00fc\u00df\n dich") + f"\n{BODY}")
    assert patch.letter.subject == "[PATCH] KVM: gr\u00fc\u00df dich"
    assert holds(patch)


def test_flowed_text_that_was_wrapped() -> None:
    long = edited(
        MAIN, ("goto out;", "if (one_condition(vcpu) && another_condition(vcpu) && more(vcpu)) goto out;")
    )
    flat = diff(MAIN, text_of(MAIN), long)
    flowed = []
    for line in flat.split("\n"):
        stuffed = f" {line}".rstrip() if line.startswith(" ") else line
        place = stuffed.rfind(" ", 1, 60) + 1 if len(stuffed) > 70 else 0
        flowed += [stuffed[:place], stuffed[place:]] if place else [stuffed]
    assert len(flowed) > flat.count("\n") + 1
    patch = read(f"{HEAD}Content-Type: text/plain; format=flowed\n\n" + "\n".join(flowed))
    assert lines_of(patch) == lines_of(read(flat))


def test_a_mailbox_of_b4_and_a_maildir(tmp_path: Path) -> None:
    answer = HEAD.replace("[PATCH]", "Re: [PATCH]").replace("1@x", "2@x") + "\nNice.\n\nFrom now on: no.\n"
    box = "".join(f"From mboxrd@z Thu Jan  1 00:00:00 1970\n{each}\n" for each in (f"{HEAD}\n{BODY}", answer))
    found = [read(data) for _, data in stream(io.BytesIO(box.encode()))]
    assert [holds(each) for each in found] == [True, False]
    for folder in ("cur", "new", "tmp"):
        (tmp_path / folder).mkdir()
    (tmp_path / "cur/1700000000.M1P1.host:2,RS").write_text(f"{HEAD}\n{BODY}")
    (tmp_path / "tmp/half").write_text(HEAD)
    assert [holds(read(data)) for _, data in mails(tmp_path)] == [True]


def test_a_file_that_is_copied_leaves_the_first_where_it_is(tmp_path: Path) -> None:
    copy = MAIN.replace("kvm_main", "copied")
    body = BREAKS[BREAKS.index("@@") :]
    text = f"diff --git a/{MAIN} b/{copy}\nsimilarity index 90%\ncopy from {MAIN}\ncopy to {copy}\n"
    patch = read(mail(f"{text}--- a/{MAIN}\n+++ b/{copy}\n{body}"))
    tree = tree_at(tmp_path)
    done = reviewed([patch], tree)
    assert done.patches[0].base == "the tree as it is"
    assert {each.finding.span.path for each in new(done)} == {copy}
    (tree / copy).write_text(text_of(MAIN))
    held = reviewed([patch], tree)
    assert held.patches[0].base == "the tree without the patch, which it holds already"
    assert {each.finding.span.path for each in new(held)} == {copy}


@pytest.mark.parametrize("old", ["linux.orig/", "linux-6.12/"])
def test_prefixes_of_quilt_and_diff(old: str) -> None:
    text = BREAKS.split("\n", 1)[1].replace("--- a/", f"--- {old}").replace("+++ b/", "+++ linux/")
    assert holds(read(f"{HEAD}\nIndex: {MAIN}\n=====\n{text}"))


@pytest.mark.parametrize("time", ["1970-01-01 00:00:00.000000000 +0000", "1969-12-31 16:00:00 -0800"])
def test_files_that_diff_says_are_not_there(time: str) -> None:
    # `diff -N` names both, and gives the one that is missing the beginning of time (see git-apply).
    there = "2026-11-27 10:00:00.000000000 +0000"
    made = f"--- a/virt/kvm/x.h\t{time}\n+++ b/virt/kvm/x.h\t{there}\n@@ -0,0 +1 @@\n+int x;\n"
    gone = f"--- a/virt/kvm/y.h\t{there}\n+++ b/virt/kvm/y.h\t{time}\n@@ -1 +0,0 @@\n-int y;\n"
    assert [(each.old, each.new) for each in read(mail(made + gone)).files] == [
        (None, "virt/kvm/x.h"),
        ("virt/kvm/y.h", None),
    ]
    day = made.replace("1970-01-01", "2026-01-01").replace("1969-12-31", "2026-01-01")
    assert [each.old for each in read(mail(day)).files] == ["virt/kvm/x.h"]


def test_a_mail_that_was_cut_off() -> None:
    text = f"{HEAD}\n{BODY}"
    done = reviewed([read(text[: text.index("WRITE_ONCE") + 10])], DEMO)
    assert done.patches[0].outcome is Outcome.HUNKS_ONLY
    assert "lines are missing at its end" in done.patches[0].reason


def test_the_place_has_moved(tmp_path: Path) -> None:
    """A patch applies with an offset, as git has it, and not where its context differs."""
    tree = tree_at(tmp_path)
    before = (tree / MAIN).read_text()
    (tree / MAIN).write_text("/* one more line */\n" * 40 + before)
    moved = reviewed([read(mail(BREAKS))], tree)
    assert moved.patches[0].base == "the tree as it is"
    (found,) = new(moved)
    assert found.finding.span.line == 74
    (tree / MAIN).write_text(before.replace("me = get_cpu();", "me = get_cpu_now();"))
    assert reviewed([read(mail(BREAKS))], tree).patches[0].outcome is Outcome.HUNKS_ONLY


def test_a_mode_that_changes_and_a_binary_file(tmp_path: Path) -> None:
    mode = f"diff --git a/{VCPU} b/{VCPU}\nold mode 100644\nnew mode 100755\n"
    picture = "diff --git a/a.png b/a.png\nnew file mode 100644\nindex 0000000..1234567\n"
    picture += "GIT binary patch\nliteral 1\nIcmZ\n\n"
    done = reviewed([read(mail(mode + picture + BREAKS))], tree_at(tmp_path))
    assert done.patches[0].base == "the tree as it is"
    (found,) = new(done)
    assert found.finding.span.path == MAIN
