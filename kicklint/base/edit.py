"""A change of the source that removes a finding."""

from __future__ import annotations

from dataclasses import dataclass

from kicklint.base.span import Span


@dataclass(frozen=True, slots=True)
class Replacement:
    """The text in ``span`` gives way to ``text``, whose lines end with a line feed. The span may be empty."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Edit:
    """What removes a finding and was seen to bring no other.

    ``says`` tells in a sentence what it does. One that is not ``sure`` removes the finding, but
    whether it is what was meant has to be seen by somebody. ``replacements`` do not
    overlap and are all of one file. ``diff`` is the same as a unified diff that git takes.
    """

    says: str
    replacements: tuple[Replacement, ...]
    diff: str
    sure: bool = True
