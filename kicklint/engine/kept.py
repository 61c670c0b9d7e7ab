"""Graphs that were made before, kept with their file for other worlds and for edited trees.

A graph is made from the text of its function and from answers about names: which macro
this is, which functions that may be. The answers are kept with the graph, and it is taken
again where all of them are the same. Worlds that share files are looked at one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from kicklint.events import EventGraph
from kicklint.flow import ControlFlowGraph
from kicklint.syntax import Macro

Question = tuple[Hashable, ...]
"""What is asked, and about what."""

# As many graphs of one function are kept as there are worlds that see it differently, nearly.
_MAX_KEPT = 8

Made = TypeVar("Made", ControlFlowGraph, EventGraph)


@dataclass(slots=True)
class Kept(Generic[Made]):
    """One graph, what it was made from beside ``answers``, and the answers."""

    made: Made
    setting: tuple[object, ...]
    answers: dict[Question, object]

    def holds(self, setting: tuple[object, ...], ask: Callable[[Question], object]) -> bool:
        """Whether the graph would be made again in this ``setting``, with what ``ask`` answers."""
        return all(
            one is other or one == other for one, other in zip(self.setting, setting, strict=True)
        ) and all(ask(question) == answer for question, answer in self.answers.items())


@dataclass(slots=True)
class Asked:
    """Asks, and notes the answers down."""

    ask: Callable[[Question], object]
    answers: dict[Question, object] = field(default_factory=dict)

    def __call__(self, question: Question) -> object:
        """The answer to ``question``."""
        answer = self.ask(question)
        self.answers.setdefault(question, answer)
        return answer


@dataclass(slots=True)
class Shelf(Generic[Made]):
    """The graphs that were made of the functions of one file, by the function's identifier."""

    kept: dict[str, list[Kept[Made]]] = field(default_factory=dict)

    def find(
        self, function: str, setting: tuple[object, ...], ask: Callable[[Question], object]
    ) -> Kept[Made] | None:
        """What was made of ``function`` before and would be made again."""
        return next((each for each in self.kept.get(function, ()) if each.holds(setting, ask)), None)

    def keep(self, function: str, found: Kept[Made]) -> None:
        """Keep ``found``, the newest first; the oldest is given up."""
        self.kept[function] = [found, *self.kept.get(function, ())][:_MAX_KEPT]


def meaning(macro: Macro | None) -> tuple[object, ...] | None:
    """What matters of a macro when it is put in: not where it stands."""
    return None if macro is None else (macro.name, macro.parameters, macro.variadic, macro.body)
