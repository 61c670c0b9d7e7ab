"""Which mails are one series, and what of it is reviewed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from patches import BREAKS, VCPU, diff, mail, read, reviewed, text_of, tree_at

from kicklint.base import Patch
from kicklint.review import all_series, series


def in_thread(
    subject: str, name: str, answers: str = "", diff_text: str = BREAKS, sender: str = "A"
) -> Patch:
    """A mail of a thread."""
    data = mail(diff_text, subject).replace(b"<1@example.org>", f"<{name}@example.org>".encode())
    data = data.replace(b"From: A Reviewer", f"From: {sender}".encode())
    header = f"In-Reply-To: <{answers}@example.org>\nSubject:" if answers else "Subject:"
    return read(data.replace(b"Subject:", header.encode(), 1))


def titles(found: Iterable[Iterable[Patch]]) -> list[list[str]]:
    return [[each.letter.subject for each in one] for one in found]


def test_mails_of_several_series_are_several_series() -> None:
    one = in_thread("[PATCH v3 1/2] KVM: a", "1"), in_thread("[PATCH v3 2/2] KVM: b", "2", "1")
    other = in_thread("[PATCH 1/2] KVM: c", "3", sender="B"), in_thread("[PATCH 2/2] KVM: d", "4", sender="B")
    alone = in_thread("[PATCH] KVM: e", "5", sender="C")
    every = [one[1], other[0], alone, one[0], other[1]]
    assert titles(all_series(every)) == [
        ["[PATCH v3 1/2] KVM: a", "[PATCH v3 2/2] KVM: b"],
        ["[PATCH 1/2] KVM: c", "[PATCH 2/2] KVM: d"],
        ["[PATCH] KVM: e"],
    ]
    # Two series of one size by one sender, each in a thread of its own.
    more = in_thread("[PATCH v3 1/2] KVM: f", "6"), in_thread("[PATCH v3 2/2] KVM: g", "7", "6")
    assert len(all_series([*one, *more])) == 2


def test_versions_are_one_series_whether_in_a_thread_or_not() -> None:
    old = [in_thread(f"[PATCH 1/2] KVM: {each}", each, sender="X") for each in "ab"]
    new = in_thread("[RESEND PATCH v2 1/2] KVM: a", "c", sender="X")
    renamed = in_thread("[PATCH v2] KVM: better", "e", "d"), in_thread("[PATCH] KVM: worse", "d")
    assert titles(all_series([old[0], new])) == [["[RESEND PATCH v2 1/2] KVM: a"]]
    assert titles(all_series(renamed)) == [["[PATCH v2] KVM: better"]]


def test_a_version_that_sends_one_patch_anew() -> None:
    old = [in_thread(f"[PATCH v1 {n}/3] KVM: {n}", f"{n}", "1" if n > 1 else "") for n in (1, 2, 3)]
    new = in_thread("[PATCH v2 2/3] KVM: two", "v2", "2")
    assert titles([series([*old, new])]) == [
        ["[PATCH v1 1/3] KVM: 1", "[PATCH v2 2/3] KVM: two", "[PATCH v1 3/3] KVM: 3"]
    ]
    # One that is no answer to its older self is what there is of the new version.
    loose = in_thread("[PATCH v2 2/3] KVM: two", "v2", "1")
    assert titles([series([*old, loose])]) == [["[PATCH v2 2/3] KVM: two"]]


def test_a_sketch_in_an_answer_is_no_patch_of_the_series() -> None:
    patch = in_thread("[PATCH 1/1] KVM: a", "1")
    sketch = in_thread("Re: [PATCH 1/1] KVM: a", "2", "1", BREAKS.replace("-30,7 +30,7", "-31,7 +31,7"))
    assert titles([series([sketch, patch])]) == [["[PATCH 1/1] KVM: a"]]
    assert titles([series([sketch])]) == [["Re: [PATCH 1/1] KVM: a"]]


def test_a_patch_that_is_missing_is_said(tmp_path: Path) -> None:
    first = diff(VCPU, text_of(VCPU), text_of(VCPU) + "/* more */\n")
    every = [in_thread("[PATCH 1/3] a", "1", diff_text=first), in_thread("[PATCH 3/3] c", "3", "1")]
    done = reviewed(every, tree_at(tmp_path))
    assert [each.base for each in done.patches] == [
        "the tree as it is",
        "the tree as it is, and the patches before it; patch 2 of the series is missing",
    ]
    (alone,) = reviewed(every[1:], None).patches
    assert alone.reason == "patches 1 to 2 of the series are missing"
