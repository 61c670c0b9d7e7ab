"""The formats of a review that are for programs, and the command line's options on repositories."""

from __future__ import annotations

import email
import email.policy
import json
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path

import jsonschema
from patches import (
    BREAKS,
    GUARDED,
    MAIN,
    UNGUARDED,
    VCPU,
    commit,
    diff,
    edited,
    git,
    mail,
    read,
    repository_at,
    reviewed,
    snapshot,
    text_of,
    tree_at,
)

from kicklint.render import REVIEW_FORMATS, Context
from kicklint.rulebook import load_rulebook

SCHEMA = Path(__file__).parent / "data/sarif-schema-2.1.0.json"


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kicklint.cli", "review", *options],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        stdin=subprocess.DEVNULL,
    )


def context(**others: bool) -> Context:
    return Context(rules=load_rulebook().rules, version="1", **others)  # type: ignore[arg-type]


def test_json(tmp_path: Path) -> None:
    done = reviewed([read(mail(BREAKS))], tree_at(tmp_path))
    value = json.loads(REVIEW_FORMATS["json"](done, context()))
    assert value["summary"] == {"patches": 1, "new": 1, "mended": 0, "hunksOnly": 0, "unreadable": 0}
    (found,) = value["patches"][0]["findings"]
    assert (found["rule"], found["standing"], found["confidence"]) == ("KICK001", "new", "normal")
    assert found["diffLine"].strip().startswith("WRITE_ONCE")
    assert found["cause"]["path"] == MAIN


def test_sarif_says_how_findings_stand(tmp_path: Path) -> None:
    tree = tree_at(tmp_path)
    (tree / MAIN).write_text(text_of(MAIN))
    for patch, state in (
        (BREAKS, "new"),
        (diff(MAIN, text_of(MAIN), text_of(MAIN) + "int demo;\n"), "unchanged"),
        (diff(MAIN, text_of(MAIN), edited(MAIN, (UNGUARDED, GUARDED))), "absent"),
    ):
        log = json.loads(
            REVIEW_FORMATS["sarif"](reviewed([read(mail(patch))], tree, everything=True), context())
        )
        schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
        jsonschema.validators.validator_for(schema)(schema).validate(log)
        assert [each["baselineState"] for each in log["runs"][0]["results"]] == [state]


def test_commits_and_what_is_staged(tmp_path: Path) -> None:
    tree = repository_at(tmp_path)
    commit(tree, {MAIN: text_of(MAIN)}, "Drop the guard")
    done = run(tree, "--git", "HEAD~1..HEAD", "--format", "checkpatch")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(f"{MAIN}:34: WARNING: ")
    git(tree, "reset", "-q", "--hard", "HEAD~1")
    assert run(tree, "--staged").returncode == 0
    (tree / MAIN).write_text(text_of(MAIN))
    assert run(tree, "--staged").returncode == 0, "what is not staged is not judged"
    git(tree, "add", MAIN)
    (tree / MAIN).write_text("nothing\n")
    before = snapshot(tree)
    staged = run(tree, "--staged", "--format", "checkpatch")
    assert (staged.returncode, staged.stdout.count("KICK001")) == (1, 1)
    assert snapshot(tree) == before


