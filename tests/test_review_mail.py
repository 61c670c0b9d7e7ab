"""What is read of a mail: encodings, readings, quoting, archives, and diffs of every kind."""

from __future__ import annotations

import base64
import quopri
from pathlib import Path

import pytest
from patches import BREAKS, MAIN, WRITE, diff, edited, mail, read, text_of

from kicklint.base import Patch
from kicklint.review import series
from kicklint.source import mails, read_mail


def added(patch: Patch) -> list[str]:
    return [line.text for _, hunk in patch.hunks() for line in hunk.lines if line.kind == "+"]


ODD = diff(
    MAIN, text_of(MAIN), edited(MAIN, (WRITE, "if (me == 0 && x==b0) /* gr\u00fc\u00df\u20ac */ " + WRITE))
)
EXPECTED = added(read(mail(ODD)))


def encoded(encoding: str, charset: str, body: bytes) -> bytes:
    head = f"From: a@example.org\nSubject: [PATCH] x\nContent-Type: text/plain{charset}\n"
    return f"{head}Content-Transfer-Encoding: {encoding}\n\n".encode() + body


TEXT = f"Words.\n---\n{ODD}-- \n2.39\n"
UTF8 = "; charset=utf-8"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(encoded("8bit", UTF8, TEXT.encode()), id="8bit"),
        pytest.param(encoded("8bit", "", TEXT.encode()), id="no-charset"),
        pytest.param(encoded("7bit", "; charset=us-ascii", TEXT.encode()), id="wrong-charset"),
        pytest.param(encoded("8bit", '; charset="x-unknown"', TEXT.encode()), id="unknown-charset"),
        pytest.param(encoded("8bit", "; charset=zlib_codec", TEXT.encode()), id="codec-that-unpacks"),
        pytest.param(encoded("base64", UTF8, base64.encodebytes(TEXT.encode())), id="base64"),
        pytest.param(encoded("quoted-printable", UTF8, quopri.encodestring(TEXT.encode())), id="qp"),
        pytest.param(encoded("base64", UTF8, TEXT.encode()), id="base64-already-decoded"),
        pytest.param(encoded("quoted-printable", UTF8, TEXT.encode()), id="qp-already-decoded"),
        pytest.param(encoded("8bit", UTF8, TEXT.replace("\n", "\r\n").encode()), id="crlf"),
        pytest.param(
            encoded("base64", UTF8, base64.encodebytes(TEXT.encode()) + b"_____\nlist mailing list\n"),
            id="base64-with-a-footer",
        ),
        pytest.param(TEXT.encode(), id="no-headers"),
        pytest.param(ODD.encode(), id="bare-diff"),
    ],
)
def test_encodings(data: bytes) -> None:
    patch = read(data)
    assert patch.trouble == ""
    assert added(patch) == EXPECTED
    assert not any(hunk.cut for _, hunk in patch.hunks())


def test_latin1_is_the_last_resort() -> None:
    data = encoded("8bit", "; charset=iso-8859-1", TEXT.replace("\u20ac", "e").encode("latin-1"))
    assert added(read(data)) == [line.replace("\u20ac", "e") for line in EXPECTED]


def test_format_flowed() -> None:
    flowed = "".join(
        (" " + line if line.startswith((" ", ">", "From ")) else line) + "\n" for line in TEXT.split("\n")
    )
    assert added(read(encoded("8bit", UTF8 + "; format=flowed", flowed.encode()))) == EXPECTED
    # Many mailers say flowed and stuff nothing.
    assert added(read(encoded("8bit", UTF8 + "; format=flowed", TEXT.encode()))) == EXPECTED


def test_multipart() -> None:
    parts = (
        b'From: a@example.org\nSubject: [PATCH] x\nContent-Type: multipart/mixed; boundary="q"\n\n'
        b"--q\nContent-Type: text/plain\n\nSee below.\n--q\nContent-Type: text/html\n\n<p>no</p>\n"
        b"--q\nContent-Type: text/x-patch; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(ODD.encode())
        + b"--q--\n_______\nlist footer\n"
    )
    assert added(read(parts)) == EXPECTED


def quote(text: str, mark: str) -> str:
    return "".join(f"{mark}{line}".rstrip(" ") + "\n" for line in text.split("\n"))


@pytest.mark.parametrize("mark", ["> ", ">", "> > ", ">> ", "| "])
def test_a_reply_that_quotes_a_patch(mark: str) -> None:
    quoted = quote(BREAKS, mark).split("\n")
    quoted[8:8] = ["", "A comment, with a diff --git word.", "", "> shallower" if len(mark) > 3 else "", ""]
    head = "From: b@example.org\nSubject: Re: [PATCH] x\nReferences: <1@example.org>\n\nOn Monday A wrote:\n"
    patch = read(head + "\n".join(quoted))
    assert patch.quoted
    assert added(patch) == added(read(mail(BREAKS)))
    assert not any(hunk.cut for _, hunk in patch.hunks())


