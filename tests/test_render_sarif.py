"""SARIF: valid by the official schema and by the multitool, and what consumers need."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema
import pytest
import sarif_om as om
from samples import EMPTY, FULL, LINE, MENDED, ONLY_NOTES, PATH, RULES, finding, report

from kicklint.base import (
    REQUESTER,
    VCPU,
    Excerpt,
    Interleaving,
    Note,
    Report,
    Row,
    Severity,
    Span,
)
from kicklint.render import REPORT_FORMATS, Context, Provenance
from kicklint.render.sarif.model import to_json
from kicklint.rulebook import RuleInfo, load_rulebook

CONTEXT = Context(rules=RULES, version="0.1.0", exit_code=1)
PROVENANCE = Provenance("https://example.org/linux", "0123456789abcdef", "master")
ODD = report(
    finding(span=Span("weird/\u00e4 #%?.c", 1, 1, 3, 2), message="no stop"),
    finding(rule="KICK999", function="", architectures=(), span=Span("not-carried.c", 4, 5, 4, 9)),
    notes=(Note("never-heard-of", Severity.ERROR, "what is this"),),
)
CASES = {
    "full": (FULL, CONTEXT),
    "empty": (EMPTY, CONTEXT),
    "with an edit": (MENDED, CONTEXT),
    "nothing at all": (Report(()), Context(version="0.1.0")),
    "only notes": (ONLY_NOTES, CONTEXT),
    "odd names": (ODD, CONTEXT),
    "provenance": (FULL, Context(rules=RULES, version="0.1.0", provenance=PROVENANCE)),
    "crash": (EMPTY, Context(rules=RULES, version="0.1.0", failure="TypeError: x", exit_code=2)),
    "clock": (
        EMPTY,
        Context(rules=RULES, version="0.1.0", started="2026-01-01T00:00:00Z", ended="2026-01-01T00:00:01Z"),
    ),
}


def sarif(case: Report, context: Context = CONTEXT) -> Any:
    return json.loads(REPORT_FORMATS["sarif"](case, context))


def walk(value: Any) -> Any:
    """Every object in ``value``."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(each)


