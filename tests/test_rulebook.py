"""Loading the rulebook is strict: every mistake is an error with the file and the key."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from kicklint.base import RulebookError
from kicklint.rulebook import Rulebook, load_rulebook, rules_directory


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A copy of the rules to spoil."""
    return Path(shutil.copytree(rules_directory(), tmp_path / "rules"))


def spoil(rules: Path, name: str, pattern: str, replacement: str) -> None:
    """Replace the first match of ``pattern`` in one file; there has to be one."""
    path = rules / name
    text, count = re.subn(pattern, replacement, path.read_text(encoding="utf-8"), count=1, flags=re.MULTILINE)
    assert count == 1, pattern
    path.write_text(text, encoding="utf-8")


def load(rules: Path) -> Rulebook:
    return load_rulebook(rules)


def test_the_copy_is_good(rules: Path) -> None:
    assert load(rules).rules == load_rulebook().rules


MISTAKES = [
    pytest.param("KICK003.toml", "^since", "sinse", r"unknown key 'sinse'; did you mean 'since'", id="key"),
    pytest.param(
        "KICK003.toml", "^thread", "threads", r"unknown key 'automaton\[0\]\.threads'", id="automaton-key"
    ),
    pytest.param(
        "KICK003.toml",
        r'^on = "guest-entry"$',
        'on = "guest-entry"\nwhen = "x"',
        r"unknown key 'automaton\[0\]\.transition\[\d+\]\.when'",
        id="transition-key",
    ),
    pytest.param("KICK003.toml", "^since.*$", "", r"key 'since' is missing", id="missing"),
    pytest.param(
        "KICK003.toml", "^initial.*$", "", r"key 'automaton\[0\]\.initial' is missing", id="missing-inside"
    ),
    pytest.param("KICK003.toml", "^since.*$", "since = 1", r"key 'since' must be of type str", id="type"),
    pytest.param(
        "KICK003.toml", "^cwe.*$", 'cwe = ["x"]', r"key 'cwe\[0\]' must be of type int", id="item-type"
    ),
    pytest.param("KICK003.toml", "^cwe.*$", "cwe = 367", r"key 'cwe' must be a list", id="no-list"),
    pytest.param(
        "KICK001.toml",
        "^caller-pays.*$",
        "caller-pays = true",
        r"must be one of no, direct, any",
        id="caller-pays",
    ),
    pytest.param(
        "KICK003.toml", "^level.*$", 'level = "fatal"', r"key 'level' must be one of .*error", id="level"
    ),
    pytest.param(
        "KICK003.toml",
        r'^on = "request-test"$',
        'on = "request-tast"',
        r"key 'automaton\[0\]\.transition\[\d+\]\.on' must be one of .*request-test",
        id="event",
    ),
    pytest.param(
        "KICK003.toml",
        r'^begin = "mode-write',
        'begin = "mode-wrote',
        r"key 'automaton\[0\]\.begin' names an unknown event 'mode-wrote",
        id="begin",
    ),
    pytest.param(
        "KICK003.toml",
        r'^to = "tested"$',
        'to = "testd"',
        r"automaton\[0\]\.transition\[\d+\].* unknown state 'testd'",
        id="target-state",
    ),
    pytest.param(
        "KICK003.toml",
        r'^source = \["tested"\]$',
        'source = ["testd"]',
        r"automaton\[0\]\.transition\[\d+\].* unknown state 'testd'",
        id="source-state",
    ),
    pytest.param(
        "KICK003.toml",
        r'^initial = "outside"$',
        'initial = "inside"',
        r"key 'automaton\[0\]\.initial' names an unknown state 'inside'",
        id="initial-state",
    ),
    pytest.param(
        "KICK003.toml",
        r"^tested = .*$",
        '\\g<0>\nlonely = "never"',
        r"key 'automaton\[0\]\.states': state 'lonely' cannot be reached",
        id="unreachable-state",
    ),
    pytest.param(
        "KICK003.toml",
        r'request = \["any"\]',
        'colour = ["any"]',
        r"automaton\[0\]\.transition\[\d+\].*no attribute 'colour'",
        id="attribute",
    ),
    pytest.param(
        "KICK002.toml",
        r'^anchor = "raised"$',
        'anchor = "razed"',
        r"automaton\[0\]\.transition\[\d+\].*'anchor' names an unknown state 'razed'",
        id="anchor",
    ),
    pytest.param(
        "KICK003.toml",
        r'^thread = "own"$',
        'thread = "mine"',
        r"key 'automaton\[0\]\.thread' must be one of own, other, away, any",
        id="thread",
    ),
    pytest.param(
        "KICK016.toml",
        r'^decides = "mode"$',
        'decides = "moad"',
        r"key 'automaton\[0\]\.decides' must be one of mode, always",
        id="decides",
    ),
    pytest.param(
        "KICK005.toml",
        r"^interrupts = true$",
        "interrupts = 1",
        r"key 'automaton\[0\]\.interrupts' must be of type bool",
        id="no-bool",
    ),
    pytest.param(
        "KICK013.toml",
        r"^callees = 0$",
        'callees = "all"',
        r"key 'automaton\[0\]\.callees' must be of type int",
        id="callees",
    ),
    pytest.param(
        "KICK017.toml",
        r'^anchor = "cleared!"$',
        'anchor = "cleard!"',
        r"automaton\[1\]\.transition\[\d+\].*'anchor' names an unknown state 'cleard!'",
        id="innermost-anchor",
    ),
    pytest.param(
        "KICK017.toml",
        r'^anchor = "cleared!"$',
        'anchor = "!"',
        r"automaton\[1\]\.transition\[\d+\].*'anchor' names an unknown state '!'",
        id="innermost-of-nothing",
    ),
    pytest.param(
        "KICK010.toml",
        r'^thread = "other"$',
        'thread = "others"',
        r"key 'automaton\[0\]\.thread' must be one of own, other, away, any",
        id="thread-other",
    ),
    pytest.param(
        "KICK008.toml",
        r'^aside = "kick"$',
        'aside = "kicks"',
        r"key 'automaton\[1\]\.aside' names an unknown event 'kicks'",
        id="aside",
    ),
    pytest.param(
        "KICK008.toml",
        r'^ended = \["requested", "flagged", "answered", "kicked-all"\]$',
        'ended = ["reqested"]',
        r"key 'automaton\[0\]\.ended' names an unknown state 'reqested'",
        id="ended",
    ),
    pytest.param(
        "KICK008.toml",
        r'^swept = \{ kicked = "kicked-all" \}$',
        'swept = { kicked = "all" }',
        r"key 'automaton\[0\]\.swept' names an unknown state 'all'",
        id="swept",
    ),
    pytest.param(
        "KICK009.toml",
        r'^everyone = \["announced"\]$',
        'everyone = ["anounced"]',
        r"key 'automaton\[3\]\.everyone' names an unknown state 'anounced'",
        id="everyone",
    ),
    pytest.param(
        "KICK013.toml",
        r'^of = "made"$',
        'off = "made"',
        r"unknown key 'census\[0\]\.off'; did you mean 'of'",
        id="census-key",
    ),
    pytest.param("KICK003.toml", "KICK003", "KICK033", r"key 'id' is 'KICK033'.*KICK003\.toml", id="id"),
    pytest.param(
        "KICK001.toml",
        '"KICK003"]$',
        '"KICK099"]',
        r"key 'escalation\S* names 'KICK099', which is no rule",
        id="other-rule",
    ),
    pytest.param(
        "KICK009.toml",
        r'\["KICK008"\]$',
        '["KICK088"]',
        r"key 'consequence-of' names 'KICK088', which is no rule",
        id="rule-of-a-consequence",
    ),
    pytest.param("KICK003.toml", "^id = ", "id ", r"is not TOML", id="not-toml"),
    pytest.param(
        "vocabulary.toml", "^request-prefix.*$", "", r"key 'vcpu\.request-prefix' is missing", id="vocabulary"
    ),
    pytest.param(
        "vocabulary.toml",
        '^event = "kick"$',
        'event = "kcik"',
        r"key 'call\[\d+\]\.event' must be one of",
        id="vocabulary-event",
    ),
    pytest.param(
        "vocabulary.toml",
        "^OUTSIDE_GUEST_MODE = 0$",
        'OUTSIDE_GUEST_MODE = "0"',
        r"key 'modes\.OUTSIDE_GUEST_MODE' must be of type int",
        id="mode",
    ),
    pytest.param("macros.toml", "^fatal", "fattal", r"unknown key 'fattal'", id="macros"),
    pytest.param(
        "architectures.toml",
        '^name = "riscv"$',
        'nam = "riscv"',
        r"unknown key 'architecture\[\d+\]\.nam'",
        id="architectures",
    ),
]