def test_a_page_of_an_archive() -> None:
    lines = ["> " + " ".join(line.split()) if line.strip() else ">" for line in BREAKS.split("\n")]
    # A page trims what was a space in front; signs stay.
    patch = read("Re: [PATCH] x\n\nFrom: b\nDate: Mon\n\n" + "\n".join(lines) + "\n\nA comment.\n")
    assert (patch.quoted, patch.loose) == (True, True)
    assert [line.split() for line in added(patch)] == [line.split() for line in added(read(mail(BREAKS)))]
    assert patch.letter.subject == "Re: [PATCH] x"


def test_headers() -> None:
    data = (
        b"From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>\nSubject: [RFC PATCH\n v3 04/12 RESEND] "
        b"=?utf-8?b?w7w=?=\n"
        b"Message-Id: <m@x>\nIn-Reply-To: <r@x>\n\nFrom: Somebody Else <s@example.org>\n\nbase-commit: "
        + b"a" * 40
        + b"\n"
    )
    letter = read(data).letter
    assert letter.sender == "J\u00fcrgen <j@example.org>"
    assert letter.subject == "[RFC PATCH v3 04/12 RESEND] \u00fc"
    assert (letter.number, letter.total, letter.version) == (4, 12, 3)
    assert (letter.message_id, letter.references, letter.base_commit) == ("<m@x>", "<r@x>", "a" * 40)


def test_a_series_is_ordered_by_its_numbers() -> None:
    cover = mail("", "[PATCH v2 0/3] cover")
    third, first, second = (mail(BREAKS, f"[PATCH v2 {n}/3] part {n}") for n in (3, 1, 2))
    old = mail(BREAKS, "[PATCH 1/3] part 1")
    answer = mail(quote(BREAKS, "> "), "Re: [PATCH v2 1/3] part 1")
    ordered = series([read(each) for each in (third, old, cover, answer, first, second)])
    assert [each.letter.subject for each in ordered] == [f"[PATCH v2 {n}/3] part {n}" for n in (1, 2, 3)]


def test_the_base_of_a_cover_letter_is_that_of_the_series() -> None:
    cover = mail("", "[PATCH 0/1] cover", body=f"Words.\n\nbase-commit: {'b' * 40}\n")
    (only,) = series([read(cover), read(mail(BREAKS, "[PATCH 1/1] part"))])
    assert only.letter.base_commit == "b" * 40


def test_kinds_of_changes() -> None:
    text = (
        "diff --git a/a.c b/b.c\nsimilarity index 100%\nrename from a.c\nrename to b.c\n"
        "diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n"
        "diff --git a/x.bin b/x.bin\nindex 1234567..89abcde 100644\nGIT binary patch\n"
        "literal 3\nKcmZ>W\n\nliteral 0\nHcmV?d\n\n"
        "diff --git a/y.bin b/y.bin\nindex 1234567..89abcde 100644\nBinary files a/y.bin and b/y.bin differ\n"
        'diff --git "a/t\\303\\244b.c" "b/t\\303\\244b.c"\nindex 1234567..89abcde 100644\n'
        '--- "a/t\\303\\244b.c"\n+++ "b/t\\303\\244b.c"\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n'
        + diff("new.c", None, "x\ny\n")
        + diff("old.c", "x\ny\n", None)
    )
    files = read(mail(text)).files
    assert [(each.old, each.new) for each in files] == [
        ("a.c", "b.c"),
        ("run.sh", "run.sh"),
        ("x.bin", "x.bin"),
        ("y.bin", "y.bin"),
        ("t\u00e4b.c", "t\u00e4b.c"),
        (None, "new.c"),
        ("old.c", None),
    ]
    assert [each.binary for each in files] == [False, False, True, True, False, False, False]
    assert files[1].mode == "100755"
    assert (files[4].hunks[0].old_open, files[4].hunks[0].new_open) == (True, False)


def test_mailboxes(tmp_path: Path) -> None:
    one, two = (mail(BREAKS, f"[PATCH {n}/2] part", body=">From the start") for n in (1, 2))
    box = tmp_path / "box.mbox"
    box.write_bytes(
        b"".join(b"From a@example.org Mon Jan  1 00:00:00 2024\n" + each + b"\n" for each in (two, one))
    )
    maildir = tmp_path / "maildir"
    for name in ("new", "cur", "tmp"):
        (maildir / name).mkdir(parents=True)
    (maildir / "new/1").write_bytes(one)
    (maildir / "cur/2:2,S").write_bytes(two)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "0002.patch").write_bytes(two)
    (folder / "0001.patch").write_bytes(one)
    for place in (box, maildir, folder):
        found = series([read_mail(data, name) for name, data in mails(place)])
        assert [each.letter.number for each in found] == [1, 2], place
        assert all(each.files for each in found)
