"""Edits that mean nothing change no finding, and the number of processes changes no byte."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from random import Random

import pytest
from fixture_trees import DEMO, FIXTURES, RUN, MemoryTree, fixtures, report_on, tree_of
from hypothesis import given, settings
from hypothesis import strategies as st

from kicklint.base import Report
from kicklint.engine import AnalysisRequest, analyse
from kicklint.render import REPORT_FORMATS, Context
from kicklint.rulebook import load_rulebook

# Two of values and calls, which have the most to lose, and one of each other rule.
NAMES = ["KICK001/guards", "KICK002/reentry", "KICK002/tables", "KICK003/values", "KICK003/calls"]
SETTINGS = settings(max_examples=8, deadline=None)

_FUNCTION = re.compile(
    r"^(?:static |int |void |bool )[^;={}()]*\([^;{}]*\)\n\{\n(?:.*\n)*?\}\n", re.MULTILINE
)
_LOCALS = ("pending", "stay", "err", "ret", "copy", "same", "each", "flags", "how", "r")


@pytest.fixture(scope="module", autouse=True)
def deep() -> Iterator[None]:
    """The engine raises the recursion limit; hypothesis wants it to stay the same during a test."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 20_000))
    yield
    sys.setrecursionlimit(limit)


Prints = Counter[tuple[str, str, str]]
Marks = Counter[tuple[str, str]]


@lru_cache(maxsize=16)
def text_of(name: str) -> str:
    return (FIXTURES / f"{name}.c").read_text(encoding="utf-8")


def prints(report: Report) -> Prints:
    """Rule, function and fingerprint of every finding."""
    return Counter((each.rule, each.function, each.fingerprint) for each in report.findings)


def marks(report: Report) -> Marks:
    """Rule and function of every finding."""
    return Counter((each.rule, each.function) for each in report.findings)


@lru_cache(maxsize=16)
def before(name: str) -> Report:
    report = report_on(tree_of(text_of(name)))
    assert report.findings
    return report


def after(text: str) -> Report:
    return report_on(tree_of(text))


def test_the_fixtures_are_there() -> None:
    assert {FIXTURES / f"{name}.c" for name in NAMES} <= set(fixtures())


@pytest.mark.parametrize("name", NAMES)
@SETTINGS
@given(
    st.dictionaries(
        st.sampled_from(_LOCALS), st.from_regex(r"[a-z]{1,6}_[0-9]{2}", fullmatch=True), min_size=1
    )
)
def test_renaming_locals(name: str, names: dict[str, str]) -> None:
    renamed = text_of(name)
    for old, new in names.items():
        # Only what is not a member, so that tables and structures stay what they are.
        renamed = re.sub(rf"(?<![\w.>]){old}\b", f"{old}_{new}", renamed)
    assert marks(after(renamed)) == marks(before(name))


@pytest.mark.parametrize("name", NAMES)
@SETTINGS
@given(st.data())
def test_blank_lines_and_comments(name: str, data: st.DataObject) -> None:
    lines = text_of(name).splitlines()
    places = data.draw(st.lists(st.integers(0, len(lines) - 1), min_size=1, max_size=20))
    added = data.draw(
        st.sampled_from(["", "\t/* kvm_request_pending(vcpu) */", "// IN_GUEST_MODE", "\t\t  "])
    )
    for place in sorted(places, reverse=True):
        if not lines[place].endswith("\\"):
            lines.insert(place + 1, added)
    assert prints(after("\n".join(lines) + "\n")) == prints(before(name))


@pytest.mark.parametrize("name", NAMES)
@SETTINGS
@given(st.randoms(use_true_random=False))
def test_order_of_functions(name: str, random: Random) -> None:
    text = text_of(name)
    functions = _FUNCTION.findall(text)
    assert len(functions) >= 5
    rest = _FUNCTION.sub("", text)
    prototypes = [each.partition("\n{")[0] + ";\n" for each in functions]
    random.shuffle(functions)
    head, _, tables = rest.partition("\n\n")
    shuffled = "\n".join([head, "", tables, *prototypes, *functions])
    assert prints(after(shuffled)) == prints(before(name))


