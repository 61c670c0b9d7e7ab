"""--rules: a port and a rule of its own, put upon what comes with kicklint."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kicklint.cli import main
from kicklint.engine.sources import dialect
from kicklint.rulebook import (
    Automaton,
    EventKind,
    Remedy,
    RuleInfo,
    Transition,
    load_rulebook,
    merged,
    own_rules,
    use_own_rules,
)

ROOT = Path(__file__).resolve().parents[1]
TREE = ROOT / "fixtures/sparrow-tree"
PAGE = ROOT / "docs/writing-rules.md"
RUN = "arch/sparrow/kvm/run.c"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "fixtures/sparrow-rules", tmp_path / "rules"))


def run(*arguments: object, **options: dict[str, str]) -> Result:
    done = CliRunner().invoke(main, [str(each) for each in arguments], **options)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert own_rules() is None
    return done


def found(tree: Path, *options: object, **others: dict[str, str]) -> list[tuple[str, int]]:
    report = json.loads(run("check", tree, "--format", "json", *options, **others).stdout)
    return [(each["rule"], each["line"]) for each in report["findings"]]


def line_of(text: str) -> int:
    lines = (TREE / RUN).read_text("utf-8").split("\n")
    assert sum(text in each for each in lines) == 1
    return next(number for number, each in enumerate(lines, 1) if text in each)


WRITE, AGAIN = "vcpu->mode = IN_GUEST_MODE;", "\t\treason = sparrow_world(vcpu);"


def test_a_port_that_is_not_known(rules: Path) -> None:
    # Its barrier is not known, and so something is said that is not true of it.
    assert found(TREE) == [("KICK004", line_of(WRITE))]
    assert found(TREE, "--rules", rules) == [("SPARROW001", line_of(AGAIN))]
    assert found(TREE, "--rules", rules, "--jobs", "2") == [("SPARROW001", line_of(AGAIN))]
    assert found(TREE, env={"KICKLINT_RULES": str(rules)}) == [("SPARROW001", line_of(AGAIN))]
    assert found(TREE, "--rules", rules, "--select", "second-world-on-one-announcement")
    assert found(TREE, "--rules", rules, "--ignore", "sparrow001") == []
    assert run("check", TREE, "--select", "SPARROW001").exit_code == 2


@pytest.mark.parametrize(
    ("piece", "rule"),
    [
        ("\tsparrow_fence();\n", "KICK004"),
        ("\tsparrow_irqs_off();\n", "KICK005"),
        ("kvm_request_pending(vcpu) || ", "KICK003"),
    ],
)
def test_what_is_wrong_in_the_port_is_found(rules: Path, tmp_path: Path, piece: str, rule: str) -> None:
    """The words of its own count for kicklint's rules, too."""
    tree = Path(shutil.copytree(TREE, tmp_path / "tree"))
    text = (tree / RUN).read_text("utf-8")
    assert text.count(piece) == 1
    (tree / RUN).write_text(text.replace(piece, ""), "utf-8")
    assert rule in {each for each, _ in found(tree, "--rules", rules)}


def test_a_rule_takes_the_place_of_another(rules: Path) -> None:
    text = (ROOT / "rules/KICK004.toml").read_text("utf-8")
    (rules / "KICK004.toml").write_text(text.replace('level = "error"', 'level = "note"', 1), "utf-8")
    (rules / "vocabulary.toml").unlink()
    report = json.loads(run("check", TREE, "--rules", rules, "--format", "json").stdout)
    assert ("KICK004", "note") in [(each["rule"], each["severity"]) for each in report["findings"]]
    assert run("explain", "SPARROW001", "--rules", rules).stdout.count("sparrow") > 2
    assert "SPARROW001" in run("rules", "--rules", rules).stdout


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "vocabulary.toml",
            '[[call]]\nnames = ["x"]\nevnt = "kick"\n',
            "unknown key 'call[0].evnt'; did you mean 'event'?",
        ),
        ("vocabulary.toml", '[[call]]\nnames = ["x"]\nevent = "kik"\n', "must be one of"),
        ("architectures.toml", "[[architecture]]\nnam = 1\n", "architectures.toml: unknown key"),
        ("dialect.toml", '[attributes]\nword = ["x"]\n', "dialect.toml: "),
        ("SPARROW002.toml", 'id = "SPARROW001"\n', "SPARROW002.toml: "),
        ("SPARROW001.toml", "[", "is not TOML"),
        ("vocabulry.toml", "", "did you mean vocabulary.toml?"),
        ("sparrow.toml", "", "NAME001.toml"),
    ],
)
def test_strict(rules: Path, name: str, text: str, said: str) -> None:
    (rules / name).write_text(text, "utf-8")
    done = run("check", TREE, "--rules", rules)
    assert done.exit_code == 2
    assert said in done.stderr and "Traceback" not in done.stderr


def test_no_rules_there(tmp_path: Path) -> None:
    assert "holds no rules" in run("check", TREE, "--rules", tmp_path).stderr
    assert run("check", TREE, "--rules", tmp_path / "none").exit_code == 2


def test_merged() -> None:
    base = {
        "a": ["x"],
        "t": {"k": 1, "l": ["y"]},
        "e": [{"names": ["f", "g"], "v": 1}, {"name": "n", "v": 1}],
    }
    own = {"a": ["x", "z"], "t": {"k": 2, "l": ["w"]}, "e": [{"names": ["g"], "v": 2}, {"name": "n", "v": 3}]}
    assert merged(base, own) == {
        "a": ["x", "z"],
        "t": {"k": 2, "l": ["y", "w"]},
        "e": [{"names": ["f"], "v": 1}, {"names": ["g"], "v": 2}, {"name": "n", "v": 3}],
    }
    assert base["a"] == ["x"]


def test_the_dialect(rules: Path) -> None:
    (rules / "dialect.toml").write_text('[attributes]\nwords = ["__sparrow"]\n', "utf-8")
    use_own_rules(rules)
    try:
        assert "__sparrow" in dialect().attributes
        assert load_rulebook().architecture("sparrow") is not None
    finally:
        use_own_rules(None)
    assert "__sparrow" not in dialect().attributes
    assert load_rulebook().architecture("sparrow") is None


def test_the_page_names_everything() -> None:
    text = PAGE.read_text("utf-8")
    words = set(re.findall(r"`\[*(?:automaton\.)?([a-z-]+)\]*`", text))
    assert {each.value for each in EventKind} <= words
    for kind, left in (
        (RuleInfo, {"id", "name", "automaton", "escalation", "census", "announced", "remedy"}),
        (Automaton, {"transition"}),
        (Transition, set()),
        (Remedy, set()),
    ):
        names = {field.name.replace("_", "-") for field in dataclasses.fields(kind)} - left
        assert names <= words, kind
