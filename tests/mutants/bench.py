"""How many of the mutants kicklint catches, and which edits without meaning it falls for.

    python tests/mutants/bench.py [--rule KICKnnn] [--only TEXT] [--limit N] [--jobs N]
                                  [--kernel DIR] [--write | --check]

Each mutant is an edit of Linux 6.12 that breaks the protocol; it is caught when a finding
that the unedited kernel has not names the mutant's rule in one of its functions. An edit
without meaning passes when the findings are those of the unedited kernel. --write keeps
the result in TABLE.md; --check ends with status 1 when it is worse than what is kept there.
"""

from __future__ import annotations

import argparse
import importlib
import os
import runpy
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kernel_edits import Found, check

from mutants.model import Mutant, Neutral
from mutants.table import TABLE, Result, table_text, worse

HERE = Path(__file__).resolve().parent
VERSION = "6.12"
# Mutants of one world that one process takes at once: enough to be worth parsing it.
CHUNK = 16
# Seconds for one case; one that takes longer counts as missed.
PATIENCE = 300

# What the modules are called, and what each may hold for the bench.
NAMES = {"guest": "MUTANTS", "requester": "MUTANTS", "neutral": "NEUTRAL"}

Said = tuple[str, ...]
Case = Mutant | Neutral


def gathered() -> list[Case]:
    """All mutants and all edits without meaning, by architecture and id."""
    found: list[Case] = []
    for path in sorted(HERE.glob("*.py")):
        kind = path.stem.partition("_")[0]
        if kind in NAMES:
            found.extend(getattr(importlib.import_module(f"mutants.{path.stem}"), NAMES[kind], ()))
    doubled = [name for name, count in Counter(each.id for each in found).items() if count > 1]
    if doubled:
        raise SystemExit(f"bench: these ids are not unique: {', '.join(sorted(doubled))}")
    return sorted(found, key=lambda each: (each.architecture, each.id))


@dataclass(frozen=True)
class Verdict:
    """What became of one case, and what kicklint said that it should not have, or instead."""

    case: Case
    outcome: str
    said: Said = ()


def said(finding: Found) -> str:
    """A finding in one line."""
    return f"{finding.rule} {finding.severity.value} {finding.path}: {finding.function}: {finding.line}"


def new_findings(found: Iterable[Found], baseline: Iterable[Found]) -> list[Found]:
    """What ``found`` has more often than ``baseline``."""
    left = Counter((*_place(each), each.line) for each in baseline)
    new = []
    for each in found:
        key = (*_place(each), each.line)
        if left[key]:
            left[key] -= 1
        else:
            new.append(each)
    return new


def _place(finding: Found) -> tuple[str, str, str, str]:
    return finding.rule, finding.path, finding.function, finding.severity.value


def judge_mutant(mutant: Mutant, found: Iterable[Found], baseline: Iterable[Found]) -> Verdict:
    """Whether ``found`` reports the mutant."""
    new = new_findings(found, baseline)
    ruled = [each for each in new if each.rule == mutant.rule]
    if any(each.function in mutant.functions for each in ruled):
        return Verdict(mutant, "caught")
    outcome = "elsewhere" if ruled else "other" if new else "missed"
    return Verdict(mutant, outcome, tuple(sorted(map(said, ruled or new))))


def judge_neutral(neutral: Neutral, found: Iterable[Found], baseline: Iterable[Found]) -> Verdict:
    """Whether ``found`` is what the unedited kernel has."""
    before_by_name = dict(neutral.renamed)

    def renamed(finding: Found) -> tuple[str, str, str, str]:
        rule, path, function, severity = _place(finding)
        return rule, path, before_by_name.get(function, function), severity

    after = Counter(map(renamed, found))
    before = Counter(map(_place, baseline))
    if after == before:
        return Verdict(neutral, "passed")
    told = [f"new: {' '.join(each)}" for each in (after - before).elements()]
    told += [f"gone: {' '.join(each)}" for each in (before - after).elements()]
    return Verdict(neutral, "failed", tuple(sorted(told)))


def baseline_of(root: Path, architecture: str, select: frozenset[str] = frozenset()) -> list[Found]:
    """What the rules ``select`` (all if none) find in the unedited kernel."""
    return check(root, (), architecture, select=select)


def asked_for(cases: Iterable[Case]) -> frozenset[str]:
    """The rules whose findings these cases are compared by; all, as none, where one is without meaning."""
    rules = [each.rule if isinstance(each, Mutant) else "" for each in cases]
    return frozenset() if "" in rules else frozenset(rules)


def judged(root: Path, cases: Sequence[Case], baseline: Sequence[Found]) -> list[Verdict]:
    """The verdicts on some cases of one world; one that raises counts as missed."""
    verdicts = []
    signal.signal(signal.SIGALRM, _too_long)
    for case in cases:
        signal.alarm(PATIENCE)
        try:
            # A mutant is for one rule; an edit without meaning has to leave all of them alone.
            select = frozenset({case.rule}) if isinstance(case, Mutant) else frozenset()
            found = check(root, case.edits, case.architecture, select=select)
        except Exception:
            last = traceback.format_exc().strip().splitlines()[-1]
            verdicts.append(Verdict(case, "error", (last,)))
            continue
        finally:
            signal.alarm(0)
        judge = judge_mutant(case, found, baseline) if isinstance(case, Mutant) else None
        verdicts.append(judge or judge_neutral(_neutral(case), found, baseline))
    return verdicts


