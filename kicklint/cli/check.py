"""kicklint check: findings."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import click

from kicklint import __version__
from kicklint.base import KicklintError, Report
from kicklint.cli.examine import Wanted, examine, requested
from kicklint.cli.mending import Mending, mending
from kicklint.cli.options import choose_rules, colour, effort, flat, formats, paths
from kicklint.cli.output import check_writable, to_file, wants_colour, write
from kicklint.cli.policy import Policy, given, policy
from kicklint.cli.provenance import provenance
from kicklint.cli.status import COULD_NOT_RUN, FINDINGS, NO_FINDINGS
from kicklint.render import FOR_PEOPLE, REPORT_FORMATS, STATISTICS_FORMATS, Context, summary
from kicklint.rulebook import load_rulebook


@click.command()
@paths
@choose_rules
@formats(REPORT_FORMATS)
@click.option("--statistics", is_flag=True, help="How many findings each rule has, in place of the findings.")
@click.option("--exit-zero", is_flag=True, help="Exit with status 0 even when there are findings.")
@mending
@policy
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
    statistics: bool,
    exit_zero: bool,
    mending: Mending,
    policy: Policy,
    colour: str,
    jobs: int,
    quiet: bool,
    verbose: int,
) -> None:
    """Look for breaches of the kick protocol.

    PATH is a kernel tree, or files and directories in one; the default is the tree
    around the current directory. Findings are reported for what PATH names; facts
    come from all KVM code of the tree. Paths in reports are relative to the tree.

    Exit status: 0 no findings, 1 findings, 2 could not run. Findings that are waived,
    or that the baseline has, do not count.
    """
    check_writable(output)
    begun = time.monotonic()
    processes = jobs if given("jobs") else 0
    wanted = Wanted(paths, tree, flat(architectures), flat(select), flat(ignore), processes, policy)
    request, policy = requested(wanted)
    style = _format(style, policy, statistics)
    context = Context(
        rules=load_rulebook().rules,
        version=__version__,
        colour=wants_colour(colour, output),
        quiet=quiet,
        verbose=verbose > 0,
        provenance=provenance(request.tree) if style == "sarif" else None,
    )
    try:
        report = mending.edited(examine(request, policy, quiet=quiet), request, quiet=quiet)
    except Exception as error:
        if style == "sarif" and not isinstance(error, KicklintError):
            _failed(error, request.architectures, context, output)
        raise
    if mending.instead:
        status = mending.carried_out(report, request, output, quiet=quiet)
        click.get_current_context().exit(NO_FINDINGS if exit_zero else status)
    status = FINDINGS if report.open_findings and not exit_zero else NO_FINDINGS
    if statistics:
        text = STATISTICS_FORMATS[style](report)
    else:
        text = REPORT_FORMATS[style](report, replace(context, exit_code=status))
    write(text, output, for_people=style in FOR_PEOPLE)
    if not quiet:
        _say(report, style, output)
    if verbose:
        click.echo(f"kicklint: {request.tree}: {time.monotonic() - begun:.2f} s", err=True)
    click.get_current_context().exit(status)


def _format(style: str, policy: Policy, statistics: bool) -> str:
    """The format on the command line, else the configuration's, else the default."""
    name = policy.settings.format
    if name and not given("style"):
        if name not in REPORT_FORMATS:
            file = policy.file.path if policy.file is not None else None
            known = ", ".join(REPORT_FORMATS)
            raise KicklintError(f"{file}: key 'format' is {name!r}, must be one of {known}")
        style = name
    if statistics and style not in STATISTICS_FORMATS:
        raise click.UsageError(f"--statistics has no format {style}: {', '.join(STATISTICS_FORMATS)}")
    return style


def _failed(error: Exception, architectures: tuple[str, ...], context: Context, output: Path | None) -> None:
    """A SARIF log that says that the engine crashed, to whoever reads it."""
    failed = replace(context, failure=f"{type(error).__name__}: {error}", exit_code=COULD_NOT_RUN)
    write(REPORT_FORMATS["sarif"](Report((), architectures=architectures), failed), output)


def _say(report: Report, style: str, output: Path | None) -> None:
    """One sentence on standard error where standard output does not hold it."""
    if output is not None and to_file(output):
        click.echo(f"kicklint: {summary(report)} Written to {output}.", err=True)
    elif style in ("concise", "gcc"):
        click.echo(f"kicklint: {summary(report)}", err=True)
