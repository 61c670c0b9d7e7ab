"""kicklint check: findings."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kicklint import __version__
from kicklint.base import KicklintError, Report
from kicklint.cli.options import RuleList, colour, effort, flat, formats, paths
from kicklint.cli.output import check_writable, to_file, wants_colour, write
from kicklint.cli.progress import progress
from kicklint.cli.request import make_request
from kicklint.cli.status import COULD_NOT_RUN, FINDINGS, NO_FINDINGS
from kicklint.render import FOR_PEOPLE, REPORT_FORMATS, Context, summary
from kicklint.rulebook import load_rulebook

if TYPE_CHECKING:
    from kicklint.engine import AnalysisRequest


@click.command()
@paths
@click.option(
    "--select", type=RuleList(), multiple=True, metavar="RULE,...", help="Only these rules, by id or name."
)
@click.option("--ignore", type=RuleList(), multiple=True, metavar="RULE,...", help="Not these rules.")
@formats(REPORT_FORMATS)
@click.option("--exit-zero", is_flag=True, help="Exit with status 0 even when there are findings.")
@colour
@effort
def check(
    paths: tuple[Path, ...],
    tree: Path | None,
    architectures: tuple[tuple[str, ...], ...],
    select: tuple[tuple[str, ...], ...],
    ignore: tuple[tuple[str, ...], ...],
    style: str,
    output: Path | None,
    exit_zero: bool,
    colour: str,
    jobs: int,
    quiet: bool,
    verbose: int,
) -> None:
    """Look for breaches of the kick protocol.

    PATH is a kernel tree, or files and directories in one; the default is the tree
    around the current directory. Findings are reported for what PATH names; facts
    come from all KVM code of the tree. Paths in reports are relative to the tree.

    Exit status: 0 no findings, 1 findings, 2 could not run.
    """
    check_writable(output)
    context = Context(
        rules=load_rulebook().rules,
        version=__version__,
        colour=wants_colour(colour, output),
        quiet=quiet,
        verbose=verbose > 0,
    )
    chosen = _chosen(flat(select), flat(ignore))
    begun = time.monotonic()
    with progress(quiet=quiet) as bar:
        request = make_request(paths, tree, flat(architectures), chosen, jobs, bar)
        report = _analyse(request, context, style, output)
    status = FINDINGS if report.findings and not exit_zero else NO_FINDINGS
    text = REPORT_FORMATS[style](report, replace(context, exit_code=status))
    write(text, output, for_people=style in FOR_PEOPLE)
    if not quiet:
        _say(report, style, output)
    if verbose:
        click.echo(f"kicklint: {request.tree}: {time.monotonic() - begun:.2f} s", err=True)
    click.get_current_context().exit(status)


def _chosen(select: tuple[str, ...], ignore: tuple[str, ...]) -> frozenset[str]:
    """The ids to look for; empty says all, as the engine has it."""
    if not ignore:
        return frozenset(select)
    every = {rule.id for rule in load_rulebook().rules}
    left = (set(select) or every) - set(ignore)
    if not left:
        raise click.UsageError("--select and --ignore leave no rule")
    return frozenset(left)


def _analyse(request: AnalysisRequest, context: Context, style: str, output: Path | None) -> Report:
    """Run the engine. When it crashes, a SARIF log still says so, to whoever reads it."""
    # As in request.py: the engine brings tree-sitter.
    from kicklint import engine

    try:
        return engine.analyse(request)
    except KicklintError:
        raise
    except Exception as error:
        if style == "sarif":
            failed = replace(context, failure=f"{type(error).__name__}: {error}", exit_code=COULD_NOT_RUN)
            write(REPORT_FORMATS[style](Report((), architectures=request.architectures), failed), output)
        raise


def _say(report: Report, style: str, output: Path | None) -> None:
    """One sentence on standard error where standard output does not hold it."""
    if output is not None and to_file(output):
        click.echo(f"kicklint: {summary(report)} Written to {output}.", err=True)
    elif style == "concise":
        click.echo(f"kicklint: {summary(report)}", err=True)
