"""Value types that every room may hold. Imports nothing of ours."""

from kicklint.base.edit import Edit, Replacement
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
from kicklint.base.interleaving import REQUESTER, VCPU, Interleaving, Row
from kicklint.base.patch import DiffLine, FileChange, Hunk, Letter, Patch
from kicklint.base.relocate import below, relocated
from kicklint.base.report import Coverage, DamagedFunction, Excerpt, Gone, MissedFunction, Note, Report, Site
from kicklint.base.review import Cause, Judged, Outcome, PatchReview, Review
from kicklint.base.span import Span

__all__ = [
    "REQUESTER",
    "VCPU",
    "Cause",
    "Coverage",
    "DamagedFunction",
    "DiffLine",
    "Edit",
    "Excerpt",
    "FileChange",
    "Finding",
    "Gone",
    "Hunk",
    "Interleaving",
    "Judged",
    "KicklintError",
    "Letter",
    "MissedFunction",
    "Note",
    "Outcome",
    "Patch",
    "PatchReview",
    "Related",
    "Replacement",
    "Report",
    "Review",
    "Row",
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
    "below",
    "relocated",
]
