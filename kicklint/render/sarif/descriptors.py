"""What the tool can report: rules, notifications and the weaknesses they belong to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import sarif_om as om

from kicklint.base import Severity
from kicklint.render.rules import first_sentence, plain, render_markdown, render_text
from kicklint.render.sarif.model import multiformat, sentence
from kicklint.rulebook import RuleInfo

# GitHub's limit for a description.
_LONGEST = 1024
# GitHub's own scale beside SARIF's levels.
_PROBLEM = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "recommendation"}

_WEAKNESSES = {
    362: "Concurrent Execution using Shared Resource with Improper Synchronization ('Race Condition')",
    366: "Race Condition within a Thread",
    367: "Time-of-check Time-of-use (TOCTOU) Race Condition",
    416: "Use After Free",
    459: "Incomplete Cleanup",
    662: "Improper Synchronization",
    667: "Improper Locking",
    691: "Insufficient Control Flow Management",
    696: "Incorrect Behavior Order",
    820: "Missing Synchronization",
    821: "Incorrect Synchronization",
    833: "Deadlock",
    1061: "Insufficient Encapsulation",
}

_NOTIFICATIONS = {
    "damaged-function": "A function was found but not wholly understood; what it does is not in the result.",
    "log-cut": "Something was left out, since services refuse logs that hold more.",
    "inferred-entry": "The rulebook does not know this architecture; its guest entry was inferred.",
    "unreadable-file": "A file could not be read; what it holds is not in the result.",
    "internal-error": "kicklint itself failed; the result is not complete.",
}


def weaknesses(rules: Sequence[RuleInfo]) -> list[int]:
    """The CWE numbers that the rules name, sorted: the order of the taxonomy's taxa."""
    return sorted({number for rule in rules for number in rule.cwe})


def taxonomy(numbers: Sequence[int]) -> om.ToolComponent:
    """The part of CWE that the rules refer to (section 3.14.8 and 3.19.3)."""
    return om.ToolComponent(
        name="CWE",
        organization="MITRE",
        information_uri="https://cwe.mitre.org/",
        short_description=multiformat("The MITRE Common Weakness Enumeration."),
        taxa=[
            om.ReportingDescriptor(
                id=str(number),
                name=f"CWE-{number}",
                short_description=multiformat(sentence(_WEAKNESSES.get(number, f"CWE-{number}"))),
                help_uri=f"https://cwe.mitre.org/data/definitions/{number}.html",
            )
            for number in numbers
        ],
    )


def rule(info: RuleInfo, numbers: Sequence[int]) -> om.ReportingDescriptor:
    """One rule with its whole page (section 3.49).

    There is no ``security-severity``: it would turn a question of correctness into
    a security alert with a score that nobody measured.
    """
    tags = ["correctness", "concurrency", "kvm", *(f"external/cwe/cwe-{number:03}" for number in info.cwe)]
    return om.ReportingDescriptor(
        id=info.id,
        name=_identifier(info.name),
        short_description=multiformat(_short(first_sentence(plain(info.what)))),
        full_description=multiformat(_short(_description(info))),
        help=multiformat(render_text(info), render_markdown(info)),
        help_uri=_help_uri(info.references),
        default_configuration=om.ReportingConfiguration(level=info.level.value),
        properties={
            "tags": tags,
            "precision": info.precision,
            "problem.severity": _PROBLEM[info.level],
            "kicklint/name": info.name,
        },
        relationships=[
            om.ReportingDescriptorRelationship(
                target=om.ReportingDescriptorReference(
                    id=str(number),
                    index=numbers.index(number),
                    tool_component=om.ToolComponentReference(name="CWE", index=0),
                ),
                kinds=["superset"],
            )
            for number in info.cwe
        ]
        or None,
    )


def notification(code: str) -> om.ReportingDescriptor:
    """What a note's code means; a code without a text of its own stands for itself."""
    text = _NOTIFICATIONS.get(code, f"A remark of kind {code}.")
    advice = f"{text} The message says where and why."
    return om.ReportingDescriptor(
        id=code,
        # A name that only repeats the id is one too many (multitool SARIF1001).
        name=_identifier(code) if "-" in code else None,
        short_description=multiformat(text),
        full_description=multiformat(text),
        help=multiformat(advice, advice),
    )


def codes(found: Iterable[str]) -> list[str]:
    """The codes that occur, once each, sorted."""
    return sorted(set(found))


def _help_uri(references: Sequence[str]) -> str | None:
    """The first reference that is on the web: itself, or as a page of the kernel's documentation."""
    for each in references:
        if each.startswith("https://"):
            return each.split()[0]
        page = re.match(r"Documentation/([\w./-]+)\.rst\b", each)
        if page:
            return f"https://docs.kernel.org/{page.group(1)}.html"
    return None


def _identifier(name: str) -> str:
    """``guest-entry-without-request-check`` in the form that viewers expect of a name."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("-"))


def is_cut(info: RuleInfo) -> bool:
    """Whether the rule's description is longer than what is shown of it; its help has all."""
    return len(sentence(_description(info))) > _LONGEST


def _description(info: RuleInfo) -> str:
    return " ".join(plain(info.what).split())


def _short(text: str) -> str:
    text = sentence(text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3].rstrip() + "..."
