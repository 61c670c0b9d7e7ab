"""One run of the engine as options and configuration ask for it, with the project's policy put to it."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kicklint.base import Finding, KicklintError, Report
from kicklint.cli.options import ids, processors, store
from kicklint.cli.policy import Policy
from kicklint.cli.progress import progress
from kicklint.rulebook import load_rulebook

if TYPE_CHECKING:
    from kicklint.engine import AnalysisRequest
    from kicklint.engine.sources import Parsed
    from kicklint.source import SourceTree


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks to look at; what is empty is left to the configuration."""

    paths: tuple[Path, ...] = ()
    tree: Path | None = None
    architectures: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    jobs: int = 0
    policy: Policy = field(default_factory=Policy)


def requested(wanted: Wanted) -> tuple[AnalysisRequest, Policy]:
    """The request for the engine, and the policy with its configuration. Raises KicklintError."""
    # The engine brings tree-sitter: 40 ms that --help and --version need not wait for.
    from kicklint import engine

    root, scope = engine.resolve_scope(wanted.paths, wanted.tree)
    policy = wanted.policy.found(root)
    settings = policy.settings
    request = engine.AnalysisRequest(
        tree=root,
        scope=scope,
        architectures=wanted.architectures or settings.arch,
        select=chosen(wanted.select or ids(settings.select), wanted.ignore or ids(settings.ignore)),
        jobs=wanted.jobs or settings.jobs or processors(),
        store=store(),
    )
    return request, policy


def examine(request: AnalysisRequest, policy: Policy, *, quiet: bool, parsed: Parsed | None = None) -> Report:
    """The report on ``request``, with waivers and the baseline put to it. Raises KicklintError.

    ``parsed`` is as in an analysis.
    """
    # As in requested().
    from kicklint import engine, source, triage

    baseline = triage.load_baseline(policy.baseline) if policy.baseline is not None else None
    verdicts = triage.Verdicts(policy.waived(), baseline, policy.exclude)
    tree = source.KeptTree(source.DirectoryTree(request.tree))
    with progress(quiet=quiet) as bar:
        wanted = replace(request, progress=bar)
        report = engine.analyse(wanted, tree) if parsed is None else engine.analyse_tree(tree, wanted, parsed)
    extent = triage.Extent(
        request.select, request.scope, report.architectures, complete=not request.architectures
    )
    return triage.triaged(report, verdicts, tree, load_rulebook().rules, extent, today())


def verdict(policy: Policy) -> Callable[[Report, SourceTree], Report]:
    """What puts the exclusions, the waivers and the comments in the source to the report on a tree.

    It says nothing of waivers that match no finding, since a review sees a part of a tree.
    """
    # As in requested().
    from kicklint import triage

    verdicts = triage.Verdicts(policy.waived(), None, policy.exclude)

    def put(report: Report, tree: SourceTree) -> Report:
        files = tuple(sorted({each.span.path for each in report.findings}))
        if not files:
            return report
        extent = triage.Extent(scope=files, architectures=report.architectures, complete=False)
        return triage.triaged(report, verdicts, tree, load_rulebook().rules, extent, today())

    return put


def today() -> datetime.date:
    """The day by which waivers expire."""
    return datetime.datetime.now(datetime.UTC).date()


def finding_with(report: Report, fingerprint: str) -> Finding:
    """The finding whose fingerprint begins so. Raises KicklintError when it is not exactly one."""
    found = [each for each in report.findings if each.fingerprint.startswith(fingerprint)]
    if len(found) != 1:
        known = "\n".join(
            f"  {each.fingerprint}  {each.rule} {each.function}()" for each in found or report.findings
        )
        what = "several findings begin so" if found else "there is no such finding"
        raise KicklintError(f"{fingerprint}: {what}; those there are:\n{known or '  none'}")
    return found[0]


def chosen(select: tuple[str, ...], ignore: tuple[str, ...]) -> frozenset[str]:
    """The ids to look for; empty says all, as the engine has it."""
    if not ignore:
        return frozenset(select)
    every = {rule.id for rule in load_rulebook().rules}
    left = (set(select) or every) - set(ignore)
    if not left:
        raise click.UsageError("--select and --ignore leave no rule")
    return frozenset(left)
