"""kicklint kbuild-check: the CHECK program of a kernel build (make C=1)."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click

from kicklint import __version__
from kicklint.base import SourceError, relocated
from kicklint.cli.examine import Wanted, examine, requested
from kicklint.cli.options import LENIENT, VERBOSITY, own_rules
from kicklint.cli.output import write
from kicklint.cli.policy import Policy
from kicklint.cli.status import FINDINGS, NO_FINDINGS
from kicklint.render import REPORT_FORMATS, Context

# Files that hold KVM code; the others are none of our business, and most of a build.
_KVM = re.compile(r"(?:^|/)(?:virt/kvm|arch/(?P<arch>[^/]+)/kvm)/")
# By its headers the compiler is told which architecture a generic file is built for.
_HEADERS = re.compile(r"-I(?:.*/)?arch/(?P<arch>[^/]+)/include(?:/|$)")


@click.command(
    "kbuild-check", context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]}
)
@click.option(
    "--fail", is_flag=True, help="Exit with status 1 when there are findings, which ends the build."
)
@own_rules
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[FLAG]... FILE")
@click.pass_context
def kbuild_check(ctx: click.Context, fail: bool, command: tuple[str, ...]) -> None:
    """Check FILE as part of a kernel build: make C=1 CHECK="kicklint kbuild-check".

    The build hands over the compiler's flags, of which the folder of the architecture's headers is looked at,
    and the C file as the last argument. Findings in that file are written as gcc writes its own. A file that
    holds no KVM code costs nothing. The status is 0 unless --fail was given, also where the file cannot be
    checked.
    """
    ctx.meta[VERBOSITY] = 0
    ctx.meta[LENIENT] = not fail
    file = Path(command[-1]) if command else None
    if file is None or file.suffix != ".c":
        raise click.UsageError("the last argument must be a C file")
    found = _KVM.search(file.resolve().as_posix())
    if found is None:
        return
    if not file.is_file():
        raise SourceError(f"{file}: no such file")
    headers = (_HEADERS.match(each) for each in command[:-1])
    built = found["arch"] or next((each["arch"] for each in headers if each), "")
    architectures = (built,) if built else ()
    request, policy = requested(Wanted((file,), None, architectures, policy=Policy(), jobs=1))
    report = relocated(examine(request, policy, quiet=True), _way(request.tree, file))
    text = REPORT_FORMATS["gcc"](report, Context(version=__version__, quiet=True))
    write(text, None, for_people=True)
    ctx.exit(FINDINGS if fail and report.open_findings else NO_FINDINGS)


def _way(root: Path, file: Path) -> str:
    """What to put before paths in the tree: to be found from the build's directory, as ``file`` is."""
    if file.is_absolute():
        return f"{root.as_posix()}/"
    way = Path(os.path.relpath(root)).as_posix()
    return "" if way == "." else f"{way}/"
