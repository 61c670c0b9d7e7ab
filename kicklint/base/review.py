"""What a review gives back: each patch of a series with what it makes worse."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from kicklint.base.finding import Finding, Severity, Standing
from kicklint.base.patch import Patch
from kicklint.base.report import Excerpt


class Outcome(enum.StrEnum):
    """How far the review of one patch went."""

    REVIEWED = "reviewed"
    HUNKS_ONLY = "hunks-only"
    NO_KVM = "no-kvm"
    NO_PATCH = "no-patch"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Cause:
    """The hunk that a finding comes from: the file, the hunk's number in it, and its line in the diff."""

    path: str
    hunk: int
    at: int


@dataclass(frozen=True, slots=True)
class Judged:
    """A finding and how it stands to a patch.

    ``at`` is the line of the patch's diff that it is about (the line itself where the diff shows it,
    else the last change of the hunk that causes it), None where there is none. ``was`` is its severity
    before, where the patch raised it. ``mended`` is the number of the later patch that removes it, 0
    if none does. ``hunks_only`` says that only the hunks were seen.
    """

    finding: Finding
    at: int | None = None
    cause: Cause | None = None
    was: Severity | None = None
    mended: int = 0
    hunks_only: bool = False

    @property
    def counts(self) -> bool:
        """Whether it is new, stays, and is not waived."""
        return self.finding.standing is Standing.NEW and not self.mended and self.finding.suppression is None


@dataclass(frozen=True, slots=True)
class PatchReview:
    """One patch. ``base`` says what it was compared with, ``reason`` what kept it from that."""

    patch: Patch
    outcome: Outcome
    base: str = ""
    reason: str = ""
    judged: tuple[Judged, ...] = ()
    excerpts: tuple[Excerpt, ...] = ()
    architectures: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def new(self) -> tuple[Judged, ...]:
        """What the patch brings and nobody has waived, mended later or not."""
        return tuple(
            each
            for each in self.judged
            if each.finding.standing is Standing.NEW and each.finding.suppression is None
        )

    @property
    def waived(self) -> tuple[Judged, ...]:
        """What the patch brings and somebody has waived."""
        return tuple(
            each
            for each in self.judged
            if each.finding.standing is Standing.NEW and each.finding.suppression is not None
        )


@dataclass(frozen=True, slots=True)
class Review:
    """The patches of one series in order."""

    patches: tuple[PatchReview, ...]

    @property
    def counting(self) -> tuple[Judged, ...]:
        """The findings that are new and stay."""
        return tuple(each for patch in self.patches for each in patch.judged if each.counts)
