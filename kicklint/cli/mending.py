"""--remedies, --diff and --fix: what removes the findings, shown or written."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kicklint.base import KicklintError, Report, Severity
from kicklint.cli.output import write, write_file
from kicklint.cli.policy import Policy
from kicklint.cli.progress import progress
from kicklint.cli.status import FINDINGS, NO_FINDINGS
from kicklint.render import WITH_EDITS, counted
from kicklint.rulebook import load_rulebook

if TYPE_CHECKING:
    from kicklint.engine import AnalysisRequest
    from kicklint.source import SourceTree

# The most findings for which edits are looked for unasked: trying one takes about as long as a review.
_FEW = 5
Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Mending:
    """The options of :func:`mending`.

    ``show`` is None where none of them says whether to look for edits; ``few`` looks for them where few
    findings count, else for those of errors where these are few.
    """

    show: bool | None = None
    diff: bool = False
    fix: bool = False
    few: bool = False

    @property
    def instead(self) -> bool:
        """Whether edits are given out, or written, in place of the findings."""
        return self.diff or self.fix

    @property
    def wanted(self) -> bool:
        """Whether edits are looked for, whatever the findings are."""
        return bool(self.show) or self.instead

    def tried(self, report: Report) -> frozenset[Severity]:
        """Of which findings of ``report`` edits are looked for."""
        if self.wanted:
            return frozenset(Severity)
        if self.few:
            for severities in (frozenset(Severity), frozenset({Severity.ERROR})):
                if sum(each.severity in severities for each in report.open_findings) <= _FEW:
                    return severities
        return frozenset()

    def settled(self, policy: Policy, style: str) -> Mending:
        """With the configuration behind the options, for a report in the format ``style``.

        Where nobody has said so, edits are looked for when a baseline leaves only what is new, else
        when findings or errors are few.
        """
        if self.show is not None:
            return self
        asked = policy.settings.remedies or policy.baseline is not None
        shown = style in WITH_EDITS
        return replace(self, show=asked and shown, few=shown)

    def edited(self, report: Report, request: AnalysisRequest, *, quiet: bool) -> Report:
        """``report`` with the edits that were asked for. Raises KicklintError."""
        tried = self.tried(report)
        if not any(each.severity in tried for each in report.open_findings):
            return report
        # As in cli/examine.py.
        from kicklint import source

        tree = source.KeptTree(source.DirectoryTree(request.tree))
        with progress(quiet=quiet) as bar:
            return mend(report, tree, replace(request, progress=bar), tried)

    def carried_out(
        self, report: Report, request: AnalysisRequest, output: Path | None, prefix: str, *, quiet: bool
    ) -> int:
        """Print the diff, or write the files; the exit status. Raises KicklintError."""
        # As in cli/examine.py.
        from kicklint import remedy, source

        tree = source.DirectoryTree(request.tree)
        done = remedy.mended(report, tree, request, only_sure=self.fix)
        if self.diff:
            write(done.diff(prefix), output)
        else:
            for path in sorted(done.after):
                file = request.tree / path
                if file.read_bytes() != done.before[path]:
                    raise KicklintError(f"{file}: was changed in the meantime; nothing was written to it")
                write_file(done.after[path], file)
        count, left = len(done.taken), len(report.open_findings) - len(done.taken)
        if not quiet:
            said = "An edit for" if self.diff else "Mended"
            files = counted(len(done.after), "file")
            click.echo(f"kicklint: {said} {counted(count, 'finding')} in {files}; {left} without.", err=True)
        return FINDINGS if left or (self.diff and count) else NO_FINDINGS


def mend(
    report: Report,
    tree: SourceTree,
    request: AnalysisRequest,
    tried: frozenset[Severity] = frozenset(Severity),
) -> Report:
    """``report`` on ``tree`` with an edit in each finding as grave as ``tried`` for which one was found.

    Raises KicklintError.
    """
    # As in cli/examine.py.
    from kicklint import remedy

    return remedy.with_edits(report, tree, request, load_rulebook().rules, tried=tried)


looking = click.option(
    "--remedies/--no-remedies",
    default=None,
    help="Look for an edit that removes each finding and brings none.",
)
"""--remedies, of a check and of a review."""


def mending(command: Command) -> Command:
    """--remedies, --diff and --fix, handed on as one ``mending``."""

    @functools.wraps(command)
    def gathered(*args: Any, remedies: bool | None, diff: bool, fix: bool, **others: Any) -> Any:
        if diff and fix:
            raise click.UsageError("give --diff or --fix, not both")
        return command(*args, mending=Mending(remedies, diff, fix), **others)

    decorated: Any = gathered
    for decorate in (
        click.option("--fix", is_flag=True, help="Write them into the tree, those that are sure."),
        click.option("--diff", is_flag=True, help="Print them as one diff for git apply, and nothing else."),
        looking,
    ):
        decorated = decorate(decorated)
    result: Command = decorated
    return result
