"""The state of the CPU's interrupts, followed beside the protocol's state.

``on``, ``off``, ``held`` (nothing comes in whatever else is done, as with SVM's global
interrupt flag clear), "" when not known. A saved state is kept in the variable that C
keeps it in, so that restoring gives back what was there.
"""

from __future__ import annotations

from kicklint.events import Event
from kicklint.flow import Name
from kicklint.rulebook import EventKind
from kicklint.typestate.evaluate import Evaluator, Valuation
from kicklint.typestate.values import Symbol, Value

KINDS = (EventKind.INTERRUPTS_OFF, EventKind.INTERRUPTS_ON)

_SAVED = "@interrupts:"
_GUARD = "@guard"


def shown(event: Event, before: str) -> str:
    """The state ``before`` with what ``event`` shows of it: who may sleep has interrupts on."""
    return "on" if event.kind is EventKind.SLEEP and not before else before


def never(event: Event, before: str, entry: str) -> bool:
    """Whether ``event`` is on a way that is not taken when the function is called as it was.

    What may sleep under a condition, as an initialisation the first time, is called with
    interrupts off where it never does: a kernel that checks for sleeping there would say so at once.
    ``entry`` is the state at the call: a function that turned interrupts off itself is not believed.
    """
    return event.kind is EventKind.SLEEP and before == entry == "off"


def after(event: Event, before: str, known: Valuation, evaluate: Evaluator) -> str:
    """The state of the interrupts after ``event``, where it was ``before``."""
    off = event.kind is EventKind.INTERRUPTS_OFF
    if event.holds:
        return "held" if off else "off"
    if before == "held":
        return before
    if off:
        return "off"
    if event.saved is None:
        return "on"
    return _restored(event, known, evaluate) or ""


def restores(event: Event, known: Valuation, evaluate: Evaluator) -> bool:
    """Whether ``event`` gives back a state that is known to have been saved, whatever it was."""
    return event.saved is not None and _restored(event, known, evaluate) is not None


def _restored(event: Event, known: Valuation, evaluate: Evaluator) -> str | None:
    """The state that was saved where ``event`` takes one from; None when nothing is known of it."""
    key = _key(event, evaluate)
    saved = known.get(key) if key is not None else None
    if isinstance(saved, Symbol) and saved.name.startswith(_SAVED):
        return saved.name.removeprefix(_SAVED)
    return None


def saved(event: Event, before: str, evaluate: Evaluator) -> tuple[str | int, Value] | None:
    """Where ``event`` keeps the state that was ``before``, and the value that stands for it."""
    if event.kind is not EventKind.INTERRUPTS_OFF or event.saved is None:
        return None
    key = _key(event, evaluate)
    return (key, Symbol(_SAVED + before)) if key is not None else None


def _key(event: Event, evaluate: Evaluator) -> str | int | None:
    assert event.saved is not None
    if isinstance(event.saved, Name) and event.saved.id == _GUARD:
        return _GUARD
    return evaluate.key(event.saved)
