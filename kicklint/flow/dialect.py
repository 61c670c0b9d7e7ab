"""What lowering has to know about names, handed in by whoever knows the rulebook."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kicklint.syntax import Body, Guards, Macro


@dataclass(frozen=True, slots=True)
class FlowDialect:
    """The names that steer lowering.

    ``places`` maps accessor names to the arguments that they take as places (not
    read); ``readers`` are those whose value is the place's. ``watched`` members are
    read through a Load of their own. ``tables`` maps table-call macros to the
    prefixes cut from their argument; ``configured`` ask for a configuration symbol.
    ``macro`` gives the macro to expand at a call, or None to leave the call as it is;
    ``constant_macro`` does the same for a name that is no call. ``fragment`` parses
    substituted text. ``defined`` gives a macro whatever it is for, ``function``
    says whether there is a function of a name, and ``leads`` whether a macro leads to what is
    looked for, so that it must be understood. ``guards`` and ``is_loop`` know the macros that
    head statements.
    """

    places: Mapping[str, frozenset[int]]
    transparent: frozenset[str]
    fatal: frozenset[str]
    noreturn: frozenset[str]
    configured: frozenset[str]
    through: Mapping[str, int]
    tables: Mapping[str, tuple[str, ...]]
    watched: frozenset[str]
    macro: Callable[[str], Macro | None]
    constant_macro: Callable[[str], Macro | None]
    fragment: Callable[[bytes], Body | None]
    defined: Callable[[str], Macro | None]
    function: Callable[[str], bool]
    leads: Callable[[str], bool]
    guards: Guards
    is_loop: Callable[[str], bool]


class TooDeepError(Exception):
    """The nesting of the source is beyond what is analysed."""
