"""JSON and CSV: what programs read."""

from __future__ import annotations

import csv
import io
import json

from samples import COVERAGE, EMPTY, FULL, LINE, RULES, SITES, TRIAGED, finding, report

from kicklint.base import Coverage
from kicklint.render import COVERAGE_FORMATS, REPORT_FORMATS, RULE_FORMATS, SITE_FORMATS, Context


def test_json_report() -> None:
    text = REPORT_FORMATS["json"](FULL, Context(version="1.2.3"))
    assert text.endswith("}\n")
    value = json.loads(text)
    assert list(value) == ["version", "tool", "architectures", "summary", "findings", "notes", "gone"]
    assert value["tool"] == {"name": "kicklint", "version": "1.2.3"}
    assert value["summary"] == {
        "files": 3, "functions": 14, "findings": 2, "error": 1, "warning": 1, "note": 0,
        "open": 2, "waived": 0, "known": 0, "gone": 0,
    }  # fmt: skip
    first = value["findings"][0]
    assert list(first) == [
        "rule", "name", "severity", "message", "path", "line", "column", "endLine", "endColumn",
        "function", "architectures", "fingerprint", "remedy", "trail", "related",
        "standing", "suppression", "interleaving",
        "edit",
    ]  # fmt: skip
    # Columns count characters: the span is found again by slicing the line.
    assert LINE[first["column"] - 1 : first["endColumn"] - 1].startswith("enter(")
    assert [step["kind"] for step in first["trail"]] == ["event", "branch", "call", "missing"]
    assert first["trail"][0]["state"] == "in the guest"
    assert first["related"][0]["message"] == "the [entry]"
    assert value["notes"][0]["line"] == 12
    assert value["notes"][1]["path"] is None


def test_json_says_how_findings_stand() -> None:
    text = REPORT_FORMATS["json"](TRIAGED, Context())
    value = json.loads(text)
    # One counts; one is waived; one the baseline has; one more it had.
    assert {key: value["summary"][key] for key in ("findings", "open", "waived", "known", "gone")} == {
        "findings": 3, "open": 1, "waived": 1, "known": 1, "gone": 1,
    }  # fmt: skip
    assert [each["standing"] for each in value["findings"]] == ["new", "new", "known"]
    assert [each["suppression"] for each in value["findings"]] == [
        None,
        {"kind": "external", "justification": "a test", "place": ".kicklint.toml", "link": ""},
        None,
    ]
    assert value["gone"] == [
        {"rule": "KICK003", "path": "a.c", "function": "f", "message": "m", "fingerprint": "99"}
    ]
    assert json.loads(REPORT_FORMATS["json"](FULL, Context()))["gone"] is None


def test_json_is_readable_whatever_the_source_holds() -> None:
    bad = finding(message="bytes \udcff and \x1b and \u00e4", trail=(), related=())
    text = REPORT_FORMATS["json"](report(bad), Context())
    assert "\u00e4" in text
    assert "\x1b" not in text
    assert json.loads(text.encode())["findings"][0]["message"] == "bytes \ufffd and \x1b and \u00e4"
    assert json.loads(REPORT_FORMATS["json"](EMPTY, Context()))["findings"] == []


def test_sites() -> None:
    assert SITE_FORMATS["text"](SITES).splitlines() == [
        "arch/x86/kvm/x86.c:12  mode-write    IN_GUEST_MODE, smp_store_mb  vcpu           run_loop()",
        'virt/kvm/\u00e4.c:3         request-make  a "quoted", request          kvm->vcpus[i]  helper()',
        "2 sites",
    ]
    keys = ["path", "line", "function", "kind", "detail", "vcpu"]
    value = json.loads(SITE_FORMATS["json"](SITES))
    assert [list(each) for each in value] == [keys, keys]
    assert value[0]["line"] == 12
    rows = list(csv.reader(io.StringIO(SITE_FORMATS["csv"](SITES))))
    assert rows == [keys, *([str(each[key]) for key in keys] for each in value)]
    assert SITE_FORMATS["text"](()) == "0 sites\n"
    assert SITE_FORMATS["json"](()) == "[]\n"


def test_coverage() -> None:
    assert COVERAGE_FORMATS["text"](COVERAGE) == (
        "files      2\nfunctions  400\nreference  401 functions by Universal Ctags\n"
        "missed     1 (0.25 %)\ndamaged    1 (0.25 %)\n"
        "\n1 function damaged:\n  a.c:1 odd(): a macro\n"
        "\n1 function missed:\n  b.c:2 lost(): made by a macro\n"
    )
    value = json.loads(COVERAGE_FORMATS["json"](COVERAGE))
    assert value["files"] == 2
    assert value["functions"] == 400
    assert value["reference"] == 401
    assert value["damaged"] == [{"path": "a.c", "line": 1, "function": "odd", "reason": "a macro"}]
    assert value["missed"][0]["function"] == "lost"
    none = COVERAGE_FORMATS["text"](Coverage(0, 0, ()))
    assert "not installed" in none
    assert "missed" not in none


def test_rules_for_programs() -> None:
    value = json.loads(RULE_FORMATS["json"](RULES, False))
    assert [each["id"] for each in value] == ["KICK001", "KICK003"]
    assert value[0]["cwe"] == [367, 820]
