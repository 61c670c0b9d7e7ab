"""The examples on the rules' pages: bad ones give the rule and nothing else, good ones nothing."""

from __future__ import annotations

import pytest
from fixture_trees import report_on, tree_of

from kicklint.base import Report
from kicklint.rulebook import RuleInfo, load_rulebook

RULES = load_rulebook().rules
PRELUDE = "#include <linux/kvm_host.h>\n"


def report_of(rule: RuleInfo, text: str) -> Report:
    """What ``rule`` says of ``text``, in a world that it is for."""
    worlds = {name for automaton in rule.automaton for name in automaton.architectures}
    tree = tree_of(PRELUDE + text, min(worlds, default="toyarch"))
    return report_on(tree, frozenset({rule.id, "KICK000"}))


def identity(rule: RuleInfo) -> str:
    return rule.id


@pytest.mark.parametrize("rule", RULES, ids=identity)
def test_bad(rule: RuleInfo) -> None:
    findings = report_of(rule, rule.bad).findings
    assert [each.rule for each in findings] == [rule.id]
    assert all(each.name == rule.name for each in findings)


@pytest.mark.parametrize("rule", RULES, ids=identity)
def test_good(rule: RuleInfo) -> None:
    report = report_of(rule, rule.good)
    assert report.findings == ()
    assert "example_" in rule.good


@pytest.mark.parametrize("rule", [each for each in RULES if each.automaton], ids=identity)
def test_the_bad_example_has_a_trail_that_names_what_is_missing(rule: RuleInfo) -> None:
    (finding,) = report_of(rule, rule.bad).findings
    assert any(step.message.startswith("missing: ") for step in finding.trail)


@pytest.mark.parametrize("rule", RULES, ids=identity)
def test_the_page_is_complete(rule: RuleInfo) -> None:
    for text in (rule.what, rule.why, rule.fix, rule.bad, rule.good, rule.blind, rule.benign):
        assert text.strip()
    assert rule.bad != rule.good
    assert "{" not in rule.what + rule.why + rule.fix
