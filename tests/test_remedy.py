"""Remedies: patterns, edits as a person would make them, and that only what was seen to work is offered."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from mutants.bench import gathered
from mutants.model import Mutant
from mutants.remedies import MENDED, UNMENDED, tried
from patches import DEMO, GUARDED, MAIN, UNGUARDED, git

from kicklint.base import Finding, Severity, Span, Step, StepKind
from kicklint.cli import main
from kicklint.engine import AnalysisRequest, analyse
from kicklint.engine.sources import dialect
from kicklint.remedy import mended, with_edits
from kicklint.remedy.candidates import candidates
from kicklint.remedy.editing import Change, FileText, guard, put_before, put_behind, unified
from kicklint.remedy.patterns import matched
from kicklint.rulebook import Remedy, RemedyKind, RemedyPlace, load_rulebook, rules_directory
from kicklint.source import DirectoryTree
from kicklint.syntax import Statement, SyntaxFile, parse_file, statements

K = RemedyKind
Put = Callable[[FileText, tuple[Statement, ...], str], list[Change] | None]


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("f({a})", "f(x)", {"a": "x"}),
        ("f({a}, {b})", "f( g(x,  y),\n\tz )", {"a": "g(x, y)", "b": "z"}),
        ("f({a})", "f(x, y)", None),
        ("f({a})", "ff(x)", None),
        ("{v}->mode = {x}", "vcpu->mode=IN", {"v": "vcpu", "x": "IN"}),
        ("{v}->mode = {x}", "vcpu->mode == IN", None),
        ("{v}->mode = {x}", "vcpu->mode |= IN", None),
        ("f({n} & M, &{v}->r)", "f(A & M, &v->r)", {"n": "A", "v": "v"}),
        ("f({a}, {a})", "f(x, y)", None),
        ("f({a}, {a})", "f(x , x)", {"a": "x"}),
        ("int f", "intf", None),
    ],
)
def test_patterns(pattern: str, text: str, found: dict[str, str] | None) -> None:
    assert matched(pattern, text) == found


def changed(text: str, remedy: Remedy, *places: str) -> list[str]:
    """The function's text after each candidate; ``places`` are where the finding and its trail are."""
    data = f"void f(struct kvm_vcpu *vcpu)\n{{\n{text}}}\n".encode()

    def span(piece: str) -> Span:
        assert data.count(piece.encode()) == 1, piece
        start = data.index(piece.encode())
        line, column = data.count(b"\n", 0, start) + 1, start - (data.rfind(b"\n", 0, start) + 1) + 1
        return Span("a.c", line, column, line, column + len(piece))

    spans = [span(each) for each in places]
    steps = [Step(StepKind.EVENT, each, "f", "") for each in spans[1:]]
    finding = Finding("R", "r", Severity.ERROR, "m", spans[0], "f", "", (), trail=tuple(steps))
    file = FileText("a.c", data)
    found = candidates(finding, (remedy,), parse_file("a.c", data, dialect()), file)
    return ["\n".join(file.changed(each.changes).decode().split("\n")[2:-2]) + "\n" for each in found]


W = "WRITE_ONCE(vcpu->mode, X)"
LONG = "a_condition_that_is_long(vcpu) && another_one_of_that_kind(vcpu) && more_of_it(vcpu)"
GUARD = Remedy(K.GUARD, "", match=("WRITE_ONCE({v}->mode, X)",), text="ok({v})")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"\t{W};\n", f"\tif (ok(vcpu))\n\t\t{W};\n"),
        (f"\tif (a)\n\t\t{W};\n", f"\tif (a && ok(vcpu))\n\t\t{W};\n"),
        (f"\tif (a || b)\n\t\t{W};\n", f"\tif ((a || b) && ok(vcpu))\n\t\t{W};\n"),
        (
            f"\tif (a) {{\n\t\t{W};\n\t\tb();\n\t}}\n",
            f"\tif (a) {{\n\t\tif (ok(vcpu))\n\t\t\t{W};\n\t\tb();\n\t}}\n",
        ),
        (
            f"\tif (a)\n\t\tb();\n\telse\n\t\t{W};\n",
            f"\tif (a)\n\t\tb();\n\telse\n\t\tif (ok(vcpu))\n\t\t\t{W};\n",
        ),
        (f"\tif (a)\n\t\t{W};\n\telse\n\t\tb();\n", None),
        (f"\tif ({LONG})\n\t\t{W};\n", f"\tif ({LONG} &&\n\t    ok(vcpu))\n\t\t{W};\n"),
    ],
)
def test_guard(before: str, after: str | None) -> None:
    assert changed(before, GUARD, W) == ([] if after is None else [after])


