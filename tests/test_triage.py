"""Waivers, comments, baselines and exclusions, put to reports made by hand."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from pathlib import Path

import pytest
from samples import FULL, PATH, finding, report

from kicklint.base import Gone, Report, SettingsError, SourceError, Standing, SuppressionKind
from kicklint.render import REPORT_FORMATS, Context
from kicklint.rulebook import load_rulebook
from kicklint.settings import Waiver
from kicklint.triage import Baseline, Extent, Verdicts, load_baseline, triaged

TODAY = datetime.date(2026, 11, 27)
ALL = Extent(architectures=("arm64", "x86"))
RULES = load_rulebook().rules


class Tree:
    """Files by path."""

    def __init__(self, **files: str) -> None:
        self.files = {path.replace("__", "/") + ".c": text.encode() for path, text in files.items()}
        self.root = Path("tree")

    def paths(self) -> tuple[str, ...]:
        return tuple(sorted(self.files))

    def read(self, path: str) -> bytes:
        if path not in self.files:
            raise SourceError(f"{path}: is not there")
        return self.files[path]

    def architectures(self) -> tuple[str, ...]:
        return ("arm64", "x86")


def judged(
    found: Report,
    *waivers: Waiver,
    tree: Tree | None = None,
    extent: Extent = ALL,
    baseline: Baseline | None = None,
    exclude: tuple[str, ...] = (),
) -> Report:
    verdicts = Verdicts(tuple((".kicklint.toml", each) for each in waivers), baseline, exclude)
    return triaged(found, verdicts, tree or Tree(), RULES, extent, TODAY)


def codes(found: Report) -> list[str]:
    return [each.code for each in found.notes]


def waiver(**changes: object) -> Waiver:
    values: dict[str, object] = {"rule": "KICK003", "reason": "looked at", "function": "run_loop"}
    return Waiver(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"rule": "guest-entry-without-request-check"},
        {"path": PATH},
        {"path": "arch/x86", "function": ""},
        {"path": "arch/*/odd*.c", "function": ""},
        {"fingerprint": "0123456789abcdef", "function": ""},
        {"expires": TODAY},
    ],
)
def test_a_waiver_matches(changes: dict[str, object]) -> None:
    done = judged(report(finding()), waiver(**changes))
    assert done.open_findings == ()
    suppression = done.findings[0].suppression
    assert suppression is not None
    assert (suppression.kind, suppression.justification) == (SuppressionKind.EXTERNAL, "looked at")
    assert codes(done) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"reason": " "}, "waiver-without-reason"),
        ({"expires": TODAY - datetime.timedelta(1)}, "waiver-expired"),
        ({"function": "another"}, "waiver-unused"),
        ({"rule": "KICK001"}, "waiver-unused"),
        ({"path": "arch/x86/kvm/other.c"}, "waiver-unused"),
        ({"path": "arch/x8"}, "waiver-unused"),
        ({"fingerprint": "0123456789abcde"}, "waiver-unused"),
    ],
)
def test_a_waiver_that_does_not_hold_is_reported(changes: dict[str, object], code: str) -> None:
    done = judged(report(finding()), waiver(**changes))
    assert len(done.open_findings) == 1
    assert codes(done) == [code]


@pytest.mark.parametrize(
    "extent",
    [
        Extent(rules=frozenset({"KICK001"}), architectures=("x86",)),
        Extent(scope=("virt/kvm",), architectures=("x86",)),
        Extent(architectures=("arm64",), complete=False),
    ],
)
def test_a_waiver_for_what_was_not_looked_at_is_not_called_unused(extent: Extent) -> None:
    assert codes(judged(report(), waiver(path=PATH), extent=extent)) == []
    assert codes(judged(report(), waiver(), extent=extent)) == []
    assert codes(judged(report(), waiver(path=PATH))) == ["waiver-unused"]


CODE = "int f(void)\n{\n\t%s\n\treturn 0;\n}\n"


@pytest.mark.parametrize(
    ("text", "line", "allowed"),
    [
        ("kick(); /* kicklint: allow KICK003 -- seen */", 3, True),
        ("/* kicklint: allow guest-entry-without-request-check -- seen */\n\tkick();", 4, True),
        ("/*\n\t * kicklint: allow KICK001, KICK003 --\n\t * seen\n\t */\n\tkick();", 7, True),
        ("kick(); // kicklint: allow KICK003 -- seen", 3, True),
        ("/* kicklint: allow KICK003 -- seen */\n\tother();\n\tkick();", 5, False),
        ("other(); /* kicklint: allow KICK003 -- seen */\n\tkick();", 4, False),
        ("/* kicklint: allow KICK001 -- seen */\n\tkick();", 4, False),
        ('kick("/* kicklint: allow KICK003 -- seen */");', 3, False),
    ],
)
def test_a_comment_allows_its_line(text: str, line: int, allowed: bool) -> None:
    tree = Tree(arch__x86__kvm__a=CODE % text)
    where = replace(finding().span, path="arch/x86/kvm/a.c", line=line, end_line=line)
    done = judged(report(finding(span=where)), tree=tree)
    suppression = done.findings[0].suppression
    assert (suppression is not None) is allowed
    if suppression is not None:
        assert (suppression.kind, suppression.justification) == (SuppressionKind.IN_SOURCE, "seen")
        assert suppression.place.startswith("arch/x86/kvm/a.c:")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/* kicklint: allow KICK003 */", ["waiver-without-reason"]),
        ("/* kicklint: allow KICK003 -- */", ["waiver-without-reason"]),
        ("/* kicklint: allow KICK999 -- x */", ["waiver-unknown-rule"]),
        ("/* kicklint: allow KICK003 -- x */", ["waiver-unused"]),
        ("/* kicklint: allow KICK003, nonsense -- x */", ["waiver-unknown-rule", "waiver-unused"]),
        ("/* kicklint: allow KICK003: it is tested (later). */", ["waiver-unknown-rule"]),
        ("/* kicklint: allow `KICK003` -- x */", ["waiver-unknown-rule"]),
        ("/* kicklint: allow */", ["waiver-unknown-rule"]),
        ("/* kicklint is a linter */", []),
    ],
)
def test_a_comment_that_does_not_hold_is_reported(text: str, expected: list[str]) -> None:
    done = judged(report(), tree=Tree(arch__x86__kvm__a=CODE % text))
    assert sorted(codes(done)) == expected
    assert all(each.span is not None and each.span.line == 3 for each in done.notes)


def test_a_comment_says_what_it_names_that_is_no_rule() -> None:
    text = "/* kicklint: allow KICK003, nonsense -- x */"
    done = judged(report(), tree=Tree(arch__x86__kvm__a=CODE % text))
    assert "this comment names nonsense, which is no rule" in [each.message for each in done.notes]


def test_exclusions() -> None:
    assert judged(FULL, exclude=(PATH,)).findings == ()
    assert judged(FULL, exclude=("arch/*/odd*",)).findings == ()
    assert judged(FULL, exclude=("arch/arm64",)).findings == FULL.findings


def gone(**changes: str) -> Gone:
    values = {"rule": "KICK003", "path": PATH, "function": "run_loop", "message": "m", "fingerprint": "x"}
    return Gone(**(values | changes))


@pytest.mark.parametrize(
    ("entry", "standing", "left"),
    [
        (gone(fingerprint="0123456789abcdef"), Standing.KNOWN, 0),
        (gone(path="arch/x86/kvm/before.c"), Standing.KNOWN, 0),  # the file has moved
        (gone(path="arch/x86/kvm/before.c", function="other"), Standing.NEW, 1),
        (gone(path="arch/x86/kvm/before.c", rule="KICK001"), Standing.NEW, 1),
        (gone(), Standing.NEW, 1),  # another line of the same function
    ],
)
def test_baseline(entry: Gone, standing: Standing, left: int) -> None:
    done = judged(report(finding()), baseline=Baseline((entry,)))
    assert [each.standing for each in done.findings] == [standing]
    assert len(done.gone or ()) == left


def test_one_entry_of_a_baseline_stands_for_one_finding() -> None:
    twice = report(finding(), finding(span=replace(finding().span, path="arch/x86/kvm/b.c"), fingerprint="b"))
    done = judged(twice, baseline=Baseline((gone(path="arch/x86/kvm/before.c"),)))
    assert [each.standing for each in done.findings] == [Standing.KNOWN, Standing.NEW]


def test_what_was_not_looked_at_is_not_gone() -> None:
    entry = gone(path="arch/s390/kvm/a.c")
    assert judged(report(), baseline=Baseline((entry,))).gone == ()
    assert judged(report(), baseline=Baseline((gone(),))).gone == (gone(),)


@pytest.mark.parametrize("style", ["json", "sarif"])
def test_a_baseline_is_read_from_its_own_formats(style: str, tmp_path: Path) -> None:
    file = tmp_path / "before"
    file.write_text(REPORT_FORMATS[style](FULL, Context(rules=RULES, version="1")), "utf-8")
    done = judged(FULL, baseline=load_baseline(file))
    assert {each.standing for each in done.findings} == {Standing.KNOWN}
    assert done.gone == ()
    assert done.open_findings == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"findings": [{}]}',
        '{"findings": [1]}',
        '{"runs": [{}]}',
        '{"runs": [1]}',
        '{"runs": []}',
        '{"runs": [{"tool": {"driver": {"name": "another"}}, "results": []}]}',
        "\0",
        "[" * 99999,
    ],
)
def test_a_file_that_is_no_baseline_is_an_error(text: str, tmp_path: Path) -> None:
    file = tmp_path / "before.json"
    file.write_text(text, "utf-8")
    with pytest.raises(SettingsError, match=r"before\.json"):
        load_baseline(file)


def test_sarif_tells_of_waivers_and_standings() -> None:
    done = judged(FULL, waiver(), baseline=Baseline((gone(fingerprint="ff", rule="KICK001"),)))
    log = json.loads(REPORT_FORMATS["sarif"](done, Context(rules=RULES, version="1")))
    first, second = log["runs"][0]["results"]
    assert first["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "looked at; .kicklint.toml"}
    ]
    assert (first["baselineState"], second["baselineState"]) == ("new", "unchanged")
    assert "suppressions" not in second
    assert log["runs"][0]["properties"] == {"gone": 0}
