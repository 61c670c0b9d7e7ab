"""rules/*.toml in, typed and checked objects out. Knows no C."""

from kicklint.rulebook.load import load_rulebook
from kicklint.rulebook.locate import rules_directory
from kicklint.rulebook.model import EVENT_ANCHOR, Automaton, Escalation, Rulebook, RuleInfo, Transition
from kicklint.rulebook.vocabulary import (
    Access,
    Accessor,
    Architecture,
    BitOperation,
    CallEvent,
    Entry,
    EventKind,
    Inference,
    Lexicon,
    VcpuShape,
    Vocabulary,
)

__all__ = [
    "EVENT_ANCHOR",
    "Access",
    "Accessor",
    "Architecture",
    "Automaton",
    "BitOperation",
    "CallEvent",
    "Entry",
    "Escalation",
    "EventKind",
    "Inference",
    "Lexicon",
    "RuleInfo",
    "Rulebook",
    "Transition",
    "VcpuShape",
    "Vocabulary",
    "load_rulebook",
    "rules_directory",
]
