"""Whether what the rules about order say of the mutants can go wrong by the kernel's memory model.

    python tests/mutants/races.py [--rule KICKnnn] [--arch NAME,...] [--only TEXT] [--jobs N]
                                  [--kernel DIR] [--keep FILE] [--write]

For every mutant that such a rule catches there is to be a bad execution, and of the unedited
kernel none for an error. --keep appends each result to FILE as it comes, and takes those that
are there for done; with --kept nothing else is run. --write keeps the result in RACES.md. What the
runs over one tree have in common is kept while this runs, and no longer.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median_low
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kernel_edits import edited, kept

from kicklint.base import Finding, Report, Severity
from kicklint.engine.analysis import AnalysisRequest, analyse_tree
from kicklint.engine.racing import UNPROVEN
from kicklint.engine.sources import Parsed
from kicklint.race import Composer
from kicklint.race.compose import Composed
from kicklint.review.standing import difference
from kicklint.rulebook import load_rulebook
from kicklint.store import Store
from mutants.bench import gathered
from mutants.model import Mutant
from mutants.partly import chosen, keep_line, keeping, kept_lines, options

TABLE = Path(__file__).resolve().parent / "RACES.md"
VERSION = "6.12"
_BAD = ("Sometimes", "Always")
RACING = tuple(
    rule.id for rule in load_rulebook().rules if any(each.race is not None for each in rule.automaton)
)


@dataclass(frozen=True)
class Race:
    """What is said of one mutant: ``missed``, ``goes wrong``, ``not shown`` to, or the finding ``says so``.

    ``took`` are the milliseconds of processor time that each of its findings' ways took, in order;
    ``mended`` says that what goes wrong never does with the missing piece in place.
    """

    id: str
    rule: str
    architecture: str
    outcome: str
    took: tuple[int, ...] = ()
    mended: bool = False


class Watch:
    """Takes the time of everything that is put to the memory model."""

    def __init__(self) -> None:
        self._compose = Composer.compose
        self.took: list[int] = []

    def __enter__(self) -> Watch:
        def timed(composer: Composer, *args: Any, **words: Any) -> Composed:
            begun = time.process_time()
            composed = self._compose(composer, *args, **words)
            self.took.append(round(1000 * (time.process_time() - begun)))
            return composed

        Composer.compose = timed  # type: ignore[method-assign, assignment]
        return self

    def __exit__(self, *_: object) -> None:
        Composer.compose = self._compose  # type: ignore[method-assign]


def raced(mutant: Mutant, before: Report, after: Report, took: tuple[int, ...]) -> Race:
    """What the findings of ``after`` that ``before`` has not say of ``mutant``."""
    found = [each for each, _ in difference(before, after, {}, lambda _finding: False).new]
    ours = [each for each in found if each.rule == mutant.rule and each.function in mutant.functions]
    outcome = "missed"
    if ours:
        said = all(_says_so(each) for each in ours)
        outcome = "goes wrong" if any(map(goes_wrong, ours)) else "says so" if said else "not shown"
    shown = [each.interleaving for each in ours if each.interleaving is not None and goes_wrong(each)]
    mended = bool(shown) and all(each.fixed_verdict == "Never" for each in shown)
    return Race(mutant.id, mutant.rule, mutant.architecture, outcome, took, mended)


def _says_so(finding: Finding) -> bool:
    """Whether it is no error, and its message says that nothing ends badly."""
    return finding.severity is Severity.WARNING and finding.message.endswith(UNPROVEN)


def goes_wrong(finding: Finding) -> bool:
    """Whether the memory model allows an execution that ends badly."""
    return finding.interleaving is not None and finding.interleaving.verdict in _BAD


def kept_in(file: Path | None) -> dict[str, Race]:
    """The results in ``file``, by id."""
    found = (Race(**{**line, "took": tuple(line["took"])}) for line in kept_lines(file))
    return {each.id: each for each in found}


def world(root: Path, mutants: Sequence[Mutant], keep: Path | None) -> tuple[list[Race], list[str]]:
    """The mutants of one architecture, and the errors of the unedited kernel that can go wrong."""

    def note(race: Race) -> None:
        races.append(race)
        keep_line(keep, race)

    architecture, rules = mutants[0].architecture, sorted({each.rule for each in mutants})
    parsed: Parsed = {}
    races: list[Race] = []
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        whole = AnalysisRequest(root, architectures=(architecture,), select=frozenset(rules), store=store)
        before = analyse_tree(kept(root), whole, parsed)
        for mutant in sorted(mutants, key=lambda each: each.rule):
            tree = edited(root, mutant.edits)
            with Watch() as watch:
                after = analyse_tree(tree, replace(whole, select=frozenset({mutant.rule})), parsed)
            note(raced(mutant, before, after, tuple(watch.took)))
            for path, text in tree.changes.items():
                if text is not None:
                    parsed.pop((path, text), None)
    errors = [
        f"{each.rule} {architecture} {each.function}"
        for each in before.findings
        if each.severity is Severity.ERROR and goes_wrong(each)
    ]
    return races, errors


def table_text(races: Iterable[Race], errors: Sequence[str], wanted: Counter[str]) -> str:
    """The table, with the names of what is not as it should be; of ``wanted`` mutants a world has."""
    every = sorted(races, key=lambda each: (each.rule, each.architecture, each.id))
    counts = Counter((each.rule, each.outcome) for each in every)
    run = Counter(each.architecture for each in every)
    lines = [
        "# Bad executions of the mutants",
        "",
        f"Linux {VERSION}, by tests/mutants/races.py. A mutant that is caught goes wrong when the memory",
        "model allows an execution of the finding that ends badly. Run were, of each world's mutants: "
        + ", ".join(f"{name} {run[name]} of {wanted[name]}" for name in sorted(wanted))
        + ".",
        "",
        "| rule | caught | goes wrong | warning, says so | not shown | never with the missing piece |",
        "|---|---|---|---|---|---|",
    ]
    mended = Counter(each.rule for each in every if each.mended)
    for rule in sorted({each.rule for each in every}):
        wrong, said, silent = (counts[rule, each] for each in ("goes wrong", "says so", "not shown"))
        cells = (rule, wrong + said + silent, wrong, said, silent, mended[rule])
        lines.append(f"| {' | '.join(map(str, cells))} |")
    lines += ["", f"Errors of the unedited kernel that go wrong: {', '.join(errors) or 'none'}."]
    lines += ["", *times(every)]
    for heading, outcome in (
        ("Caught, and no bad execution is shown:", "not shown"),
        ("A warning, which says that no execution ends badly (docs/limits.md has why):", "says so"),
        ("Goes wrong, and no test that never does is written with the missing piece:", "goes wrong"),
    ):
        named = [f"- {each.rule} {each.id}" for each in every if each.outcome == outcome and not each.mended]
        lines += ["", heading, "", *named] if named else []
    return "\n".join(lines) + "\n"


def times(races: Sequence[Race]) -> list[str]:
    """How long an interleaving took, world by world."""
    lines = [
        "Milliseconds of processor time for one way to a finding, the fixed test included. What the world",
        "holds of the other thread is read for the first one; and of a rule that is run alone, as here, the",
        "vCPU's way is looked for then.",
        "",
        "| world | ways | first, median | first, slowest | others, median | others, slowest |",
        "|---|---|---|---|---|---|",
    ]
    for world_ in sorted({each.architecture for each in races if each.took}):
        took = [each.took for each in races if each.architecture == world_ and each.took]
        first, others = [each[0] for each in took], [one for each in took for one in each[1:]] or [0]
        cells = (len(first) + len(others), median_low(first), max(first), median_low(others), max(others))
        lines.append(f"| {world_} | " + " | ".join(map(str, cells)) + " |")
    return lines


def main() -> None:
    """Run what the command line asks for."""
    parser = options(__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--kernel", type=Path, default=Path.home() / f".cache/kicklint/kernels/{VERSION}")
    keeping(parser)
    wanted = parser.parse_args()
    racing = (each for each in gathered() if isinstance(each, Mutant) and each.rule in RACING)
    mutants = chosen(racing, wanted)
    known = kept_in(wanted.keep)
    parts: dict[str, list[Mutant]] = {}
    for each in mutants:
        if each.id not in known and not wanted.kept:
            parts.setdefault(each.architecture, []).append(each)
    with ProcessPoolExecutor(wanted.jobs) as pool:
        roots, keeps = [wanted.kernel] * len(parts), [wanted.keep] * len(parts)
        done = list(pool.map(world, roots, parts.values(), keeps))
    before = [known[each.id] for each in mutants if each.id in known]
    races = before + [race for found, _ in done for race in found]
    every = Counter(each.architecture for each in mutants)
    text = table_text(races, [each for _, errors in done for each in errors], every)
    sys.stdout.write(text)
    if wanted.write:
        TABLE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
