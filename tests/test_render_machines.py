"""The formats that other programs read: each by what its own documentation asks."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest
from samples import EMPTY, FULL, LINE, ONLY_NOTES, PATH, TRIAGED, finding, report

from kicklint.base import Edit, Replacement, Span
from kicklint.remedy.editing import unified
from kicklint.render import REPORT_FORMATS, STATISTICS_FORMATS, Context

CONTEXT = Context(version="1.2.3")
HOSTILE = report(
    finding(
        message='100%: a, b\n::error::x \x1b[31m <b> & "q" \udcff', function='f<&">', trail=(), related=()
    )
)


def test_gcc() -> None:
    lines = REPORT_FORMATS["gcc"](FULL, CONTEXT).splitlines()
    column = LINE.index("enter(") + 1  # characters, as gcc counts them
    assert lines[0] == f"{PATH}: In function 'run_loop':"
    assert lines[1] == (
        f"{PATH}:12:{column}: error: the guest is entered without a test of vcpu->requests[0] [KICK003]"
    )
    # Each essential step is a note of the diagnostic.
    assert [each.split(": ", 1)[1] for each in lines[2:5]] == [
        "note: the mode becomes IN_GUEST_MODE",
        "note: calls helper()",
        "note: no test",
    ]
    assert REPORT_FORMATS["gcc"](EMPTY, CONTEXT) == ""


def test_github() -> None:
    """Workflow commands: values lose %, CR, LF, and properties also : and , to %XX."""
    lines = REPORT_FORMATS["github"](HOSTILE, CONTEXT).splitlines()
    assert len(lines) == 1
    head, _, message = lines[0].removeprefix("::").partition("::")
    level, _, properties = head.partition(" ")
    values = dict(each.split("=", 1) for each in properties.split(","))
    assert level == "error"
    assert values["title"] == "kicklint (KICK003 guest-entry-without-request-check)"
    assert (values["file"], values["line"]) == (PATH, "12")
    assert message.startswith("100%25: a, b ::error::x \\x1b[31m")
    assert REPORT_FORMATS["github"](ONLY_NOTES, CONTEXT).startswith(
        "::notice title=kicklint (damaged-function)"
    )
    assert REPORT_FORMATS["github"](EMPTY, CONTEXT) == ""


def test_gitlab() -> None:
    """Code Quality: a list; description, check_name, fingerprint, severity and location are required."""
    value = json.loads(REPORT_FORMATS["gitlab"](FULL, CONTEXT))
    assert [each["fingerprint"] for each in value] == ["0123456789abcdef", "ff"]
    assert [each["severity"] for each in value] == ["critical", "major"]
    assert value[0]["location"] == {"path": PATH, "lines": {"begin": 12, "end": 12}}
    assert all(each["description"] and each["check_name"] for each in value)
    assert json.loads(REPORT_FORMATS["gitlab"](EMPTY, CONTEXT)) == []


def test_rdjson() -> None:
    """Reviewdog's columns count bytes of UTF-8."""
    value = json.loads(REPORT_FORMATS["rdjson"](FULL, CONTEXT))
    assert value["source"] == {"name": "kicklint"}
    where = value["diagnostics"][0]["location"]["range"]
    text = LINE.encode()[where["start"]["column"] - 1 : where["end"]["column"] - 1]
    assert text == b"enter(vcpu->mode, IN_GUEST_MODE)"
    assert [each["severity"] for each in value["diagnostics"]] == ["ERROR", "WARNING"]
    assert json.loads(REPORT_FORMATS["rdjson"](EMPTY, CONTEXT))["diagnostics"] == []


BEFORE = "".join(f"line {number}\n" for number in range(30))


@pytest.mark.parametrize(
    "after",
    [
        BEFORE.replace("line 9\n", "line 9 {\n").replace("line 11\n", "line 11\nmore\n}\n"),
        BEFORE.replace("line 9\n", "").replace("line 12\n", "line 12\nline 9\n"),
        BEFORE.replace("line 9\n", "line 9\nmore\nand more\n"),
        f"more\nand more\n{BEFORE}",
        f"{BEFORE}more\n",
    ],
)
def test_an_edit_of_several_places_is_one_suggestion(after: str) -> None:
    """Reviewdog puts whole lines in place of whole lines where no columns are given."""
    places = tuple(Replacement(Span(PATH, line, 1, line, 1), "x") for line in (1, 2))
    edit = Edit("Do it.", places, unified(PATH, BEFORE.encode(), after.encode()))
    value = json.loads(REPORT_FORMATS["rdjson"](report(finding(edit=edit)), CONTEXT))
    (found,) = value["diagnostics"][0]["suggestions"]
    first, last = found["range"]["start"]["line"], found["range"]["end"]["line"]
    lines = BEFORE.splitlines()
    assert [*lines[: first - 1], *found["text"].split("\n"), *lines[last:]] == after.splitlines()


def test_an_edit_of_places_far_from_each_other_is_no_suggestion() -> None:
    after = BEFORE.replace("line 2\n", "").replace("line 27\n", "line 27\nline 2\n")
    places = tuple(Replacement(Span(PATH, line, 1, line, 1), "x") for line in (1, 2))
    edit = Edit("Do it.", places, unified(PATH, BEFORE.encode(), after.encode()))
    value = json.loads(REPORT_FORMATS["rdjson"](report(finding(edit=edit)), CONTEXT))
    assert "suggestions" not in value["diagnostics"][0]


def test_junit() -> None:
    root = ET.fromstring(REPORT_FORMATS["junit"](FULL, CONTEXT).encode())
    assert (root.get("tests"), root.get("failures")) == ("2", "2")
    assert [each.get("name") for each in root] == [PATH]
    failures = root.findall("./testsuite/testcase/failure")
    assert [each.get("type") for each in failures] == ["error", "warning"]
    assert "[KICK003]" in (failures[0].text or "")
    whole = ET.fromstring(REPORT_FORMATS["junit"](EMPTY, CONTEXT).encode())
    assert (whole.get("tests"), whole.get("failures")) == ("1", "0")
    ET.fromstring(REPORT_FORMATS["junit"](HOSTILE, CONTEXT).encode())


@pytest.mark.parametrize("style", ["gcc", "concise", "github", "gitlab", "rdjson", "junit", "text"])
def test_only_what_counts_is_shown(style: str) -> None:
    text = REPORT_FORMATS[style](TRIAGED, CONTEXT)
    whole = REPORT_FORMATS[style](FULL, CONTEXT)
    assert text.count("the guest is entered without a test") == whole.count(
        "the guest is entered without a test"
    )


def test_statistics() -> None:
    again = report(
        finding(), finding(fingerprint="a2"), finding(rule="KICK001", name="other", fingerprint="a3")
    )
    assert STATISTICS_FORMATS["text"](again).splitlines() == [
        "    2  KICK003  guest-entry-without-request-check",
        "    1  KICK001  other",
    ]
    assert json.loads(STATISTICS_FORMATS["json"](TRIAGED)) == [
        {"rule": "KICK003", "name": "guest-entry-without-request-check", "count": 1}
    ]