@pytest.fixture(scope="module")
def schema(root: Path) -> Any:
    # draft-04; validator_for() takes the draft from $schema.
    content = json.loads((root / "tests/data/sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
    return jsonschema.validators.validator_for(content)(content)


@pytest.mark.parametrize("name", CASES)
def test_valid_by_the_schema(name: str, schema: Any) -> None:
    log = sarif(*CASES[name])
    assert [f"{error.json_path}: {error.message}" for error in schema.iter_errors(log)] == []
    assert list(log)[:2] == ["$schema", "version"]
    assert isinstance(log["runs"][0]["results"], list)


def test_valid_by_the_multitool(multitool: Path, tmp_path: Path) -> None:
    """Its exit status is 0 even after errors, so its own report is read."""
    for number, (case, context) in enumerate(CASES.values()):
        (tmp_path / f"{number}.sarif").write_text(REPORT_FORMATS["sarif"](case, context), encoding="utf-8")
    verdict = tmp_path / "verdict"
    files = [str(tmp_path / f"{number}.sarif") for number in range(len(CASES))]
    # Without this .NET needs a libicu that small images lack.
    environment = {**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}
    command = [multitool, "validate", *files, "-o", verdict, "--rule-kind", "Sarif;Ghas"]
    command += ["--log", "ForceOverwrite", "--level", "Error;Warning"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert verdict.is_file(), done.stdout + done.stderr
    run = json.loads(verdict.read_text(encoding="utf-8-sig"))["runs"][0]
    found = [
        (result["ruleId"], result.get("level"), result["message"], result["locations"])
        for result in run["results"]
        # It does not know that a rule may be gone from the rulebook; the case is made up.
        if result.get("level", "warning") in ("error", "warning")
    ]
    assert found == []
    assert run["invocations"][0]["executionSuccessful"] is True
    assert f"{len(CASES)} files scanned" in done.stdout


def test_multitool_finds_what_is_wrong(multitool: Path, tmp_path: Path) -> None:
    """The gate above is only worth something if a broken log does not pass it."""
    log = sarif(FULL)
    log["runs"][0]["tool"]["driver"]["rules"][0].pop("help")
    (tmp_path / "bad.sarif").write_text(json.dumps(log), encoding="utf-8")
    environment = {**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}
    command = [
        multitool,
        "validate",
        tmp_path / "bad.sarif",
        "-o",
        tmp_path / "v",
        "--rule-kind",
        "Sarif;Ghas",
    ]
    subprocess.run([*command, "--log", "ForceOverwrite"], env=environment, capture_output=True, check=False)
    verdict = json.loads((tmp_path / "v").read_text(encoding="utf-8-sig"))
    assert "GH2012" in json.dumps(verdict["runs"][0]["results"])


def test_result() -> None:
    run = sarif(FULL)["runs"][0]
    first, second = run["results"]
    assert (first["ruleId"], first["ruleIndex"], first["level"], first["kind"]) == (
        "KICK003",
        1,
        "error",
        "fail",
    )
    # The default level of the class: the usual serialiser would leave it out.
    assert (second["ruleIndex"], second["level"]) == (0, "warning")
    assert first["message"]["text"] == (
        "the guest is entered without a test of vcpu->requests[0]. "
        "test the requests after the write. See also: [the \\[entry\\]](1)."
    )
    location = first["locations"][0]
    assert location["logicalLocations"] == [
        {"fullyQualifiedName": "run_loop", "kind": "function", "name": "run_loop"}
    ]
    region = location["physicalLocation"]["region"]
    units = LINE.encode("utf-16-le")
    covered = units[2 * (region["startColumn"] - 1) : 2 * (region["endColumn"] - 1)].decode("utf-16-le")
    assert covered == region["snippet"]["text"] == "enter(vcpu->mode, IN_GUEST_MODE)"
    assert region["startLine"] == region["endLine"] == 12
    assert run["columnKind"] == "utf16CodeUnits"
    assert first["partialFingerprints"] == {"kicklint/v1": "0123456789abcdef"}
    assert first["properties"] == {"architectures": ["arm64", "x86"]}
    assert [each["id"] for each in first["relatedLocations"]] == [1]
    assert "codeFlows" not in second
    assert "rank" not in first


def test_an_edit_counts_in_the_same_unit() -> None:
    (fix,) = sarif(MENDED)["runs"][0]["results"][0]["fixes"]
    assert fix["description"]["text"] == "Do it otherwise."
    (change,) = fix["artifactChanges"]
    assert change["artifactLocation"]["uri"].endswith("odd%20name.c")
    away, put = change["replacements"]
    region = sarif(FULL)["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert {key: away["deletedRegion"][key] for key in ("startColumn", "endColumn")} == {
        key: region[key] for key in ("startColumn", "endColumn")
    }
    assert "insertedContent" not in away
    assert put["deletedRegion"]["startColumn"] == put["deletedRegion"]["endColumn"] == region["endColumn"]
    assert put["insertedContent"]["text"] == "\n\t\u00e4();"


def test_an_interleaving_is_the_story_behind_the_trail_and_ends_in_what_is_lost() -> None:
    here, there = Span(PATH, 3, 1, 3, 5), Span(PATH, 9, 1, 9, 5)
    rows = (Row(VCPU, "mode = IN", "run", here), Row(REQUESTER, "no IPI", "kick", there))
    race = Interleaving(rows, "in the guest, the request is not seen", "C x", "Sometimes", "", "")
    result = sarif(report(finding(trail=(), interleaving=race)))["runs"][0]["results"][0]
    (flow,) = result["codeFlows"]
    (thread,) = flow["threadFlows"]
    texts = [each["location"]["message"]["text"].rstrip(".") for each in thread["locations"]]
    assert texts == ["vCPU: mode = IN", "requester: no IPI => in the guest, the request is not seen"]
    assert "vCPU thread" in result["message"]["markdown"]


def test_trail() -> None:
    flow = sarif(FULL)["runs"][0]["results"][0]["codeFlows"]
    assert len(flow) == len(flow[0]["threadFlows"]) == 1
    steps = flow[0]["threadFlows"][0]["locations"]
    assert [each["executionOrder"] for each in steps] == [1, 2, 3, 4]
    assert [each["nestingLevel"] for each in steps] == [1, 1, 2, 2]
    assert [each["importance"] for each in steps] == ["essential", "important", "essential", "essential"]
    assert [each.get("kinds") for each in steps] == [None, ["branch"], ["call", "function"], ["danger"]]
    assert steps[0]["state"] == {"protocol": {"text": "in the guest"}}
    assert steps[3]["location"]["message"]["text"] == "no test."
    assert steps[3]["location"]["logicalLocations"][0]["name"] == "helper"


@pytest.mark.parametrize("name", CASES)
def test_paths_are_relative_and_encoded(name: str) -> None:
    log = sarif(*CASES[name])
    run = log["runs"][0]
    assert set(run["originalUriBaseIds"]) == {"%SRCROOT%"}
    assert set(run["originalUriBaseIds"]["%SRCROOT%"]) == {"description"}
    artifacts = [each["location"]["uri"] for each in run["artifacts"]]
    for each in walk(run):
        where = each.get("artifactLocation")
        if where is None:
            continue
        uri = where["uri"]
        assert uri.isascii()
        assert not set(uri) & set(" #?\\")
        assert not urlsplit(uri).scheme
        assert not uri.startswith("/")
        assert where["uriBaseId"] == "%SRCROOT%"
        assert artifacts[where["index"]] == uri
    if name == "full":
        assert unquote(artifacts[0]) == PATH


def test_the_same_report_gives_the_same_bytes() -> None:
    text = REPORT_FORMATS["sarif"](FULL, CONTEXT)
    assert REPORT_FORMATS["sarif"](FULL, CONTEXT) == text
    assert "Utc" not in text
    assert str(Path.cwd()) not in text


def test_run() -> None:
    run = sarif(FULL)["runs"][0]
    assert run["automationDetails"]["id"] == "kicklint/arm64+x86/"
    assert sarif(Report(()))["runs"][0]["automationDetails"]["id"] == "kicklint/"
    invocation = run["invocations"][0]
    assert invocation["executionSuccessful"] is True
    assert invocation["exitCode"] == 1
    assert [note["level"] for note in invocation["toolExecutionNotifications"]] == ["note", "warning"]
    descriptors = run["tool"]["driver"]["notifications"]
    for note in invocation["toolExecutionNotifications"]:
        assert descriptors[note["descriptor"]["index"]]["id"] == note["descriptor"]["id"]
    assert "versionControlProvenance" not in run
    given = sarif(*CASES["provenance"])["runs"][0]["versionControlProvenance"][0]
    assert given["mappedTo"] == {"uriBaseId": "%SRCROOT%"}


def test_only_a_crash_is_unsuccessful() -> None:
    invocation = sarif(*CASES["crash"])["runs"][0]["invocations"][0]
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"][0]["level"] == "error"
    assert sarif(*CASES["crash"])["runs"][0]["results"] == []


def test_what_is_cut_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits are those of code scanning; what a trail and an interleaving have is counted together."""
    row = Row(VCPU, "looks", "run", Span(PATH, 4, 1, 4, 2))
    step = finding().trail[0]
    raced = Interleaving((row,) * 4, "it is lost", "litmus", "Sometimes")
    found = report(
        finding(trail=(step,) * 7, interleaving=raced),
        finding(trail=(step,) * 6, interleaving=raced, span=Span(PATH, 3, 1, 3, 2)),
    )
    monkeypatch.setattr("kicklint.render.sarif.results._MOST_STEPS", 10)

    def said(*rules: RuleInfo) -> list[str]:
        run = sarif(found, replace(CONTEXT, rules=rules))["runs"][0]
        for each in run["results"]:
            assert len(each["codeFlows"][0]["threadFlows"][0]["locations"]) == 10
        notes = run["invocations"][0]["toolExecutionNotifications"]
        return [each["message"]["text"] for each in notes if each["descriptor"]["id"] == "log-cut"]

    assert said(*RULES) == ["trails that are cut short: 1."]
    long = replace(RULES[0], what="A rule of many words. " * 100)
    assert said(long) == [
        "trails that are cut short: 1.",
        f"descriptions that are cut short: {long.id}.",
    ]
    monkeypatch.setattr("kicklint.render.sarif.log._MOST_RESULTS", 1)
    assert said()[0] == "1 findings beyond the first 1 are left out."
    assert len(sarif(found)["runs"][0]["results"]) == 1


def test_every_weakness_has_its_name() -> None:
    rules = load_rulebook().rules
    (cwe,) = sarif(EMPTY, replace(CONTEXT, rules=rules))["runs"][0]["taxonomies"]
    assert {number for rule in rules for number in rule.cwe} == {int(each["id"]) for each in cwe["taxa"]}
    assert not [each["id"] for each in cwe["taxa"] if each["shortDescription"]["text"].startswith("CWE")]


def test_rules() -> None:
    run = sarif(EMPTY)["runs"][0]
    for rule, info in zip(run["tool"]["driver"]["rules"], RULES, strict=True):
        assert rule["id"] == info.id
        assert rule["shortDescription"]["text"] == "Some way to the guest has no test of the requests."
        assert rule["help"]["markdown"].startswith(f"# {info.id}")
        assert rule["defaultConfiguration"]["level"] == info.level
        assert rule["properties"]["precision"] == "high"
        assert "external/cwe/cwe-820" in rule["properties"]["tags"]
        assert "security-severity" not in rule["properties"]
        for each in rule["relationships"]:
            target = each["target"]
            assert run["taxonomies"][0]["taxa"][target["index"]]["id"] == target["id"]
        assert rule["helpUri"] == "https://docs.kernel.org/virt/kvm/vcpu-requests.html"


def test_source_that_is_not_text_can_still_be_written() -> None:
    line = Excerpt("a.c", 1, "x\udcff\x00 call()")
    bad = finding(span=Span("a.c", 1, 5, 1, 11), message="\udcff\x1b", trail=(), related=())
    region = sarif(Report((bad,), excerpts=(line,)))["runs"][0]["results"][0]["locations"][0]
    assert region["physicalLocation"]["region"]["snippet"]["text"] == "call()"
    REPORT_FORMATS["sarif"](Report((bad,), excerpts=(line,)), CONTEXT).encode()


def test_the_serialiser_refuses_what_it_does_not_know() -> None:
    log = om.SarifLog(version="2.1.0", runs=[], schema_uri="x")
    result = om.Result(message=om.Message(text="x"))
    result.ruleID = "misspelt"
    for wrong in (result, Severity.ERROR, {1, 2}, b"bytes", Path("x")):
        log.runs = [wrong]
        with pytest.raises(TypeError):
            to_json(log)