BEHIND = Remedy(K.INSERT_BEHIND, "", text="mb();")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"\t{W};\n", f"\t{W};\n\tmb();\n"),
        (f"\t{W}; /* why */\n\ta();\n", f"\t{W}; /* why */\n\tmb();\n\ta();\n"),
        (f"\tif (a)\n\t\t{W};\n", f"\tif (a) {{\n\t\t{W};\n\t\tmb();\n\t}}\n"),
        (
            f"\tif (a)\n\t\t{W};\n\telse\n\t\tb();\n",
            f"\tif (a) {{\n\t\t{W};\n\t\tmb();\n\t}} else\n\t\tb();\n",
        ),
        (f"\tint x = {W};\n\tint y;\n\n\ta();\n", f"\tint x = {W};\n\tint y;\n\tmb();\n\n\ta();\n"),
        (f"\tif ({W})\n\t\ta();\n", None),
        (f"\treturn {W};\n", None),
    ],
)
def test_insert_behind(before: str, after: str | None) -> None:
    assert changed(before, BEHIND, W) == ([] if after is None else [after])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"\t{W};\n", f"\tmb();\n\t{W};\n"),
        (f"\twhile (a)\n\t\t{W};\n", f"\twhile (a) {{\n\t\tmb();\n\t\t{W};\n\t}}\n"),
        (f"\tif ({W})\n\t\ta();\n", f"\tmb();\n\tif ({W})\n\t\ta();\n"),
        (f"\tif (a)\n\t\tb();\n\telse if ({W})\n\t\tc();\n", None),
        (f"\tint x = {W};\n", None),
    ],
)
def test_insert_before(before: str, after: str | None) -> None:
    assert changed(before, replace(BEHIND, do=K.INSERT_BEFORE), W) == ([] if after is None else [after])


MOVE = Remedy(K.MOVE_BEHIND, "", to=RemedyPlace.FIRST)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("\tkick(v);\n\treq(v);\n", "\treq(v);\n\tkick(v);\n"),
        ("\tkick(v); req(v);\n\ta();\n", "\treq(v);\n\tkick(v);\n\ta();\n"),
        ("\tif (a)\n\t\tkick(v);\n\treq(v);\n", "\treq(v);\n\tif (a)\n\t\tkick(v);\n"),
        # Not past a jump, a label, or what gives the vCPU another value; nor out of order.
        ("\tkick(v);\n\tif (a)\n\t\treturn;\n\treq(v);\n", None),
        ("\tkick(v);\nout:\n\treq(v);\n", None),
        ("\tkick(v);\n\tv = b;\n\treq(v);\n", None),
        ("\treq(v);\n\tkick(v);\n", None),
        ("\tif (a) {\n\t\tkick(v);\n\t\tb();\n\t}\n\treq(v);\n", None),
    ],
)
def test_move_behind(before: str, after: str | None) -> None:
    assert changed(before, MOVE, "kick(v)", "req(v)") == ([] if after is None else [after])


