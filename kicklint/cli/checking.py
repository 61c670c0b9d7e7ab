"""One check with all that was asked for, from the analysis to the last byte."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kicklint.base import KicklintError, Report, relocated
from kicklint.cli.appendix import with_appendix
from kicklint.cli.examine import examine
from kicklint.cli.mending import Mending
from kicklint.cli.output import to_file, write
from kicklint.cli.policy import Policy
from kicklint.cli.status import COULD_NOT_RUN, FINDINGS, NO_FINDINGS
from kicklint.render import FOR_PEOPLE, REPORT_FORMATS, STATISTICS_FORMATS, Context, summary

if TYPE_CHECKING:
    from kicklint.engine import AnalysisRequest
    from kicklint.engine.sources import Parsed


@dataclass(frozen=True, slots=True)
class Check:
    """What to analyse, and what to do with the report."""

    request: AnalysisRequest
    policy: Policy
    context: Context
    style: str
    output: Path | None
    mending: Mending
    statistics: bool = False
    exit_zero: bool = False
    prefix: str = ""

    def run(self, parsed: Parsed | None = None) -> int:
        """Analyse and write; the exit status. ``parsed`` is kept from run to run. Raises KicklintError."""
        begun = time.monotonic()
        quiet = self.context.quiet
        try:
            report = examine(self.request, self.policy, quiet=quiet, parsed=parsed)
            report = self.mending.edited(report, self.request, quiet=quiet)
        except Exception as error:
            if self.style == "sarif" and not isinstance(error, KicklintError):
                self._failed(error)
            raise
        if self.mending.instead:
            wanted = (report, self.request, self.output, self.prefix)
            status = self.mending.carried_out(*wanted, quiet=quiet)
            return NO_FINDINGS if self.exit_zero else status
        status = FINDINGS if report.open_findings and not self.exit_zero else NO_FINDINGS
        write(self._rendered(report, status), self.output, for_people=self.style in FOR_PEOPLE)
        if not quiet:
            self._say(report)
        if self.context.verbose:
            click.echo(f"kicklint: {self.request.tree}: {time.monotonic() - begun:.2f} s", err=True)
        return status

    def _rendered(self, report: Report, status: int) -> str:
        if self.statistics:
            return STATISTICS_FORMATS[self.style](report)
        context = replace(self.context, exit_code=status, tried=self.mending.tried(report))
        if self.style == "html":
            report, context = with_appendix(report, self.request, context)
        report = relocated(report, self.prefix)
        context = replace(context, sites=relocated(context.sites, self.prefix))
        return REPORT_FORMATS[self.style](report, context)

    def _failed(self, error: Exception) -> None:
        """A SARIF log that says that the engine crashed, to whoever reads it."""
        text = f"{type(error).__name__}: {error}"
        failed = replace(self.context, failure=text, exit_code=COULD_NOT_RUN)
        nothing = Report((), architectures=self.request.architectures)
        write(REPORT_FORMATS["sarif"](nothing, failed), self.output)

    def _say(self, report: Report) -> None:
        """One sentence on standard error where standard output does not hold it."""
        if self.output is not None and to_file(self.output):
            click.echo(f"kicklint: {summary(report)} Written to {self.output}.", err=True)
        elif self.style in ("concise", "gcc"):
            click.echo(f"kicklint: {summary(report)}", err=True)
