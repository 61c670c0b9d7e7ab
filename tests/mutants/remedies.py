"""For which of the mutants that are caught a remedy is offered.

    python tests/mutants/remedies.py [--rule KICKnnn] [--arch A,...] [--only TEXT] [--diff] [--write]

A remedy that is offered was tried: the edited kernel with it, analysed for all rules in the world of
the mutant, has lost the finding and gained none. The table (REMEDIES.md) says how many are caught and mended,
by rule; it is written as the run goes on, x86 last, and what stands in it from another run stays unless
it is tried again.
"""

from __future__ import annotations

import os
import re
import runpy
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kernel_edits import edited, kept

from kicklint.base import Edit
from kicklint.engine import AnalysisRequest, analyse_tree
from kicklint.engine.sources import Parsed
from kicklint.remedy import with_edits
from kicklint.rulebook import load_rulebook
from kicklint.source import SourceTree
from kicklint.store import Store, default_folder
from mutants.bench import VERSION, gathered
from mutants.model import Mutant
from mutants.partly import chosen, options

TABLE = Path(__file__).resolve().parent / "REMEDIES.md"
MENDED, UNMENDED, UNCAUGHT = "mended", "no remedy", "not caught"
_LINE = re.compile(rf"- (KICK\d{{3}}) `([^`]+)`: ({MENDED}|{UNMENDED}|{UNCAUGHT})")
_PARSED: Parsed = {}
Outcomes = Mapping[tuple[str, str], str]
"""What became of mutants, by rule and id."""


def remedied() -> frozenset[str]:
    """The rules that have remedies."""
    return frozenset(rule.id for rule in load_rulebook().rules if rule.remedy)


def cases() -> list[Mutant]:
    """The mutants of those rules, those of x86 behind all others, since they take longest."""
    every = [each for each in gathered() if isinstance(each, Mutant) and each.rule in remedied()]
    return sorted(every, key=lambda each: (each.architecture == "x86", each.rule, each.architecture))


def wanted(root: Path, mutant: Mutant) -> AnalysisRequest:
    """The mutant's rule in its world, with what is kept of other runs over the kernel."""
    folder = default_folder(os.environ)
    return AnalysisRequest(
        root,
        architectures=(mutant.architecture,),
        select=frozenset({mutant.rule}),
        store=Store(folder) if folder is not None else None,
    )


@lru_cache(maxsize=16)
def opened(root: Path, architecture: str) -> None:
    """Let what all rules say of the world in the unedited kernel be kept: most of it holds for a mutant."""
    analyse_tree(
        kept(root), replace(wanted(root, Mutant("", "", architecture, (), "", (), "")), select=frozenset())
    )


@lru_cache(maxsize=64)
def known(root: Path, architecture: str, rule: str) -> frozenset[str]:
    """The fingerprints that ``rule`` has in the unedited kernel."""
    request = wanted(root, Mutant("", rule, architecture, (), "", (), ""))
    return frozenset(each.fingerprint for each in analyse_tree(kept(root), request, _PARSED).findings)


def tried(root: Path, mutant: Mutant) -> tuple[str, Edit | None]:
    """What became of ``mutant``, and the edit for the first finding that catches it and has one."""
    tree: SourceTree = edited(root, mutant.edits)
    request = wanted(root, mutant)
    report = analyse_tree(tree, request, _PARSED)
    before = known(root, mutant.architecture, mutant.rule)
    new = [
        each
        for each in report.findings
        if each.fingerprint not in before and each.rule == mutant.rule and each.function in mutant.functions
    ]
    found = None
    for each in new:
        one = type(report)((each,), architectures=report.architectures)
        found = with_edits(one, tree, request, load_rulebook().rules, _PARSED).findings[0].edit
        if found is not None:
            break
    for path, text in edited(root, mutant.edits).changes.items():
        if text is not None:
            _PARSED.pop((path, text), None)
    return (MENDED if found is not None else UNMENDED if new else UNCAUGHT), found


def outcomes(root: Path, mutants: Sequence[Mutant]) -> list[tuple[Mutant, str, str]]:
    """Some mutants, what became of each, and the edit as a diff."""
    done = []
    for mutant in mutants:
        opened(root, mutant.architecture)
        outcome, edit = tried(root, mutant)
        done.append((mutant, outcome, edit.diff if edit is not None else ""))
    return done


def table_text(found: Outcomes, every: Iterable[Mutant]) -> str:
    """The file's text: what is known of the mutants in ``every``."""
    total = Counter(each.rule for each in every)
    counts = Counter((rule, outcome) for (rule, _), outcome in found.items())
    lines = [
        "# Remedies for the mutants",
        "",
        f"Linux {VERSION}, by tests/mutants/remedies.py. A mutant that is caught is mended when an edit is",
        "offered for its finding: tried in the mutant's world with all rules, it removes the finding and",
        "brings none.",
        "",
        "| rule | mutants | tried | caught | mended |",
        "|---|---:|---:|---:|---:|",
    ]
    sums = [0, 0, 0, 0]
    for rule in sorted(total):
        mended, unmended = counts[rule, MENDED], counts[rule, UNMENDED]
        row = [total[rule], mended + unmended + counts[rule, UNCAUGHT], mended + unmended, mended]
        sums = [one + other for one, other in zip(sums, row, strict=True)]
        lines.append(f"| {rule} | " + " | ".join(map(str, row)) + " |")
    lines += ["| all | " + " | ".join(map(str, sums)) + " |", ""]
    lines += [f"- {rule} `{name}`: {outcome}" for (rule, name), outcome in sorted(found.items())]
    return "\n".join(lines) + "\n"


def read_table(text: str) -> dict[tuple[str, str], str]:
    """What a table that was written before knows."""
    return {(each[1], each[2]): each[3] for each in _LINE.finditer(text)}


def main() -> None:
    """Run what the command line asks for."""
    parser = options(__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--kernel", type=Path, default=None)
    parser.add_argument("--diff", action="store_true", help="print the remedies, too")
    wanted = parser.parse_args()
    every = cases()
    picked = chosen(every, wanted)
    root = wanted.kernel
    if root is None:
        script = runpy.run_path(str(Path(__file__).resolve().parents[2] / "scripts" / "kernels.py"))
        root = script["default_folder"]() / VERSION
    ids = {(each.rule, each.id) for each in every}
    before = read_table(TABLE.read_text("utf-8")) if wanted.write and TABLE.exists() else {}
    found = {key: outcome for key, outcome in before.items() if key in ids}
    chunks = [picked[at : at + 4] for at in range(0, len(picked), 4)]
    with ProcessPoolExecutor(wanted.jobs) as pool:
        for done in pool.map(outcomes, [root] * len(chunks), chunks):
            for mutant, outcome, diff in done:
                found[mutant.rule, mutant.id] = outcome
                sys.stderr.write(f"{outcome:<10}  {mutant.rule}  {mutant.id}\n{diff if wanted.diff else ''}")
            sys.stderr.flush()
            if wanted.write:
                TABLE.write_text(table_text(found, every), encoding="utf-8")
    sys.stdout.write(table_text(found, every))


if __name__ == "__main__":
    main()
