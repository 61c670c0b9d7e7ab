"""What a mutant is: an edit of the real kernel, and what is to be said of it."""

from __future__ import annotations

from dataclasses import dataclass

from kernel_edits import Edit


@dataclass(frozen=True)
class Mutant:
    """An edit that breaks the protocol on purpose.

    ``rule`` must report it in one of ``functions`` (where the finding stands), in the
    world of ``architecture``. ``operator`` is one word for what the edit does (delete,
    move, weaken, invert, re-point, hide, split). ``why`` says in a sentence how the kick
    is lost or the state becomes invalid.
    """

    id: str
    rule: str
    architecture: str
    functions: tuple[str, ...]
    operator: str
    edits: tuple[Edit, ...]
    why: str


@dataclass(frozen=True)
class Neutral:
    """An edit without meaning to the protocol: no finding may appear or go.

    ``renamed`` maps the names of functions that the edit renames, new to old.
    """

    id: str
    architecture: str
    operator: str
    edits: tuple[Edit, ...]
    why: str
    renamed: tuple[tuple[str, str], ...] = ()
