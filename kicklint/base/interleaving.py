"""Two threads in the order in which they go wrong."""

from __future__ import annotations

from dataclasses import dataclass

from kicklint.base.span import Span

VCPU, REQUESTER = "vCPU", "requester"
"""The two threads of the kick protocol, as they are called in reports."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of an interleaving: what ``thread`` does, and where that stands."""

    thread: str
    text: str
    function: str
    span: Span


@dataclass(frozen=True, slots=True)
class Interleaving:
    """The shortest execution that the memory model allows and that ends badly.

    ``lost`` says what is lost in the end. ``assumption`` is what has to be the case
    beside what the code shows ("" when nothing has). ``litmus`` is the C litmus test that
    ends so, ``fixed`` the same with the missing piece in place; the verdicts are what the
    project's own checker says of them, in herd7's words.
    """

    rows: tuple[Row, ...]
    lost: str
    litmus: str
    verdict: str
    fixed: str = ""
    fixed_verdict: str = ""
    assumption: str = ""