INTO = Remedy(K.MOVE_INTO, "", to=RemedyPlace.FIRST)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("\tc = R(v);\n\tif (m(v))\n\t\tipi(c);\n", "\tif (m(v)) {\n\t\tc = R(v);\n\t\tipi(c);\n\t}\n"),
        (
            "\tint c = R(v);\n\n\tif (m(v)) {\n\t\tint x;\n\n\t\tipi(c);\n\t}\n",
            "\tint c;\n\n\tif (m(v)) {\n\t\tint x;\n\n\t\tc = R(v);\n\t\tipi(c);\n\t}\n",
        ),
        ("\tc = R(v);\n\tx = m(v);\n\tipi(c);\n", "\tx = m(v);\n\tc = R(v);\n\tipi(c);\n"),
        # A jump in between leaves without what is read, where nobody needs it.
        (
            "\tint a, c = R(v);\n\n\ta = b();\n\tif (a)\n\t\tgoto out;\n\tif (m(v))\n"
            "\t\tipi(c);\nout:\n\td();\n",
            "\tint a, c;\n\n\ta = b();\n\tif (a)\n\t\tgoto out;\n\tif (m(v)) {\n\t\tc = R(v);\n"
            "\t\tipi(c);\n\t}\nout:\n\td();\n",
        ),
        (
            "\tint a, c = R(v);\n\n\tif (a)\n\t\treturn;\n\tif (m(v))\n\t\tipi(c);\n",
            "\tint a, c;\n\n\tif (a)\n\t\treturn;\n\tif (m(v)) {\n\t\tc = R(v);\n\t\tipi(c);\n\t}\n",
        ),
        ("\tint c = R(v);\n\n\tif (a)\n\t\tgoto out;\n\tif (m(v))\n\t\tipi(c);\nout:\n\tuse(c);\n", None),
        ("\tc = R(v);\n\tif (m(v))\n\t\tipi(c);\n\tuse(c);\n", None),
        ("\tc = R(v);\n\tif (m(v))\n\t\tipi(c);\n\telse\n\t\tuse(c);\n", None),
        ("\ts->c = R(v);\n\tif (m(v))\n\t\tipi(s->c);\n", None),
        # These have to be whole where they are declared.
        ("\tconst int c = R(v);\n\n\tif (m(v))\n\t\tipi(c);\n", None),
        ("\tint c = R(v), d;\n\n\tif (m(v))\n\t\tipi(c);\n", None),
        # What is read is used before.
        ("\tc = R(v);\n\tif (c > 0 && m(v))\n\t\tipi(c);\n", None),
        ("\tc = R(v);\n\ta(c);\n\tif (m(v))\n\t\tipi(c);\n", None),
        ("\tc = R(v);\n\tv = w;\n\tif (m(v))\n\t\tipi(c);\n", None),
    ],
)
def test_move_a_read(before: str, after: str | None) -> None:
    assert changed(before, INTO, "R(v)", "m(v)") == ([] if after is None else [after])


@pytest.mark.parametrize(
    ("condition", "offered"),
    [
        ("ok(v) && !ok(vcpu)", False),
        ("! ok( vcpu )", False),
        ("a(b && !ok(vcpu))", True),
        ("a || !ok(vcpu)", True),
        ("a && b ? !ok(vcpu) : 1", True),
        ("a && !ok(w)", True),
    ],
)
def test_no_guard_against_what_is_demanded(condition: str, offered: bool) -> None:
    remedy = replace(GUARD, against=("!ok({v})",))
    for text in (f"\tif ({condition})\n\t\t{W};\n", f"\tif ({condition}) {{\n\t\ta();\n\t\t{W};\n\t}}\n"):
        assert bool(changed(text, remedy, W)) is offered
    assert changed(f"\tif ({condition})\n\t\ta();\n\telse {{\n\t\t{W};\n\t}}\n", remedy, W)


READ = Remedy(K.MOVE_READ, "", to=RemedyPlace.FIRST)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "\tint c = R(v);\n\n\tif (v->mode == IN)\n\t\tm(c);\n",
            "\tint c;\n\n\tif (v->mode == IN) {\n\t\tc = R(v);\n\t\tm(c);\n\t}\n",
        ),
        ("\tc = R(v);\n\ta();\n\tm(c);\n\tuse(c);\n", "\ta();\n\tc = R(v);\n\tm(c);\n\tuse(c);\n"),
        ("\tc = R(v);\n\tif (a)\n\t\tm(c);\n\tuse(c);\n", None),
        ("\tc = R(v);\n\tif (c)\n\t\tm(c);\n", None),
        ("\tc = R(v);\n\tv = w;\n\tm(c);\n", None),
    ],
)
def test_move_a_read_to_its_use(before: str, after: str | None) -> None:
    assert changed(before, READ, "R(v)", "m(c)") == ([] if after is None else [after])


