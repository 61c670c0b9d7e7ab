"""kicklint litmus: a finding about order as a C litmus test."""

from __future__ import annotations

from pathlib import Path

import click

from kicklint.base import KicklintError
from kicklint.cli.examine import Wanted, examine, finding_with, requested
from kicklint.cli.herd import herd
from kicklint.cli.options import effort, flat, paths
from kicklint.cli.output import check_writable, write
from kicklint.cli.policy import Policy, given


@click.command()
@click.argument("fingerprint")
@paths
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file (- is stdout).",
)
@click.option("--fixed", is_flag=True, help="The same with the missing piece in place.")
@click.option("--run", is_flag=True, help="Run both with herd7 and the tree's memory model, and compare.")
@effort
def litmus(
    fingerprint: str,
    paths: tuple[Path, ...],
    tree: Path | None,
    architectures: tuple[tuple[str, ...], ...],
    output: Path | None,
    fixed: bool,
    run: bool,
    jobs: int,
    quiet: bool,
    verbose: int,
) -> None:
    """Write the C litmus test of the finding with FINGERPRINT.

    FINGERPRINT is as `kicklint check --format json` shows it, or the beginning of it. herd7
    takes the test with the kernel's linux-kernel.cfg, and says Sometimes; of the one that
    --fixed writes it says Never. --run needs herd7 and a tree with tools/memory-model;
    without them it shows the verdicts of kicklint's own checker alone.
    """
    check_writable(output)
    processes = jobs if given("jobs") else 0
    request, policy = requested(Wanted(paths, tree, flat(architectures), jobs=processes))
    report = examine(request, Policy(file=policy.file), quiet=quiet)
    finding = finding_with(report, fingerprint)
    shown = finding.interleaving
    if shown is None:
        raise KicklintError(
            f"{finding.rule} in {finding.function}() has no litmus test: it is not about the order of events,"
            " or the tree does not hold what the other thread does"
        )
    if fixed and not shown.fixed:
        raise KicklintError(f"{finding.rule} in {finding.function}(): no fix of it was found to help")
    if run:
        for name, text, verdict in (
            ("as it is", shown.litmus, shown.verdict),
            ("fixed", shown.fixed, shown.fixed_verdict),
        ):
            if text:
                click.echo(
                    f"kicklint: {name}: kicklint {verdict}, herd7 {herd(text, request.tree)}", err=True
                )
    write(shown.fixed if fixed else shown.litmus, output)
    if verbose:
        click.echo(f"kicklint: {request.tree}", err=True)
