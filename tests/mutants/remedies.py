"""For which of the mutants that are caught a remedy is offered, and what it is.

    python tests/mutants/remedies.py [--rule KICKnnn] [--only TEXT] [--jobs N] [--kernel DIR] [--diff]

A remedy that is offered was tried: the edited kernel with it, analysed for all rules in the world of
the mutant, has lost the finding and gained none. The table says how many are caught and mended by rule.
"""

from __future__ import annotations

import argparse
import runpy
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kernel_edits import edited, kept

from kicklint.base import Finding
from kicklint.engine import AnalysisRequest, analyse_tree
from kicklint.engine.sources import Parsed
from kicklint.remedy import with_edits
from kicklint.rulebook import load_rulebook
from kicklint.source import SourceTree
from mutants.bench import VERSION, gathered
from mutants.model import Mutant

_PARSED: Parsed = {}
Outcome = tuple[str, str, str]
"""The rule, the mutant and what became of it: the diff, "" when no remedy was found, "-" when not caught."""


def remedied() -> frozenset[str]:
    """The rules that have remedies."""
    return frozenset(rule.id for rule in load_rulebook().rules if rule.remedy)


def report_on(tree: SourceTree, mutant: Mutant) -> tuple[Finding, ...]:
    """What the mutant's rule finds in ``tree``."""
    wanted = AnalysisRequest(tree.root, architectures=(mutant.architecture,), select=frozenset({mutant.rule}))
    return analyse_tree(tree, wanted, _PARSED).findings


@lru_cache(maxsize=64)
def known(root: Path, architecture: str, rule: str) -> frozenset[str]:
    """The fingerprints that ``rule`` has in the unedited kernel."""
    mutant = Mutant("", rule, architecture, (), "", (), "")
    return frozenset(each.fingerprint for each in report_on(kept(root), mutant))


def tried(root: Path, mutant: Mutant) -> tuple[Finding, Finding] | None:
    """The finding that catches ``mutant``, without and with its edit; None when none does."""
    tree = edited(root, mutant.edits)
    wanted = AnalysisRequest(root, architectures=(mutant.architecture,), select=frozenset({mutant.rule}))
    report = analyse_tree(tree, wanted, _PARSED)
    before = known(root, mutant.architecture, mutant.rule)
    new = [
        each
        for each in report.findings
        if each.fingerprint not in before and each.rule == mutant.rule and each.function in mutant.functions
    ]
    if not new:
        return None
    one = with_edits(
        type(report)((new[0],), architectures=report.architectures),
        tree,
        wanted,
        load_rulebook().rules,
        _PARSED,
    )
    for path, text in tree.changes.items():
        if text is not None:
            _PARSED.pop((path, text), None)
    return new[0], one.findings[0]


def outcomes(root: Path, mutants: Sequence[Mutant]) -> list[Outcome]:
    """What became of some mutants."""
    done = []
    for mutant in mutants:
        found = tried(root, mutant)
        said = "-" if found is None else found[1].edit.diff if found[1].edit is not None else ""
        done.append((mutant.rule, mutant.id, said))
    return done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rule", default="")
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--kernel", type=Path, default=None)
    parser.add_argument("--diff", action="store_true", help="print the remedies, too")
    options = parser.parse_args()
    cases = [
        each
        for each in gathered()
        if isinstance(each, Mutant)
        and each.rule in remedied()
        and options.rule in ("", each.rule)
        and options.only in each.id
    ]
    root = options.kernel
    if root is None:
        script = runpy.run_path(str(Path(__file__).resolve().parents[2] / "scripts" / "kernels.py"))
        root = script["default_folder"]() / VERSION
    chunks = [cases[at : at + 8] for at in range(0, len(cases), 8)]
    rows: list[Outcome] = []
    with ProcessPoolExecutor(options.jobs) as pool:
        for found in pool.map(outcomes, [root] * len(chunks), chunks):
            rows += found
            for rule, name, said in found:
                word = "not caught" if said == "-" else "mended" if said else "no remedy"
                sys.stderr.write(f"{word:<10}  {rule}  {name}\n")
                if options.diff and said not in ("", "-"):
                    sys.stderr.write(said)
                sys.stderr.flush()
    caught = Counter(rule for rule, _, said in rows if said != "-")
    mended = Counter(rule for rule, _, said in rows if said not in ("", "-"))
    rows_text = [f"| {rule} | {caught[rule]} | {mended[rule]} |\n" for rule in sorted(caught)]
    rows_text.append(f"| all | {caught.total()} | {mended.total()} |\n")
    sys.stdout.write("".join(["| rule | caught | mended |\n| --- | ---: | ---: |\n", *rows_text]))


if __name__ == "__main__":
    main()
