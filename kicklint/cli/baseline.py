"""kicklint baseline: the findings of today, for --baseline."""

from __future__ import annotations

from pathlib import Path

import click

from kicklint import __version__
from kicklint.cli.examine import Wanted, examine, requested
from kicklint.cli.options import choose_rules, effort, flat, paths
from kicklint.cli.output import check_writable, write
from kicklint.cli.policy import Policy, given
from kicklint.render import REPORT_FORMATS, Context, summary

_DEFAULT = Path("kicklint-baseline.json")


@click.command()
@paths
@choose_rules
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, allow_dash=True),
    default=_DEFAULT,
    show_default=True,
    metavar="FILE",
    help="Write to FILE, whole or not at all.",
)
@effort
def baseline(
    paths: tuple[Path, ...],
    tree: Path | None,
    architectures: tuple[tuple[str, ...], ...],
    select: tuple[tuple[str, ...], ...],
    ignore: tuple[tuple[str, ...], ...],
    output: Path,
    jobs: int,
    quiet: bool,
    verbose: int,
) -> None:
    """Write a baseline: a JSON report of the findings that there are now.

    `kicklint check --baseline FILE` then counts only findings that it has not. They are
    matched by fingerprint, which other edits do not change; a finding whose file was moved is
    matched by its rule and function.
    """
    check_writable(output)
    processes = jobs if given("jobs") else 0
    wanted = Wanted(paths, tree, flat(architectures), flat(select), flat(ignore), processes)
    request, policy = requested(wanted)
    report = examine(request, Policy(file=policy.file, exclude=policy.exclude), quiet=quiet)
    write(REPORT_FORMATS["json"](report, Context(version=__version__)), output)
    if not quiet:
        click.echo(f"kicklint: {summary(report)} Written to {output}.", err=True)
    if verbose:
        click.echo(f"kicklint: {request.tree}", err=True)