OFF = Remedy(K.INSERT_BEFORE, "", text="off();", instead=("stay()",))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"\ta();\n\t{W};\n", f"\ta();\n\toff();\n\t{W};\n"),
        # Something weaker gives way, and what stands behind is moved and not said twice.
        (f"\tstay();\n\n\t{W};\n", f"\toff();\n\n\t{W};\n"),
        (f"\tstay();\n\ta();\n\t{W};\n", f"\tstay();\n\ta();\n\toff();\n\t{W};\n"),
        (f"\t{W};\n\toff();\n\tb();\n", f"\toff();\n\t{W};\n\tb();\n"),
        (f"\t{W};\n\tb();\n\toff();\n", f"\toff();\n\t{W};\n\tb();\n\toff();\n"),
    ],
)
def test_insert_before_in_place_of_something(before: str, after: str) -> None:
    assert changed(before, OFF, W) == [after]


def test_a_function_does_not_call_itself() -> None:
    own = replace(BEHIND, text="f(vcpu);")
    assert changed(f"\t{W};\n", own, W) == []
    assert changed(f"\t{W};\n", replace(own, text="g(vcpu);"), W) == [f"\t{W};\n\tg(vcpu);\n"]


def test_architectures_that_a_remedy_is_for() -> None:
    def meant(remedy: Remedy, *names: str) -> bool:
        return remedy.meant("m", names)

    fit, unfit = replace(BEHIND, fit=("s390",)), replace(BEHIND, unfit=("s390",))
    assert meant(fit, "s390") and not meant(fit, "s390", "x86") and not meant(fit, "x86")
    assert meant(unfit, "x86") and not meant(unfit, "s390", "x86")


def test_what_the_code_around_says() -> None:
    remedy = Remedy(K.INSERT_BEFORE, "", match=("kick({v})",), around="req({r}, {o})", text="req({r}, {v});")
    one = "\tif (a) {\n\t\treq(KIND, w);\n\t\tkick(w);\n\t}\n"
    assert changed(f"{one}\tkick(v);\n", remedy, "kick(v)") == [f"{one}\treq(KIND, v);\n\tkick(v);\n"]
    # Not with a kick, and the only one that the function makes.
    lone = "\tif (a)\n\t\treq(KIND, w);\n"
    assert changed(f"{lone}\tkick(v);\n", remedy, "kick(v)") == [f"{lone}\treq(KIND, v);\n\tkick(v);\n"]
    two = f"{one}\treq(OTHER, u);\n\tkick(u);\n"
    assert changed(f"{two}\tkick(v);\n", remedy, "kick(v)") == []
    assert changed("\treq(kind, w);\n\tkick(w);\n\tkick(v);\n", remedy, "kick(v)") == []


def test_not_everywhere() -> None:
    assert changed(f"\t{W};\n", replace(BEHIND, message=("other",)), W) == []
    assert changed(f"\t{W};\n", replace(BEHIND, match=("f({x})",)), W) == []


def test_git_takes_the_diff(tmp_path: Path) -> None:
    for before, after in ((b"a\nb\n", b"a\nc\n"), (b"a", b"b"), (b"a\n", b"a\nb"), (b"\xff\n", b"\xff\nb\n")):
        (tmp_path / "f").write_bytes(before)
        git(tmp_path, "apply", "-", data=unified("f", before, after).encode("utf-8", "surrogateescape"))
        assert (tmp_path / "f").read_bytes() == after
    assert unified("f", b"a", b"a") == ""


# One or two of each rule; tests/mutants/remedies.py tries them all.
OFFERED = (
    "riscv-kick001-exiting-for-an-interrupt",
    "arm64-kick004-dmb-ishst",
    "arm64-008-irq-line",
    "powerpc-008-xics",
    "arm64-009-vgic-queue-one-way",
    "arm64-009-vgic-prune",
    "riscv-010-system-reset",
    "s390-010-operexc",
    "s390-010-sync-request",
    "riscv-012-kick-helper",
    "arm64-012-request-before-all",
    "riscv-013-raw-unmasked",
    "loongarch-013-raw-unmasked",
    "arm64-013-clear-unmasked",
    "powerpc-013-not-atomic",
    "mips-014-wmb-one-way",
    "riscv-014-system-reset",
    "x86-kick015-begin-plain",
    "x86-kick015-end-plain",
)
# The edit that suggests itself reads the CPU before it is known, or kicks where that is a bug.
LEFT_ALONE = ("riscv-012-request-condition", "loongarch-kick001-guard-the-wrong-way")


