"""kicklint check: findings."""

from __future__ import annotations

from pathlib import Path

import click

from kicklint import __version__
from kicklint.base import KicklintError
from kicklint.cli.checking import Check
from kicklint.cli.examine import Wanted, requested
from kicklint.cli.mending import Mending, mending
from kicklint.cli.options import choose_rules, colour, effort, flat, formats, path_prefix, paths
from kicklint.cli.output import check_writable, wants_colour
from kicklint.cli.policy import Policy, given, policy
from kicklint.cli.provenance import provenance
from kicklint.cli.watching import watch
from kicklint.render import REPORT_FORMATS, STATISTICS_FORMATS, Context
from kicklint.rulebook import load_rulebook


@click.command()
@paths
@choose_rules
@formats(REPORT_FORMATS)
@click.option("--statistics", is_flag=True, help="How many findings each rule has, in place of the findings.")
@click.option("--exit-zero", is_flag=True, help="Exit with status 0 even when there are findings.")
@click.option("--watch", "watching", is_flag=True, help="Check again whenever a file was changed.")
@path_prefix
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
    watching: bool,
    prefix: str,
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
    processes = jobs if given("jobs") else 0
    wanted = Wanted(paths, tree, flat(architectures), flat(select), flat(ignore), processes, policy)

    def asked() -> Check:
        request, found = requested(wanted)
        shown = _format(style, found, statistics)
        context = Context(
            rules=load_rulebook().rules,
            version=__version__,
            colour=wants_colour(colour, output),
            quiet=quiet,
            verbose=verbose > 0,
            provenance=provenance(request.tree, prefix) if shown == "sarif" else None,
        )
        edits = mending.settled(found, "" if statistics else shown)
        return Check(request, found, context, shown, output, edits, statistics, exit_zero, prefix)

    if watching:
        if mending.instead:
            raise click.UsageError("--watch goes with neither --diff nor --fix")
        watch(asked)
    click.get_current_context().exit(asked().run())


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