def _too_long(_signal: int, _frame: object) -> None:
    raise TimeoutError(f"not done in {PATIENCE} s")


def _neutral(case: Case) -> Neutral:
    assert isinstance(case, Neutral)
    return case


def _chunks(cases: Sequence[Case]) -> Iterator[list[Case]]:
    for architecture in sorted({each.architecture for each in cases}):
        world = [each for each in cases if each.architecture == architecture]
        yield from (world[at : at + CHUNK] for at in range(0, len(world), CHUNK))


def run(root: Path, cases: Sequence[Case], jobs: int) -> list[Verdict]:
    """The verdicts on all cases, in their order, whatever the number of processes."""
    chunks = list(_chunks(cases))
    worlds = sorted({each.architecture for each in cases})
    verdicts: list[Verdict] = []
    with ProcessPoolExecutor(max_workers=jobs) as pool:
        asked = {
            world: pool.submit(
                baseline_of, root, world, asked_for(each for each in cases if each.architecture == world)
            )
            for world in worlds
        }
        baselines = {world: future.result() for world, future in asked.items()}
        futures = [pool.submit(judged, root, chunk, baselines[chunk[0].architecture]) for chunk in chunks]
        for number, future in enumerate(futures, 1):
            done = future.result()
            verdicts.extend(done)
            sys.stderr.writelines(f"{line}\n" for line in details(done))
            sys.stderr.write(f"bench: {len(verdicts)} of {len(cases)} ({number} of {len(futures)} parts)\n")
    return verdicts


def result_of(verdicts: Iterable[Verdict]) -> Result:
    """The numbers and the names for the table."""
    caught: Counter[tuple[str, str]] = Counter()
    total: Counter[tuple[str, str]] = Counter()
    missed: list[tuple[str, str, str]] = []
    neutral: Counter[str] = Counter()
    failed: list[str] = []
    for each in verdicts:
        if isinstance(each.case, Mutant):
            cell = each.case.rule, each.case.architecture
            total[cell] += 1
            caught[cell] += each.outcome == "caught"
            if each.outcome != "caught":
                missed.append((each.case.rule, each.case.id, each.outcome))
        else:
            neutral[each.case.architecture] += 1
            if each.outcome != "passed":
                failed.append(each.case.id)
    cells = {cell: (caught[cell], total[cell]) for cell in total}
    return Result(cells, tuple(sorted(missed)), dict(neutral), tuple(sorted(failed)))


def details(verdicts: Iterable[Verdict]) -> Iterator[str]:
    """What was said in place of what should have been."""
    for each in verdicts:
        if each.outcome in {"caught", "passed"}:
            continue
        case = each.case
        if isinstance(case, Mutant):
            yield f"{case.id}: {each.outcome}: {case.rule} in {' or '.join(case.functions)}"
        else:
            yield f"{case.id}: {each.outcome}: {case.operator}"
        yield f"    {case.why}"
        yield from (f"    said: {line}" for line in each.said)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rule", metavar="KICKnnn", help="mutants of this rule only, no neutral edits")
    parser.add_argument("--only", metavar="TEXT", help="cases whose id has this in it")
    parser.add_argument("--limit", type=int, metavar="N", help="no more than the first N cases")
    parser.add_argument("--jobs", type=int, metavar="N", default=os.cpu_count() or 1)
    parser.add_argument("--kernel", type=Path, metavar="DIR", help=f"the tree of Linux {VERSION}")
    parser.add_argument("--write", action="store_true", help="keep the result in TABLE.md")
    parser.add_argument("--check", action="store_true", help="status 1 when worse than TABLE.md")
    chosen = parser.parse_args()
    partial = chosen.rule or chosen.only or chosen.limit is not None
    if partial and (chosen.write or chosen.check):
        parser.error("--write and --check need all the cases")
    if chosen.jobs < 1:
        parser.error("--jobs needs a number above 0")
    if chosen.kernel is None:
        script = runpy.run_path(str(HERE.parents[1] / "scripts" / "kernels.py"))
        chosen.kernel = script["default_folder"]() / VERSION
    return chosen


def main() -> int:
    """Run; the status is in the module's text."""
    chosen = arguments()
    if not (chosen.kernel / "virt" / "kvm").is_dir():
        sys.stderr.write(f"bench: no kernel in {chosen.kernel}: run python scripts/kernels.py\n")
        return 2
    cases = [
        each
        for each in gathered()
        if (not chosen.rule or getattr(each, "rule", None) == chosen.rule)
        and (not chosen.only or chosen.only in each.id)
    ]
    verdicts = run(chosen.kernel, cases[: chosen.limit], chosen.jobs)
    result = result_of(verdicts)
    text = table_text(result)
    sys.stdout.write(text)
    lines = list(details(verdicts))
    if lines:
        sys.stdout.write("\n" + "\n".join(lines) + "\n")
    faults = worse(result, TABLE.read_text(encoding="utf-8") if TABLE.is_file() else "")
    if chosen.write:
        TABLE.write_text(text, encoding="utf-8")
    if chosen.check and faults:
        sys.stdout.write("\n" + "\n".join(f"worse: {each}" for each in faults) + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