@pytest.mark.parametrize("name", [*OFFERED, *LEFT_ALONE])
def test_mutants(kernels: dict[str, Path], name: str) -> None:
    (mutant,) = (each for each in gathered() if each.id == name)
    assert isinstance(mutant, Mutant)
    assert tried(kernels["6.12"], mutant)[0] == (MENDED if name in OFFERED else UNMENDED)


def insertions(syntax: SyntaxFile, file: FileText, put: Put) -> list[Change]:
    """What ``put`` makes of a statement here and there, none in the way of another."""
    chosen: list[Change] = []
    last = 0
    for function in syntax.functions:
        body = statements(function)
        for each in body.all() if body is not None else ():
            path = body.path(each.start) if body is not None else ()
            if each.kind != "simple" or not path or path[-1] != each or path[-2].start < last:
                continue
            changes = put(file, path, "marker(1)" if put is guard else "marker(1);")
            if changes:
                chosen += changes
                last = max(path[-2].end, *(change.end for change in changes))
    return chosen


@pytest.mark.parametrize("put", [put_before, put_behind, guard])
def test_real_code_is_whole_after_an_edit(kernels: dict[str, Path], put: Put) -> None:
    tree = DirectoryTree(kernels["6.12"])
    edits = 0
    for path in tree.paths():
        if not path.startswith(("virt/kvm/", "arch/riscv/kvm/", "arch/arm64/kvm/vgic/")) or path.endswith(
            ".S"
        ):
            continue
        file = FileText(path, tree.read(path))
        syntax = parse_file(path, file.data, dialect())
        changes = insertions(syntax, file, put)
        after = file.changed(changes)
        read = parse_file(path, after, dialect())
        damage = [each.damage for each in syntax.functions]
        assert [each.damage for each in read.functions] == damage, path
        assert read.file_damage == syntax.file_damage
        wanted = sum("marker(1)" in each.text for each in changes)
        found = sum(
            "marker" in each.names
            for function in read.functions
            if (body := statements(function)) is not None
            for each in body.all()
        )
        assert found == wanted, path
        # Nothing else was touched.
        rest = after.decode("latin-1")
        for each in changes:
            rest = rest.replace(each.text, "", 1)
        assert len(rest) == len(file.data) - sum(each.end - each.start for each in changes)
        edits += wanted
    assert edits > 300


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEMO, tmp_path / "linux"))


def test_what_does_not_help_is_not_offered(tree: Path) -> None:
    request = AnalysisRequest(tree)
    report = analyse(request)
    (rule,) = (each for each in load_rulebook().rules if each.id == "KICK001")
    whole = DirectoryTree(tree)

    def offered(*remedies: Remedy) -> list[str]:
        done = with_edits(report, whole, request, (replace(rule, remedy=remedies),))
        return [each.edit.says for each in done.findings if each.edit is not None]

    lie = replace(rule.remedy[0], text="!WARN_ON_ONCE(kvm_request_pending({vcpu}))", says="a lie")
    broken = replace(rule.remedy[0], text="((", says="broken")
    # It removes the finding, and brings another: a mode that nobody owns is written.
    worse = replace(
        rule.remedy[0], do=K.REWRITE, text="WRITE_ONCE({vcpu}->mode, IN_GUEST_MODE)", says="worse"
    )
    assert offered(lie, broken, worse) == []
    assert offered(lie, broken, worse, rule.remedy[0]) == [rule.remedy[0].says]
    assert offered() == []


def test_edits_of_one_place_are_made_once(tree: Path) -> None:
    request = AnalysisRequest(tree)
    report = with_edits(analyse(request), DirectoryTree(tree), request, load_rulebook().rules)
    (finding,) = report.findings
    done = mended(replace(report, findings=(finding, finding)), DirectoryTree(tree), request)
    assert (len(done.taken), len(done.left)) == (2, 0)
    assert done.diff() == finding.edit.diff if finding.edit is not None else False


