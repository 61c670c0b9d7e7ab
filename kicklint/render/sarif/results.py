"""Findings as results, notes as notifications."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sarif_om as om

from kicklint.base import Edit, Finding, Note, Standing, Step, StepKind, Suppression
from kicklint.render.interleaving import markdown
from kicklint.render.plain import encodable, visible
from kicklint.render.sarif.model import message, multiformat, sentence
from kicklint.render.sarif.places import Places

FINGERPRINT = "kicklint/v1"

# What GitHub takes of one result; of the steps it shows as many.
_MOST_STEPS = 1000

_STATES = {Standing.NEW: "new", Standing.KNOWN: "unchanged", Standing.FIXED: "absent"}

# Section 3.38.8. An event of the protocol has no word there.
_KINDS: Mapping[StepKind, list[str]] = {
    StepKind.CALL: ["call", "function"],
    StepKind.RETURN: ["return", "function"],
    StepKind.BRANCH: ["branch"],
    StepKind.MISSING: ["danger"],
}


def result(finding: Finding, rules: Mapping[str, int], places: Places, compared: bool = False) -> om.Result:
    """One finding (section 3.27). ``rules`` maps a rule's id to its index.

    ``compared`` says that there was a baseline, and the finding's standing is told.

    Has no ``rank``: GitLab would take it for a severity. Its one partial fingerprint
    is kicklint's own; GitHub computes ``primaryLocationLineHash`` itself.
    """
    return om.Result(
        rule_id=finding.rule,
        rule_index=rules.get(finding.rule, -1),
        level=finding.severity.value,
        kind="fail",
        message=om.Message(text=_text(finding), markdown=_markdown(finding)),
        locations=[places.location(finding.span, finding.function, context=True)],
        related_locations=[
            places.location(each.span, each.function, visible(each.message), identity=number)
            for number, each in enumerate(finding.related, 1)
        ]
        or None,
        code_flows=_flow(finding, places) if finding.trail or finding.interleaving else None,
        partial_fingerprints={FINGERPRINT: finding.fingerprint},
        baseline_state=_STATES[finding.standing] if compared else None,
        suppressions=None if finding.suppression is None else [_suppression(finding.suppression)],
        fixes=None if finding.edit is None else [_fix(finding.edit, places)],
        properties={"architectures": list(finding.architectures)},
    )


def _fix(edit: Edit, places: Places) -> om.Fix:
    """Section 3.55. All replacements of an edit are of one file."""
    path = edit.replacements[0].span.path
    return om.Fix(
        description=message(visible(edit.says)),
        artifact_changes=[
            om.ArtifactChange(
                artifact_location=places.artifact(path),
                replacements=[
                    om.Replacement(
                        deleted_region=places.replaced(each.span),
                        inserted_content=om.ArtifactContent(text=encodable(each.text)) if each.text else None,
                    )
                    for each in edit.replacements
                ],
            )
        ],
    )


def _suppression(suppression: Suppression) -> dict[str, str]:
    """Section 3.35. A plain object: sarif-om's class lacks the status that consumers look for."""
    parts = (suppression.justification, suppression.place, suppression.link)
    return {
        "kind": suppression.kind.value,
        "status": "accepted",
        "justification": visible("; ".join(each for each in parts if each)),
    }


def _text(finding: Finding) -> str:
    """The message, the remedy, and a link to each related place.

    GitHub shows a related location only when the message links to it (section
    3.11.6: brackets inside of a link's text are escaped).
    """
    parts = [sentence(visible(finding.message))]
    if finding.remedy:
        parts.append(sentence(visible(finding.remedy)))
    links = [f"[{_escaped(visible(each.message))}]({n})" for n, each in enumerate(finding.related, 1)]
    if links:
        parts.append(f"See also: {'; '.join(links)}.")
    return " ".join(parts)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


def _markdown(finding: Finding) -> str | None:
    """The text with the interleaving, for consumers that show Markdown."""
    if finding.interleaving is None:
        return None
    return f"{_text(finding)}\n\n{markdown(finding.interleaving)}"


def _flow(finding: Finding, places: Places) -> list[om.CodeFlow]:
    """The trail and then the interleaving, in the first thread flow: the only one that viewers show.

    The last step says what is lost.
    """
    rows = finding.interleaving.rows if finding.interleaving is not None else ()
    trail = finding.trail[: _room(finding)]
    locations = [_step(step, number, places) for number, step in enumerate(trail, 1)]
    for number, row in enumerate(rows, len(locations) + 1):
        lost = f" => {finding.interleaving.lost}" if finding.interleaving and row is rows[-1] else ""
        text = visible(f"{row.thread}: {row.text}{lost}")
        locations.append(
            om.ThreadFlowLocation(
                location=places.location(row.span, row.function, text),
                execution_order=number,
                nesting_level=1,
                importance="essential",
            )
        )
    return [om.CodeFlow(thread_flows=[om.ThreadFlow(locations=locations)])]


def _room(finding: Finding) -> int:
    """How many steps of the trail fit before the interleaving."""
    rows = finding.interleaving.rows if finding.interleaving is not None else ()
    return max(_MOST_STEPS - len(rows), 0)


def is_cut(finding: Finding) -> bool:
    """Whether some steps of its trail are left out."""
    return len(finding.trail) > _room(finding)


def _step(step: Step, number: int, places: Places) -> om.ThreadFlowLocation:
    return om.ThreadFlowLocation(
        location=places.location(step.span, step.function, visible(step.message)),
        execution_order=number,
        # Viewers indent by one less than this.
        nesting_level=max(step.depth, 0) + 1,
        importance="essential" if step.essential else "important",
        kinds=_KINDS.get(step.kind),
        state={"protocol": multiformat(visible(step.state))} if step.state else None,
    )


def notification(note: Note, codes: Sequence[str], places: Places) -> om.Notification:
    """One note (section 3.58). ``codes`` is the order of the descriptors."""
    return om.Notification(
        message=message(visible(note.message)),
        level=note.severity.value,
        descriptor=om.ReportingDescriptorReference(id=note.code, index=codes.index(note.code)),
        locations=[places.location(note.span)] if note.span is not None else None,
    )
