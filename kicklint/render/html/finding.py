"""One finding as an article."""

from __future__ import annotations

from collections.abc import Mapping

from kicklint.base import VCPU, Edit, Finding, Interleaving, Standing
from kicklint.render.html.marks import place, prose, source, words
from kicklint.render.html.trail import steps, trail
from kicklint.render.interleaving import HEADS
from kicklint.render.plain import Lines
from kicklint.rulebook import RuleInfo


def article(finding: Finding, lines: Lines, rules: Mapping[str, RuleInfo]) -> str:
    """Message, place, the way through the source, the interleaving, the edit, and the rule's page."""
    worlds = "".join(f'<span class="world">{words(each)}</span>' for each in finding.architectures)
    inside = f" in <b>{words(finding.function)}()</b>" if finding.function else ""
    rule = rules.get(finding.rule)
    return (
        f'<article class="finding {finding.severity}" id="f-{words(finding.fingerprint)}"'
        f' data-rule="{words(finding.rule)}" data-severity="{finding.severity}"'
        f' data-worlds="{words(" ".join(finding.architectures))}">'
        f'<header><span class="severity">{finding.severity}</span> <span class="rule">{words(finding.rule)}'
        f" {words(finding.name)}</span>{worlds}</header>"
        f"<h3>{words(finding.message)}</h3>"
        f"<p>{place(finding.span.path, finding.span.line)}{inside}"
        f' <span class="fingerprint">{words(finding.fingerprint)}</span></p>'
        f"{_aside(finding)}"
        f'<div class="way"><div class="pieces">{trail(finding, lines)}</div>'
        f'<div class="told">{steps(finding)}</div></div>'
        f"{_race(finding.interleaving)}{_related(finding)}{_remedy(finding)}{_edit(finding.edit)}{_page(rule)}"
        "</article>"
    )


def _aside(finding: Finding) -> str:
    said = ""
    if finding.suppression is not None:
        reason, where = words(finding.suppression.justification), words(finding.suppression.place)
        said += f'<p class="aside">Waived: {reason} ({where})</p>'
    if finding.standing is Standing.KNOWN:
        said += '<p class="aside">Known: the baseline has it.</p>'
    return said


def _race(found: Interleaving | None) -> str:
    if found is None:
        return ""
    rows = []
    for row in found.rows:
        cell = f"<code>{words(row.text)}</code> <small>{words(row.function)}:{row.span.line}</small>"
        rows.append(
            f"<tr><td>{cell}</td><td></td></tr>"
            if row.thread == VCPU
            else f"<tr><td></td><td>{cell}</td></tr>"
        )
    assumed = f"<p>Assumed: {words(found.assumption)}.</p>" if found.assumption else ""
    return (
        '<section class="race"><h4>How it goes wrong, by the memory model of the kernel</h4>'
        f"<table><thead><tr><th>{HEADS[0]}</th><th>{HEADS[1]}</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
        f'<p class="lost">{words(found.lost)}</p>{assumed}</section>'
    )


def _related(finding: Finding) -> str:
    entries = "".join(
        f"<li>{place(each.span.path, each.span.line)} {words(each.message)}</li>" for each in finding.related
    )
    return f'<section class="related"><h4>See also</h4><ul>{entries}</ul></section>' if entries else ""


def _remedy(finding: Finding) -> str:
    if not finding.remedy:
        return ""
    return f'<section class="remedy"><h4>What to do</h4>{prose(finding.remedy)}</section>'


def _edit(edit: Edit | None) -> str:
    if edit is None:
        return ""
    kinds = {"+": "added", "-": "taken", "@": "hunk"}
    rows = "".join(
        f'<span class="{kinds.get(each[:1], "same")}">{words(each[:1])}{source(each[1:])}\n</span>'
        for each in edit.diff.split("\n")[1:-1]
    )
    return f'<section class="edit"><h4>{words(edit.says)}</h4><pre>{rows}</pre></section>'


def _page(rule: RuleInfo | None) -> str:
    if rule is None:
        return ""
    return (
        f"<details><summary>What {words(rule.id)} is about</summary>{prose(rule.what)}{prose(rule.why)}"
        f"<h4>What it cannot see</h4>{prose(rule.blind)}<h4>Known to be harmless</h4>{prose(rule.benign)}"
        "</details>"
    )
