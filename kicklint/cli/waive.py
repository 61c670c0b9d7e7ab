"""kicklint waive: put a finding, with a reason, on the list of what is accepted."""

from __future__ import annotations

import datetime
import tomllib
from pathlib import Path

import click

from kicklint.cli.examine import Wanted, examine, finding_with, requested, today
from kicklint.cli.options import effort, flat, paths
from kicklint.cli.output import append
from kicklint.cli.policy import Policy, given, waiver_place
from kicklint.settings import CONFIGURATION, load_waivers


@click.command()
@click.argument("fingerprint")
@paths
@click.option("--reason", required=True, help="Why the finding is accepted.")
@click.option(
    "--expires",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The last day on which the waiver holds, as 2027-01-31.",
)
@click.option("--link", default="", metavar="URL", help="Where it was discussed.")
@click.option(
    "--waivers",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help=f"The file to add to. Default: the configuration, or {CONFIGURATION} at the top of the tree.",
)
@effort
def waive(
    fingerprint: str,
    paths: tuple[Path, ...],
    tree: Path | None,
    architectures: tuple[tuple[str, ...], ...],
    reason: str,
    expires: datetime.datetime | None,
    link: str,
    waivers: Path | None,
    jobs: int,
    quiet: bool,
    verbose: int,
) -> None:
    """Accept the finding with FINGERPRINT: add a waiver for it to the waiver file.

    FINGERPRINT is as `kicklint check --format json` shows it, or the beginning of it. The
    tree is checked to see that the finding is there and what it is about.
    """
    # As in cli/examine.py.
    from kicklint.triage import waiver_table

    if not reason.strip() or reason.startswith("--"):  # else the next option is taken for it
        raise click.BadParameter("a reason is needed", param_hint="--reason")
    if expires is not None and expires.date() < today():
        raise click.BadParameter(f"{expires.date()} is over", param_hint="--expires")
    processes = jobs if given("jobs") else 0
    request, policy = requested(Wanted(paths, tree, flat(architectures), jobs=processes))
    report = examine(request, Policy(file=policy.file), quiet=quiet)
    found = finding_with(report, fingerprint)
    file, key = (waivers, "waiver") if waivers is not None else waiver_place(policy, request.tree)
    if file.exists() and key == "waiver":
        load_waivers(file)  # a file that is broken is not made longer
    day = expires.date() if expires is not None else None
    append(waiver_table(found, reason.strip(), day, link, key), file, _is_toml)
    if not quiet:
        click.echo(f"kicklint: waived {found.rule} in {found.function}() in {file}", err=True)
    if verbose:
        click.echo(f"kicklint: {request.tree}", err=True)


def _is_toml(text: str) -> bool:
    """Whether it is: an array in one line, for one, cannot be gone on with by a table."""
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True
