"""Value types that every room may hold. Imports nothing of ours."""

from kicklint.base.errors import KicklintError, RulebookError, SettingsError, SourceError
from kicklint.base.finding import (
    Finding,
    Related,
    Severity,
    Standing,
    Step,
    StepKind,
    Suppression,
    SuppressionKind,
)
from kicklint.base.report import Coverage, DamagedFunction, Excerpt, Gone, MissedFunction, Note, Report, Site
from kicklint.base.span import Span

__all__ = [
    "Coverage",
    "DamagedFunction",
    "Excerpt",
    "Finding",
    "Gone",
    "KicklintError",
    "MissedFunction",
    "Note",
    "Related",
    "Report",
    "RulebookError",
    "SettingsError",
    "Severity",
    "Site",
    "SourceError",
    "Span",
    "Standing",
    "Step",
    "StepKind",
    "Suppression",
    "SuppressionKind",
]