def test_strict_wants_more_than_hunks(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(mail(BREAKS))
    clean = diff(MAIN, text_of(MAIN), text_of(MAIN) + "int demo;\n")
    (tmp_path / "b.eml").write_bytes(mail(clean))
    assert [run(tmp_path, name).returncode for name in ("a.eml", "b.eml")] == [1, 0]
    assert [run(tmp_path, "--strict", name).returncode for name in ("a.eml", "b.eml")] == [2, 2]
    assert "what they do not show was not looked at" in run(tmp_path, "b.eml").stdout


def test_comments_are_written_where_they_are_asked_for(tmp_path: Path) -> None:
    tree = tree_at(tmp_path / "tree")
    (tmp_path / "a.eml").write_bytes(mail(BREAKS))
    assert run(tmp_path, "a.eml", "--tree", str(tree), "--b4-comments", "out").returncode == 1
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == [
        "0001.txt",
        "identity.txt",
        "series.txt",
    ]


def test_what_is_new_has_an_edit_when_asked(tmp_path: Path) -> None:
    repository = repository_at(tmp_path / "linux")
    file = tmp_path / "a.mbox"
    guarded = edited(MAIN, (UNGUARDED, GUARDED))
    file.write_bytes(mail(diff(MAIN, guarded, text_of(MAIN))))
    asked = run(repository, str(file), "--remedies", "--format", "json")
    (finding,) = json.loads(asked.stdout)["patches"][0]["findings"]
    # The edit is one of the tree with the patch, and gives back what the patch took away.
    (change,) = finding["edit"]["replacements"]
    assert change["text"] == " && !WARN_ON_ONCE(!kvm_request_pending(vcpu))"
    assert f"+\t\t{GUARDED}" in finding["edit"]["diff"]
    log = json.loads(run(repository, str(file), "--remedies", "--format", "sarif").stdout)
    jsonschema.validate(log, json.loads(SCHEMA.read_text("utf-8")))
    assert log["runs"][0]["results"][0]["fixes"]
    assert "= edit:" in run(repository, str(file), "--remedies").stdout
    assert "edit" not in run(repository, str(file)).stdout


def test_an_answer_that_can_be_sent(tmp_path: Path) -> None:
    """By Python's own parser: no defects, every address once, the thread, lines that programs leave alone."""
    many = ", ".join(f"Person Number {number} <p{number}@example.org>" for number in range(12))
    data = mail(BREAKS, "[PATCH v2 3/7] KVM: " + "a long subject, " * 6 + "the end").decode()
    sender = "=?utf-8?q?J=C3=BCrgen_M=C3=BCller?= <j@example.org>"
    data = data.replace("From: A Reviewer <a@example.org>", f"From: {sender}")
    to = 'To: kvm@example.org, "Doe, John" <d@example.org>,\n =?utf-8?b?5p2O6Zu3?= <l@example.org>'
    to += f"\nCc: {many}, J@example.org"
    data = data.replace(
        "To: kvm@example.org", f"{to}, kvm@example.org\nReferences: <a@x> <b@x>\nIn-Reply-To: <b@x>"
    )
    done = reviewed([read(data)], tree_at(tmp_path))
    text = REVIEW_FORMATS["reply"](done, Context(rules=load_rulebook().rules))
    message = email.message_from_bytes(text.encode(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert message.defects == []
    assert all(each.defects == () for each in message.values())
    assert [str(each) for each in message["To"].addresses] == ["J\u00fcrgen M\u00fcller <j@example.org>"]
    assert [each.addr_spec for each in message["Cc"].addresses] == [
        "kvm@example.org",
        "d@example.org",
        "l@example.org",
        *(f"p{number}@example.org" for number in range(12)),
    ]
    assert message["Cc"].addresses[2].display_name == "\u674e\u96f7"
    assert message["Subject"].startswith("Re: [PATCH v2 3/7] KVM: a long subject, a long")
    assert message["Subject"].endswith("the end")
    assert (message["In-Reply-To"], message["References"]) == (
        "<1@example.org>",
        "<a@x> <b@x> <1@example.org>",
    )
    assert message.get_content_type() == "text/plain"
    body = message.get_content()
    assert "\r" not in body
    assert all(len(line) <= 78 for line in text.split("\n") if not line.startswith("> "))
    # What is quoted is the patch's own, as it stands there.
    quoted = [line[2:] for line in body.split("\n") if line.startswith("> ")]
    assert set(quoted) <= set(done.patches[0].patch.diff)


def test_code_at_the_beginning_of_a_sentence_stays_as_it_is(tmp_path: Path) -> None:
    store = "smp_store_mb(vcpu->mode, IN_GUEST_MODE);"
    weak = edited(VCPU, (store, "vcpu->mode = IN_GUEST_MODE;"))
    done = reviewed([read(mail(diff(VCPU, text_of(VCPU), weak)))], tree_at(tmp_path))
    text = " ".join(REVIEW_FORMATS["reply"](done, context()).split())
    assert "vcpu->mode = IN_GUEST_MODE is not ordered" in text
    assert "Vcpu" not in text
