"""The findings of an earlier run, and how those of this run stand against them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from kicklint.base import Gone, Report, SettingsError, Standing
from kicklint.triage.extent import Extent

_TOOL = "kicklint"
_FINGERPRINT = "kicklint/v1"
_REMEDY = "write one with 'kicklint baseline'"


@dataclass(frozen=True, slots=True)
class Baseline:
    """What an earlier report found, in its order."""

    findings: tuple[Gone, ...]


def load_baseline(path: Path) -> Baseline:
    """The findings of a report of ``kicklint check`` in JSON or SARIF.

    Raises SettingsError when the file cannot be read or is neither.
    """
    try:
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path}: is not JSON: {error}") from error
    try:
        if isinstance(value, dict) and isinstance(value.get("runs"), list) and _ours(value):
            return Baseline(tuple(_from_sarif(value)))
        if isinstance(value, dict) and isinstance(value.get("findings"), list):
            return Baseline(tuple(_from_json(each) for each in value["findings"]))
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise SettingsError(
            f"{path}: is no report of kicklint ({type(error).__name__}: {error}); {_REMEDY}"
        ) from error
    raise SettingsError(f"{path}: is neither a JSON report nor a SARIF log of kicklint; {_REMEDY}")


def _from_json(each: Mapping[str, Any]) -> Gone:
    keys = ("rule", "path", "function", "message", "fingerprint")
    return Gone(*(str(each[key]) for key in keys))


def _ours(log: Mapping[str, Any]) -> bool:
    """Whether there is a run of kicklint: a log of another tool is none that found nothing."""
    return any(run["tool"]["driver"]["name"] == _TOOL for run in log["runs"])


def _from_sarif(log: Mapping[str, Any]) -> Iterator[Gone]:
    for run in log["runs"]:
        if run["tool"]["driver"]["name"] != _TOOL:
            continue
        for each in run.get("results", ()):
            if each.get("baselineState") == "absent":
                continue
            place = each["locations"][0]
            logical = place.get("logicalLocations") or [{}]
            yield Gone(
                rule=str(each["ruleId"]),
                path=unquote(str(place["physicalLocation"]["artifactLocation"]["uri"])),
                function=str(logical[0].get("name", "")),
                message=str(each["message"].get("text", "")),
                fingerprint=str(each["partialFingerprints"][_FINGERPRINT]),
            )


def compared(report: Report, baseline: Baseline, extent: Extent) -> Report:
    """``report`` with the standing of each finding, and what is gone.

    A finding is known when the baseline has its fingerprint. Since a file may have moved, one
    without is also known when the baseline has a finding of the same rule in a function of the
    same name, in another file, that nothing else answers to. What the baseline has and the report
    has not is gone, when the analysis covered it.
    """
    left: dict[str, list[Gone]] = defaultdict(list)
    for each in baseline.findings:
        left[each.fingerprint].append(each)
    known: set[int] = set()
    for at, finding in enumerate(report.findings):
        if left[finding.fingerprint]:
            left[finding.fingerprint].pop(0)
            known.add(at)
    moved: dict[tuple[str, str], list[Gone]] = defaultdict(list)
    for group in left.values():
        for each in group:
            moved[each.rule, each.function].append(each)
    for at, finding in enumerate(report.findings):
        others = [each for each in moved[finding.rule, finding.function] if each.path != finding.span.path]
        if at not in known and others:
            moved[finding.rule, finding.function].remove(others[0])
            known.add(at)
    gone = [each for group in moved.values() for each in group if extent.covers(each.rule, each.path)]
    return replace(
        report,
        findings=tuple(
            replace(finding, standing=Standing.KNOWN if at in known else Standing.NEW)
            for at, finding in enumerate(report.findings)
        ),
        gone=tuple(sorted(gone, key=lambda each: (each.path, each.rule, each.function, each.fingerprint))),
    )