def run(*arguments: object) -> Result:
    done = CliRunner().invoke(main, [str(each) for each in arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def test_diff(tree: Path) -> None:
    before = (tree / MAIN).read_bytes()
    done = run("check", tree, "--diff")
    assert done.exit_code == 1
    assert "An edit for 1 finding in 1 file; 0 without." in done.stderr
    assert (tree / MAIN).read_bytes() == before
    git(tree, "apply", "-", data=done.stdout.encode())
    assert run("check", tree).exit_code == 0
    done = run("check", tree, "--diff")
    assert (done.exit_code, done.stdout) == (0, "")


def test_fix(tree: Path) -> None:
    done = run("check", tree, "--fix")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "Mended 1 finding in 1 file; 0 without." in done.stderr
    assert run("check", tree).exit_code == 0
    assert run("check", tree, "--fix", "--diff").exit_code == 2


def test_fix_leaves_what_is_not_sure(tree: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    text = (rules_directory() / "KICK001.toml").read_text("utf-8")
    assert text.count('do = "guard"') == 1
    (rules / "KICK001.toml").write_text(text.replace('do = "guard"', 'do = "guard"\nsure = false'), "utf-8")
    before = (tree / MAIN).read_bytes()
    done = run("check", tree, "--fix", "--rules", rules)
    assert done.exit_code == 1 and "Mended 0 findings in 0 files; 1 without." in done.stderr
    assert (tree / MAIN).read_bytes() == before
    assert "+\t\tif" in run("check", tree, "--diff", "--rules", rules).stdout


def test_fix_leaves_what_is_waived(tree: Path) -> None:
    (tree / ".kicklint.toml").write_text(
        '[[waiver]]\nrule = "KICK001"\npath = "virt"\nreason = "x"\n', "utf-8"
    )
    before = (tree / MAIN).read_bytes()
    assert run("check", tree, "--fix").exit_code == 0
    assert (tree / MAIN).read_bytes() == before


def test_every_format_that_can_has_the_edit(tree: Path) -> None:
    text = run("check", tree, "--remedies").stdout
    assert "= edit: Write the mode only where a request is pending." in text
    (finding,) = json.loads(run("check", tree, "--remedies", "--format", "json").stdout)["findings"]
    (part,) = finding["edit"]["replacements"]
    assert (part["line"], part["column"], part["endColumn"]) == (33, 34, 34)
    log = json.loads(run("check", tree, "--remedies", "--format", "sarif").stdout)
    (fix,) = log["runs"][0]["results"][0]["fixes"]
    assert fix["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"] == part["text"]
    found = json.loads(run("check", tree, "--remedies", "--format", "rdjson").stdout)["diagnostics"][0]
    assert found["suggestions"][0]["text"] == part["text"]
    (finding,) = json.loads(run("check", tree, "--no-remedies", "--format", "json").stdout)["findings"]
    assert finding["edit"] is None


SAID = "There may be an edit that removes it: kicklint check --remedies"


def test_who_left_them_out_is_told_how(tree: Path, tmp_path: Path) -> None:
    assert run("check", tree, "--no-remedies").stdout.endswith(f"\n{SAID}\n")
    for options in ((), ("--remedies",), ("--no-remedies", "--quiet"), ("--format", "concise")):
        assert SAID not in run("check", tree, *options).stdout
    (tree / MAIN).write_text((tree / MAIN).read_text("utf-8").replace(UNGUARDED, GUARDED), "utf-8")
    assert SAID not in run("check", tree).stdout  # nothing to remove


def test_what_is_new_to_a_baseline_has_its_edit(tree: Path, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.json"
    nothing.write_text(run("check", tree, "--select", "KICK017", "--format", "json").stdout, "utf-8")
    against = ("check", tree, "--baseline", nothing)
    assert "edit: Write the mode only where a request is pending." in run(*against).stdout
    assert "= edit:" not in run(*against, "--no-remedies").stdout
    everything = tmp_path / "everything.json"
    everything.write_text(run("check", tree, "--format", "json").stdout, "utf-8")
    found = json.loads(run("check", tree, "--baseline", everything, "--format", "json").stdout)
    assert [each["edit"] for each in found["findings"]] == [None]


def test_the_configuration_asks(tree: Path) -> None:
    (tree / ".kicklint.toml").write_text("remedies = true\n", "utf-8")
    assert "= edit:" in run("check", tree).stdout
    assert "= edit:" not in run("check", tree, "--no-remedies").stdout
