"""Control-flow graph + vocabulary in, events and whose vcpu they concern out."""

from kicklint.events.annotate import Annotator, Names
from kicklint.events.identity import RUNNING, Aliases, Identity, Role
from kicklint.events.masks import added
from kicklint.events.model import HANDED, CallSite, Event, EventGraph, Reach, Target
from kicklint.events.places import FlagNames

__all__ = [
    "HANDED",
    "RUNNING",
    "Aliases",
    "Annotator",
    "CallSite",
    "Event",
    "EventGraph",
    "FlagNames",
    "Identity",
    "Names",
    "Reach",
    "Role",
    "Target",
    "added",
]
