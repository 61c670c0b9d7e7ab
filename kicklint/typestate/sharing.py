"""Summaries that are the same in several kernels: found in one, taken over in the others.

A kernel says which files are not there, and which are not reached through tables. A run that
asked about none of the files in which two kernels differ, in all that it went into, is the same
in both. What is taken over is what a run would have left behind: the summaries of everything
below, in the order in which they would have been come to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kicklint.typestate.summary import Context, Summary

_TABLES = "through tables: "
NEVER = -1
"""In place of the depth of a run: what was found holds for this kernel only."""


def kernel(excluded: frozenset[str], foreign: frozenset[str]) -> frozenset[str]:
    """What a run may ask of a kernel and is answered with yes, as words."""
    return excluded | {_TABLES + path for path in foreign}


def through_tables(path: str) -> str:
    """The word for the question whether the functions of the file ``path`` are not reached through tables."""
    return _TABLES + path


@dataclass(slots=True)
class Answers:
    """What a kernel has said ``yes`` and ``no`` to."""

    yes: frozenset[str]
    no: frozenset[str]


@dataclass(slots=True)
class Asked:
    """What a run has asked of its kernel and used of other runs, so far.

    ``reached`` are the contexts that it needed, in the order in which they came to be known.
    ``lowest`` is the depth of the outermost unfinished run that it went by, or NEVER. ``height`` is how
    many calls deep it went, ``runs`` how many runs it took that left no summary of their own.
    """

    depth: int
    lowest: int = field(init=False)
    yes: set[str] = field(default_factory=set)
    no: set[str] = field(default_factory=set)
    reached: dict[Context, None] = field(default_factory=dict)
    height: int = 0
    runs: int = 0
    noted: dict[int, Answers] = field(default_factory=dict)
    # By identity, with the record so that it lives.
    taken: dict[int, Record] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lowest = self.depth

    def used(self, context: Context, record: Record) -> None:
        """Note that the summary of ``context`` was used, of which ``record`` says where it came from."""
        if id(record) in self.taken or (record.whole and context in self.reached):
            return  # and so is everything below
        self.taken[id(record)] = record
        self.reached.setdefault(context)
        self.reached.update(record.below)  # each stays where it was if it is there already
        self.answered(record)
        self.height = max(self.height, record.height + 1)

    def answered(self, answers: Answers) -> None:
        """Note what the kernel has answered."""
        if id(answers) not in self.noted:
            self.noted[id(answers)] = answers
            self.yes |= answers.yes
            self.no |= answers.no

    def lost(self, context: Context) -> None:
        """Note that ``context`` is to be run again, and whatever needed it may come to it otherwise."""
        self.reached.pop(context, None)
        self.taken.clear()

    def went_by(self, depth: int) -> None:
        """Note that the run at ``depth`` was used and is not finished."""
        self.lowest = min(self.lowest, depth)


@dataclass(slots=True)
class Record(Answers):
    """Where ``summary`` came from.

    One that is not ``whole`` cannot be taken over by itself: it is part of a recursion, of which ``head``
    is the outermost run, or of something that holds for one kernel only. ``below`` is everything that it
    needed, with the ``records`` where it is whole.
    """

    summary: Summary
    whole: bool
    head: Context | None
    height: int
    runs: int
    below: dict[Context, None]
    records: tuple[Record, ...]

    @property
    def straight(self) -> bool:
        """Whether it is whole, and no part of it belongs to a recursion of several functions."""
        return self.whole and all(each.whole for each in self.records)

    def holds(self, answers: frozenset[str]) -> bool:
        """Whether a kernel with these ``answers`` answers all questions in the same way."""
        return self.yes <= answers and self.no.isdisjoint(answers)


class Shared:
    """The summaries of one automaton over one program that several kernels may have in common."""

    def __init__(self) -> None:
        self._records: dict[Context, list[Record]] = {}

    def add(self, record: Record) -> None:
        """Offer ``record`` to other kernels."""
        self._records.setdefault(record.summary.context, []).append(record)

    def find(
        self,
        context: Context,
        answers: frozenset[str],
        known: Mapping[Context, Record],
        running: Sequence[Context],
        changed: set[Context],
    ) -> tuple[Record, ...]:
        """The records to take over for ``context``, itself first, where a kernel has them ``known`` already.

        There are none where it has to be run: since nothing fits, or since a part of it is
        ``running``, was found in another way, or was ``changed`` afterwards.
        """
        for record in self._records.get(context, ()):
            if not record.holds(answers):
                continue
            mine = list(map(known.get, record.below))
            if any(
                one is not None and one is not each for one, each in zip(mine, record.records, strict=True)
            ):
                continue
            if all(each not in running and each not in changed for each in record.below):
                missing = [each for one, each in zip(mine, record.records, strict=True) if one is None]
                return (record, *missing)
        return ()
