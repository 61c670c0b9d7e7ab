"""Reports made by hand, for the tests of rendering and of the command line."""

from __future__ import annotations

from dataclasses import replace

from kicklint.base import (
    Coverage,
    DamagedFunction,
    Edit,
    Excerpt,
    Finding,
    Gone,
    MissedFunction,
    Note,
    Related,
    Replacement,
    Report,
    Severity,
    Site,
    Span,
    Standing,
    Step,
    StepKind,
    Suppression,
    SuppressionKind,
)
from kicklint.rulebook import RuleInfo

PATH = "arch/x86/kvm/odd name.c"
# Two tabs, a letter of two bytes, one of four (two UTF-16 units), then the call.
LINE = "\t/* \u00e4\U0001f600 */\tenter(vcpu->mode, IN_GUEST_MODE);"
CALL = "enter(vcpu->mode, IN_GUEST_MODE)"
FIRST = len(LINE[: LINE.index(CALL)].encode()) + 1
SPAN = Span(PATH, 12, FIRST, 12, FIRST + len(CALL))
OTHER = "virt/kvm/other.c"


def rule(identity: str, name: str, level: Severity = Severity.ERROR) -> RuleInfo:
    """A rule with a text for everything."""
    return RuleInfo(
        id=identity,
        name=name,
        level=level,
        since="0.1.0",
        what="Some way to the guest has no `test` of the requests. It may be a long one.",
        why="A kick is **lost**.\n\n- one reason\n- another reason that goes on\n  over two lines",
        interleaving="vCPU            kicker\nmode = IN\n                request",
        fix="Test the requests after the write.",
        bad="int bad(void)\n{\n\treturn 1;\n}\n",
        good="int good(void)\n{\n\treturn 0;\n}\n",
        blind="Assembly.",
        benign="None known.",
        precision="high",
        references=("Documentation/virt/kvm/vcpu-requests.rst",),
        cwe=(367, 820),
    )


RULES = (
    rule("KICK001", "unguarded-exiting-transition", Severity.WARNING),
    rule("KICK003", "guest-entry-without-request-check"),
)


def finding(**changes: object) -> Finding:
    """A KICK003 whose trail crosses two files."""
    values: dict[str, object] = {
        "rule": "KICK003",
        "name": "guest-entry-without-request-check",
        "severity": Severity.ERROR,
        "message": "the guest is entered without a test of vcpu->requests[0]",
        "span": SPAN,
        "function": "run_loop",
        "fingerprint": "0123456789abcdef",
        "architectures": ("arm64", "x86"),
        "trail": (
            Step(StepKind.EVENT, SPAN, "run_loop", "the mode becomes IN_GUEST_MODE", state="in the guest"),
            Step(StepKind.BRANCH, Span(OTHER, 3, 1, 3, 4), "run_loop", "the test is false", essential=False),
            Step(StepKind.CALL, Span(OTHER, 3, 1, 3, 7), "helper", "calls helper()", depth=1),
            Step(StepKind.MISSING, Span(OTHER, 4, 2, 6, 4), "helper", "no test", depth=1),
        ),
        "related": (Related(Span(OTHER, 4, 2, 4, 9), "helper", "the [entry]"),),
        "remedy": "test the requests after the write",
    }
    return Finding(**(values | changes))  # type: ignore[arg-type]


def report(*findings: Finding, notes: tuple[Note, ...] = ()) -> Report:
    """A report with the lines of :func:`finding`."""
    return Report(
        findings=findings,
        notes=notes,
        architectures=("arm64", "x86"),
        files=3,
        functions=14,
        excerpts=(
            Excerpt(PATH, 12, LINE),
            Excerpt(OTHER, 3, "if (x)"),
            Excerpt(OTHER, 4, "\tenter();"),
        ),
    )


NOTES = (
    Note("damaged-function", Severity.NOTE, "odd() holds a macro that was not understood", SPAN),
    Note("inferred-entry", Severity.WARNING, "the guest entry of tricore was inferred"),
)
FULL = report(
    finding(),
    finding(
        rule="KICK001",
        name="unguarded-exiting-transition",
        severity=Severity.WARNING,
        message="no guard",
        fingerprint="ff",
        trail=(),
        related=(),
        remedy="",
    ),
    notes=NOTES,
)
EMPTY = report()
# Compared with a baseline: one finding counts, one is waived, one is known, one is gone.
TRIAGED = replace(
    report(
        finding(),
        finding(
            fingerprint="aa",
            function="waived",
            suppression=Suppression(SuppressionKind.EXTERNAL, "a test", ".kicklint.toml"),
        ),
        finding(fingerprint="bb", function="known", standing=Standing.KNOWN),
    ),
    gone=(Gone("KICK003", "a.c", "f", "m", "99"),),
)
ONLY_NOTES = report(notes=NOTES)
# An edit that takes the call away and puts a line of its own behind it.
MENDED = report(
    finding(
        edit=Edit(
            "Do it otherwise.",
            (
                Replacement(SPAN, ""),
                Replacement(Span(PATH, 12, SPAN.end_column, 12, SPAN.end_column), "\n\t\u00e4();"),
            ),
            f"diff --git a/{PATH} b/{PATH}\n",
        )
    )
)

SITES = (
    Site("arch/x86/kvm/x86.c", 12, "run_loop", "mode-write", "IN_GUEST_MODE, smp_store_mb", "vcpu"),
    Site("virt/kvm/\u00e4.c", 3, "helper", "request-make", 'a "quoted", request', "kvm->vcpus[i]"),
)
COVERAGE = Coverage(
    files=2,
    functions=400,
    damaged=(DamagedFunction("a.c", 1, "odd", "a macro"),),
    reference=401,
    missed=(MissedFunction("b.c", 2, "lost", "made by a macro"),),
)