@pytest.mark.parametrize(("name", "pattern", "replacement", "message"), MISTAKES)
def test_a_mistake_is_named(rules: Path, name: str, pattern: str, replacement: str, message: str) -> None:
    spoil(rules, name, pattern, replacement)
    with pytest.raises(RulebookError) as caught:
        load(rules)
    text = str(caught.value)
    assert text.startswith(f"{rules / name}: ")
    assert re.search(message, text), text


@pytest.mark.parametrize("name", ["vocabulary.toml", "macros.toml", "architectures.toml"])
def test_a_file_that_is_missing_is_named(rules: Path, name: str) -> None:
    (rules / name).unlink()
    with pytest.raises(RulebookError, match=re.escape(str(rules / name))):
        load(rules)


def test_a_file_that_is_no_text_is_named(rules: Path) -> None:
    (rules / "macros.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RulebookError, match=r"macros\.toml: is not TOML"):
        load(rules)


def test_other_files_are_left_alone(rules: Path) -> None:
    (rules / "KICK003.toml.orig").write_text("not TOML at all", encoding="utf-8")
    (rules / "KICKED.toml").write_text("not TOML at all", encoding="utf-8")
    assert load(rules).rules == load_rulebook().rules


def test_ids_names_and_order() -> None:
    found = load_rulebook().rules
    assert [each.id for each in found] == sorted(each.id for each in found)
    assert len({each.name for each in found}) == len(found)
    book = load_rulebook()
    for each in found:
        assert book.rule(each.id) is each
        assert book.rule(each.name) is each
    assert book.rule("KICK999") is None
