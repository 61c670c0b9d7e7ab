"""How long kicklint takes, beside other tools with the rules nearest to its own.

All run on a copy of the C files of KVM of a kernel, one after the other, several times over;
medians are shown. Coccinelle is Debian's ``coccinelle``; ``pip install semgrep ast-grep-cli``
brings the others. One that is missing is left out, with a word.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from measure import Case, Result, alternating, once
from show import PARSE, as_json, chart, exponent, table
from states import States
from trees import copied, kvm_files, multiplied

HERE = Path(__file__).resolve().parent
_START = "python with its modules"
_COCCINELLE = "Coccinelle, 4 rules"
_EDITS = {
    "one small architecture": "arch/riscv/kvm/vcpu.c",
    "x86": "arch/x86/kvm/x86.c",
    "generic code": "virt/kvm/kvm_main.c",
}
_COPIES = (1, 2, 4, 8)
_KICKLINT = (sys.executable, "-m", "kicklint.cli")
_CHECK = (*_KICKLINT, "check", ".", "--isolated", "--quiet")
_REVIEW = (*_KICKLINT, "review", "--isolated", "--quiet")
_HOOK = (*_KICKLINT, "hook", "run")
_FOUND = frozenset({0, 1})


def main() -> None:
    """Measure, print the table, and write what was asked for."""
    wanted = _arguments()
    kernel = wanted.kernel.expanduser().resolve()
    if not (kernel / "virt/kvm").is_dir():
        raise SystemExit(f"bench: {kernel} is no kernel tree; run python scripts/kernels.py")
    with tempfile.TemporaryDirectory(prefix="kicklint-bench-") as name:
        work = Path(name)
        size = copied(kernel, work / "tree")
        files = len(kvm_files(kernel))
        print(f"{kernel.name}: {files} files, {size / 1e6:.1f} MB; {wanted.runs} runs each", flush=True)
        cases = [*_yardsticks(work), *_kicklint(work), *_others(work)]
        if wanted.only:
            cases = [case for case in cases if wanted.only in case.name]
        results = alternating(cases, wanted.runs, _say)
        print(table(results, (PARSE, _COCCINELLE, _START)))
        facts: dict[str, object] = {
            "kernel": kernel.name,
            "files": files,
            "bytes": size,
            "processors": os.cpu_count(),
            "machine": platform.machine(),
            "python": platform.python_version(),
        }
        if wanted.growth:
            facts |= _growth(kernel, work)
    _write(wanted, results, facts)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = os.environ.get("KICKLINT_KERNELS", "~/.cache/kicklint/kernels")
    parser.add_argument("--kernel", type=Path, default=Path(default) / "6.12", help="an unpacked kernel")
    parser.add_argument("--runs", type=int, default=5, help="how often each is run (default 5)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only those with TEXT in their name")
    parser.add_argument("--growth", action="store_true", help="also 1, 2, 4, 8 copies of the architectures")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw it")
    return parser.parse_args()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _yardsticks(work: Path) -> list[Case]:
    start = (sys.executable, "-c", "import click, tree_sitter, tree_sitter_c")
    parse = (sys.executable, str(HERE / "parse.py"), ".")
    return [Case(_START, (start,), work), Case(PARSE, (parse,), work / "tree")]


def _kicklint(work: Path) -> list[Case]:
    tree, cache = work / "tree", work / "cache"
    environment = {"XDG_CACHE_HOME": str(cache), "KICKLINT_NO_CACHE": ""}

    def case(name: str, folder: Path, prepare: Callable[[], None], *command: str) -> Case:
        return Case(f"kicklint, {name}", (command,), folder, environment, _FOUND, prepare)

    edits = {name: path for name, path in _EDITS.items() if (tree / path).is_file()}
    states = States(tree, edits, Case("filling", (_CHECK,), tree, environment, _FOUND), cache)
    cases = []
    for word, prepare in (("cold", states.empty), ("nothing changed", states.known())):
        for jobs in ("1", "2"):
            cases.append(case(f"{word}, jobs {jobs}", tree, prepare, *_CHECK, "--jobs", jobs))
    for name in edits:
        cases.append(case(f"edit of {name}", tree, states.known(name), *_CHECK, "--jobs", "2"))
    for name in edits:
        patch = work / f"{name}.patch"
        patch.write_text(states.patch(name), encoding="utf-8")
        command = (*_REVIEW, str(patch), "--tree", ".", "--jobs", "2")
        cases.append(case(f"review of {name}", tree, states.known(), *command))
    repository = work / "repository"
    shutil.copytree(tree, repository)
    check = Case("filling", (_CHECK,), repository, environment, _FOUND)
    staged = States(repository, edits, check, cache)
    staged.commit()
    for name in edits:
        cases.append(case(f"hook, {name}", repository, staged.known(name, staged=True), *_HOOK))
    return cases


def _others(work: Path) -> list[Case]:
    tree = work / "tree"
    names = sorted(path.relative_to(tree).as_posix() for path in tree.rglob("*.[ch]"))
    groups = work / "groups"
    groups.write_text("\n\n".join(names) + "\n", encoding="utf-8")
    cases = []
    spatch = _program("spatch", "Debian's package coccinelle has it")
    if spatch:
        options = ("--very-quiet", "--no-includes", "--include-headers", "-D", "report")
        rules = sorted((HERE / "coccinelle").glob("*.cocci"))
        commands = tuple(
            (spatch, *options, "--sp-file", str(rule), "--file-groups", str(groups)) for rule in rules
        )
        cases.append(Case(_COCCINELLE, commands, tree))
    semgrep = _program("semgrep", "pip install semgrep")
    if semgrep:
        options = ("--metrics", "off", "--disable-version-check", "--jobs", "1", "--no-git-ignore")
        limits = ("--max-target-bytes", "0", "--timeout", "0")
        command = (semgrep, "scan", "--config", str(HERE / "semgrep.yml"), *options, *limits, ".")
        cases.append(Case("semgrep, 4 rules", (command,), tree))
    ast_grep = _program("ast-grep", "pip install ast-grep-cli")
    if ast_grep:
        command = (ast_grep, "scan", "-c", str(HERE / "ast-grep/sgconfig.yml"), ".")
        cases.append(Case("ast-grep, 4 rules", (command,), tree, statuses=_FOUND))
    return cases


def _program(name: str, remedy: str) -> str:
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.is_file() else shutil.which(name)
    if not found:
        _say(f"bench: {name} is left out: {remedy}")
    return found or ""


def _growth(kernel: Path, work: Path) -> dict[str, object]:
    """Times with several copies of the architectures' code, and how they grow with it."""
    points = []
    for copies in _COPIES:
        tree = work / f"copies-{copies}"
        size = multiplied(kernel, tree, copies)
        _say(f"growth: {copies} copies")
        taken = once(Case(f"{copies} copies", ((*_CHECK, "--no-cache", "--jobs", "1"),), tree, {}, _FOUND))
        points.append((size, taken.cpu))
        print(
            f"{copies} copies: {size / 1e6:.1f} MB, {taken.cpu:.2f} s CPU, {taken.memory:.0f} MiB", flush=True
        )
        shutil.rmtree(tree)
    found = exponent(points)
    print(f"time grows as size to the power of {found:.2f}")
    return {"growth": [{"bytes": size, "cpu": cpu} for size, cpu in points], "exponent": round(found, 3)}


def _write(wanted: argparse.Namespace, results: list[Result], facts: dict[str, object]) -> None:
    if wanted.json is not None:
        wanted.json.write_text(as_json(results, facts), encoding="utf-8")
    if wanted.svg is not None:
        title = f"Linux {facts['kernel']}, KVM: wall time, median of {wanted.runs} (logarithmic)"
        wanted.svg.write_text(chart(results, title), encoding="utf-8")


if __name__ == "__main__":
    main()
