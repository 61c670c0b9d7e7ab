"""By what a function is handed: whether it is a timer's, an interrupt's or queued work's."""

from __future__ import annotations

import re

from kicklint.rulebook import Vocabulary
from kicklint.syntax import Function

_WORD = re.compile(r"[A-Za-z_]\w*")


def is_handed(function: Function, types: tuple[str, ...]) -> bool:
    """Whether a parameter of ``function`` is declared with one of ``types``."""
    return any(word in types for each in function.parameters for word in _WORD.findall(each.type))


def is_away(function: Function, vocabulary: Vocabulary) -> bool:
    """Whether ``function`` runs in no vcpu's thread, by what it is handed or returns."""
    types = (*vocabulary.deferred, *vocabulary.timers, *vocabulary.away)
    return is_handed(function, types) or any(word in types for word in function.returns.split())
