"""The log as a whole."""

from __future__ import annotations

from collections.abc import Sequence

import sarif_om as om

from kicklint.base import Note, Report, Severity
from kicklint.render.context import Context, Provenance
from kicklint.render.document import dump
from kicklint.render.sarif import descriptors
from kicklint.render.sarif.model import message, to_json
from kicklint.render.sarif.places import SOURCE_ROOT, Places
from kicklint.render.sarif.results import is_cut, notification, result
from kicklint.rulebook import RuleInfo

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
# GitHub's limit on one run.
_MOST_RESULTS = 25_000
# What the tool checks; the rules have pages of their own in the log.
_INFORMATION = "https://docs.kernel.org/virt/kvm/vcpu-requests.html"


def render(report: Report, context: Context) -> str:
    """The report as a SARIF 2.1.0 log, the same bytes for the same report and context.

    ``context.rules`` becomes the tool's rules, found or not, so that an index means
    the same in every log of this version. Findings are no failure:
    ``executionSuccessful`` is false only when ``context.failure`` says what crashed,
    because services refuse the results of a failed run. Raises TypeError when the
    log would not be valid JSON.
    """
    notes = (*report.notes, *_cut(report, context.rules))
    if context.failure:
        notes = (*notes, Note("internal-error", Severity.ERROR, context.failure))
    places = Places(report)
    index = {rule.id: number for number, rule in enumerate(context.rules)}
    codes = descriptors.codes(note.code for note in notes)
    compared = report.gone is not None
    results = [result(each, index, places, compared) for each in report.findings[:_MOST_RESULTS]]
    notifications = [notification(each, codes, places) for each in notes]
    numbers = descriptors.weaknesses(context.rules)
    run = om.Run(
        tool=om.Tool(driver=_driver(context, codes, numbers)),
        automation_details=om.RunAutomationDetails(id=_category(report)),
        invocations=[_invocation(context, notifications)],
        version_control_provenance=_provenance(context.provenance),
        original_uri_base_ids={
            SOURCE_ROOT: om.ArtifactLocation(description=message("The root of the kernel tree"))
        },
        artifacts=places.artifacts(),
        column_kind="utf16CodeUnits",
        taxonomies=[descriptors.taxonomy(numbers)] if numbers else None,
        results=results,
        properties={"gone": len(report.gone)} if report.gone is not None else None,
    )
    return dump(to_json(om.SarifLog(schema_uri=_SCHEMA, version="2.1.0", runs=[run])))


def _cut(report: Report, rules: Sequence[RuleInfo]) -> list[Note]:
    """What is left out because GitHub refuses logs that hold more."""
    notes = []
    if len(report.findings) > _MOST_RESULTS:
        text = (
            f"{len(report.findings) - _MOST_RESULTS} findings beyond the first {_MOST_RESULTS} are left out"
        )
        notes.append(Note("log-cut", Severity.WARNING, text))
    steps = sum(is_cut(each) for each in report.findings)
    if steps:
        notes.append(Note("log-cut", Severity.NOTE, f"trails that are cut short: {steps}"))
    texts = [each.id for each in rules if descriptors.is_cut(each)]
    if texts:
        notes.append(Note("log-cut", Severity.NOTE, f"descriptions that are cut short: {', '.join(texts)}"))
    return notes


def _driver(context: Context, codes: list[str], numbers: list[int]) -> om.ToolComponent:
    return om.ToolComponent(
        name="kicklint",
        version=context.version,
        semantic_version=context.version,
        information_uri=_INFORMATION,
        short_description=om.MultiformatMessageString(
            text="A typestate linter for the KVM vCPU kick protocol."
        ),
        rules=[descriptors.rule(each, numbers) for each in context.rules],
        notifications=[descriptors.notification(code) for code in codes] or None,
        supported_taxonomies=[om.ToolComponentReference(name="CWE", index=0)] if numbers else None,
    )


def _category(report: Report) -> str:
    """Category and a slash: logs of different architectures stand beside each other."""
    return f"kicklint/{'+'.join(report.architectures)}/" if report.architectures else "kicklint/"


def _invocation(context: Context, notifications: list[om.Notification]) -> om.Invocation:
    return om.Invocation(
        execution_successful=not context.failure,
        exit_code=context.exit_code,
        start_time_utc=context.started or None,
        end_time_utc=context.ended or None,
        tool_execution_notifications=notifications or None,
    )


def _provenance(provenance: Provenance | None) -> list[om.VersionControlDetails] | None:
    if provenance is None:
        return None
    return [
        om.VersionControlDetails(
            repository_uri=provenance.repository,
            revision_id=provenance.revision or None,
            branch=provenance.branch or None,
            mapped_to=om.ArtifactLocation(uri_base_id=SOURCE_ROOT),
        )
    ]
