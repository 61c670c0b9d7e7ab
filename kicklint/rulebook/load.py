"""Reading and checking the whole rulebook."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from kicklint.base import RulebookError
from kicklint.rulebook.locate import own_rules, rules_directory
from kicklint.rulebook.model import EVENT_ANCHOR, Automaton, Rulebook, RuleInfo
from kicklint.rulebook.own import check_names, merged
from kicklint.rulebook.reader import check_lists, read_file, read_table, read_toml
from kicklint.rulebook.vocabulary import Architectures, EventKind, Lexicon, Macros, Vocabulary

_RULE_FILE = re.compile(r"[A-Z][A-Z0-9]+\d{3}\.toml")
# The attributes that every event has, and those of each kind, for checking `where`.
_COMMON = {"interrupts", "how", "order", "learnt", "inside"}
_REQUEST = {"request", "outcome", "kind"}
_ATTRIBUTES = {
    EventKind.MODE_WRITE: {"value", "atomic", "expected", "outcome"},
    EventKind.REQUEST_MAKE: _REQUEST | {"raw", "masked"},
    EventKind.REQUEST_TEST: _REQUEST | {"raw", "masked"},
    EventKind.REQUEST_CONSUME: _REQUEST | {"complete", "raw", "masked"},
    EventKind.GUEST_ENTRY: {"place", "certain"},
    EventKind.BARRIER: {"via"},
    EventKind.CPU_READ: {"cpu"},
    EventKind.CPU_WRITE: {"cpu", "to"},
    EventKind.SELF_TEST: {"outcome"},
    EventKind.UNLOGGED: {"outcome"},
    EventKind.IPI: {"via"},
    EventKind.INTERRUPTS_ON: {"restored"},
    EventKind.FLAG_MAKE: {"flag", "place", "relayed"},
    EventKind.FLAG_CLEAR: {"flag", "place"},
    EventKind.FLAG_TEST: {"flag", "looks", "outcome", "place"},
    EventKind.WAKE: {"outcome"},
    EventKind.MASK_TEST: {"outcome"},
    EventKind.RETURN: {"result"},
}
_DECIDES = ("", "mode", "always")

T = TypeVar("T")


def load_rulebook(directory: Path | None = None) -> Rulebook:
    """The rulebook in ``directory`` (default: the one that comes with kicklint, with own rules upon it).

    Raises RulebookError, naming the file and the key, when anything in it is not
    as it must be.
    """
    return _load(directory, None) if directory is not None else _load(rules_directory(), own_rules())


@lru_cache(maxsize=4)
def _load(folder: Path, own: Path | None) -> Rulebook:
    files = {path.name: path for path in _rule_files(folder)}
    if own is not None:
        added = _rule_files(own)
        check_names(own, added)
        files |= {path.name: path for path in added}
    paths = [files[name] for name in sorted(files)]
    rules = tuple(_rule(path) for path in paths)
    known = {rule.id for rule in rules}
    for rule, path in zip(rules, paths, strict=True):
        for other in (*rule.escalation.unless, rule.escalation.witness) if rule.escalation else ():
            if other not in known:
                raise RulebookError(f"{path}: key 'escalation' names {other!r}, which is no rule")
        for other in rule.consequence_of:
            if other not in known:
                raise RulebookError(f"{path}: key 'consequence-of' names {other!r}, which is no rule")
    lexicon = Lexicon.of(
        _shared(Vocabulary, "vocabulary.toml", folder, own), _shared(Macros, "macros.toml", folder, own)
    )
    architectures = _shared(Architectures, "architectures.toml", folder, own)
    return Rulebook(rules, lexicon, architectures.architecture, architectures.inference, architectures.flag)


def _rule_files(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*.toml") if _RULE_FILE.fullmatch(path.name)]


def _shared(kind: type[T], name: str, folder: Path, own: Path | None) -> T:
    """The file ``name`` as a ``kind``, with that of ``own`` put upon it, where there is one."""
    if own is None or not (own / name).is_file():
        return read_file(kind, folder / name)
    added = read_toml(own / name)
    # Before they stand behind others, for errors count entries as they are in the file.
    check_lists(kind, added, str(own / name))
    return read_table(kind, merged(read_toml(folder / name), added), str(own / name), "")


def _rule(path: Path) -> RuleInfo:
    rule = read_file(RuleInfo, path)
    if rule.id != path.stem:
        raise RulebookError(f"{path}: key 'id' is {rule.id!r}, but the file is named {path.name}")
    for index, automaton in enumerate(rule.automaton):
        _check(automaton, path, f"automaton[{index}]")
    return rule


def _check(automaton: Automaton, path: Path, name: str) -> None:
    states = automaton.states
    if automaton.decides not in _DECIDES:
        raise RulebookError(f"{path}: key '{name}.decides' must be one of {', '.join(_DECIDES[1:])}")
    if automaton.begin.partition(":")[0] not in set(EventKind):
        raise RulebookError(f"{path}: key '{name}.begin' names an unknown event {automaton.begin!r}")
    if automaton.aside and automaton.aside not in set(EventKind):
        raise RulebookError(f"{path}: key '{name}.aside' names an unknown event {automaton.aside!r}")
    if automaton.initial not in states:
        raise RulebookError(f"{path}: key '{name}.initial' names an unknown state {automaton.initial!r}")
    swept = (*automaton.swept, *automaton.swept.values())
    for key, named in (("ended", automaton.ended), ("swept", swept), ("everyone", automaton.everyone)):
        for state in named:
            if state not in states:
                raise RulebookError(f"{path}: key '{name}.{key}' names an unknown state {state!r}")
    for index, step in enumerate(automaton.transition):
        key = f"{name}.transition[{index}]"
        for state in (*step.source, step.to):
            if state != "*" and state not in states:
                raise RulebookError(f"{path}: {key} names an unknown state {state!r}")
        unknown = set(step.where) - _COMMON - _ATTRIBUTES.get(step.on, set())
        if unknown:
            raise RulebookError(f"{path}: {key}: {step.on} has no attribute {sorted(unknown)[0]!r}")
        if step.anchor not in ("", EVENT_ANCHOR) and step.anchor_state not in states:
            raise RulebookError(f"{path}: {key}: 'anchor' names an unknown state {step.anchor!r}")
    reached = {automaton.initial, *automaton.swept.values()}
    while True:
        more = {
            step.to
            for step in automaton.transition
            if step.to != "*" and ("*" in step.source or reached & set(step.source))
        }
        if more <= reached:
            break
        reached |= more
    unreachable = sorted(set(states) - reached)
    if unreachable:
        raise RulebookError(f"{path}: key '{name}.states': state {unreachable[0]!r} cannot be reached")
