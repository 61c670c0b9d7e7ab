"""Value types that every room may hold. Imports nothing of ours."""

from kicklint.base.errors import KicklintError, RulebookError, SourceError
from kicklint.base.finding import Finding, Related, Severity, Standing, Step, StepKind
from kicklint.base.report import Coverage, DamagedFunction, Excerpt, MissedFunction, Note, Report, Site
from kicklint.base.span import Span

__all__ = [
    "Coverage",
    "DamagedFunction",
    "Excerpt",
    "Finding",
    "KicklintError",
    "MissedFunction",
    "Note",
    "Related",
    "Report",
    "RulebookError",
    "Severity",
    "Site",
    "SourceError",
    "Span",
    "Standing",
    "Step",
    "StepKind",
]