@pytest.mark.parametrize("name", NAMES)
@SETTINGS
@given(st.data())
def test_edits_elsewhere_keep_fingerprints(name: str, data: st.DataObject) -> None:
    """Other lines of the function may change; the line that is reported is what counts."""
    text = text_of(name)
    starts = [match.end() for match in re.finditer(r"^\{\n", text, re.MULTILINE)]
    chosen = data.draw(st.lists(st.sampled_from(starts), min_size=1, unique=True))
    line = data.draw(
        st.sampled_from(["\tcpu_relax();\n", "\ttrace_toy(vcpu->cpu);\n", "\tint unrelated = 3;\n"])
    )
    for start in sorted(chosen, reverse=True):
        text = text[:start] + line + text[start:]
    assert prints(after(text)) == prints(before(name))


@lru_cache(maxsize=1)
def faulty_demo() -> tuple[tuple[str, bytes], ...]:
    """The model with the test of its fast path gone."""
    files = []
    for path in sorted(DEMO.rglob("*.[ch]")):
        text = path.read_text(encoding="utf-8")
        text = text.replace("if (unlikely(demo_exit_request(vcpu)))", "if (unlikely(need_resched()))")
        files.append((path.relative_to(DEMO).as_posix(), text.encode()))
    return tuple(files)


@SETTINGS
@given(st.permutations(range(len(faulty_demo()))))
def test_order_of_files(order: list[int]) -> None:
    files = faulty_demo()
    usual = report_on(MemoryTree(files))
    assert {each.rule for each in usual.findings} == {"KICK001", "KICK003"}
    assert prints(report_on(MemoryTree(tuple(files[each] for each in order)))) == prints(usual)


def test_two_functions_of_one_name_do_not_share_a_fingerprint() -> None:
    text = (
        "#include <linux/kvm_host.h>\nvoid toy(struct kvm_vcpu *vcpu)\n{\n"
        "\tWRITE_ONCE(vcpu->mode, EXITING_GUEST_MODE);\n\tcpu_relax();\n"
        "\tWRITE_ONCE(vcpu->mode, EXITING_GUEST_MODE);\n}\n"
    )
    found = [each.fingerprint for each in report_on(tree_of(text)).findings]
    assert len(found) == len(set(found)) == 2


# Processes


def as_json(tree: Path, jobs: int) -> str:
    report = analyse(AnalysisRequest(tree, jobs=jobs))
    return REPORT_FORMATS["json"](report, Context(rules=load_rulebook().rules))


def test_jobs_on_the_model(tmp_path: Path) -> None:
    tree = Path(shutil.copytree(DEMO, tmp_path / "tree"))
    for number, name in enumerate(NAMES):
        path = tree / RUN.replace("toyarch", f"toyarch{number}")
        path.parent.mkdir(parents=True)
        path.write_text(text_of(name), encoding="utf-8")
    alone = as_json(tree, 1)
    assert '"KICK003"' in alone
    assert as_json(tree, 2) == alone
    assert as_json(tree, 5) == alone


def test_hash_seeds(tmp_path: Path) -> None:
    """The order of sets differs from process to process; the report must not."""
    tree = Path(shutil.copytree(DEMO, tmp_path / "tree"))
    path = tree / RUN
    path.parent.mkdir(parents=True)
    path.write_text(text_of("KICK003/calls"), encoding="utf-8")
    program = Path(sys.executable).parent / "kicklint"
    outputs = {
        subprocess.run(
            [program, "check", "--format", "json", "--exit-zero", tree],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2", "3")
    }
    assert len(outputs) == 1


def test_jobs_on_a_kernel(kernels: dict[str, Path]) -> None:
    tree = kernels["6.12"]
    assert as_json(tree, 2) == as_json(tree, 1)
