"""What a review with the tree says of the mutants and of the edits without meaning, each sent as a patch.

    python tests/mutants/reviews.py [--rule KICKnnn] [--arch NAME,...] [--only TEXT] [--every N]
                                    [--kernel DIR] [--keep FILE] [--kept] [--write]

A mutant is caught when its rule is new in one of its functions and a hunk is named for it; an edit
without meaning passes when nothing is new. --every takes each N-th of an architecture. --keep
appends each result to FILE as it comes, and takes those that are there for done; with --kept
nothing else is run. --write keeps the result in REVIEWS.md.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median_low

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kernel_edits import edited, kept
from patches import diff, mail

from kicklint.base import Judged, Outcome, PatchReview
from kicklint.review import Place, ReviewRequest, review, series
from kicklint.source import read_mail
from kicklint.store import Store
from mutants.bench import Case, gathered
from mutants.model import Mutant
from mutants.partly import chosen, keep_line, keeping, kept_lines, options

TABLE = Path(__file__).resolve().parent / "REVIEWS.md"
VERSION = "6.12"
GOOD = ("caught", "passed")


@dataclass(frozen=True)
class Reviewed:
    """What became of one case: ``caught`` or ``passed``, or what was said instead; and the milliseconds of
    processor time that it took."""

    id: str
    rule: str
    architecture: str
    outcome: str
    said: str = ""
    took: int = 0


def mail_of(root: Path, case: Case) -> bytes:
    """The edits of ``case`` as a mail."""
    tree = edited(root, case.edits)
    base = kept(root)
    known = set(base.paths())
    texts = []
    for path, text in sorted(tree.changes.items()):
        before = base.read(path).decode("latin-1") if path in known else None
        texts.append(diff(path, before, text.decode("latin-1") if text is not None else None))
    return mail("".join(texts), f"[PATCH] {case.id}")


def reviewed(root: Path, case: Case, store: Store | None = None) -> Reviewed:
    """The review of ``case`` in its architecture, by all rules."""
    begun = time.process_time()
    request = ReviewRequest(Place(kept(root)), (case.architecture,), store=store)
    (done,) = review(series([read_mail(mail_of(root, case), case.id)]), request).patches
    took = round(1000 * (time.process_time() - begun))
    rule = case.rule if isinstance(case, Mutant) else ""
    outcome, said = judged(case, done)
    return Reviewed(case.id, rule, case.architecture, outcome, said, took)


def judged(case: Case, done: PatchReview) -> tuple[str, str]:
    """What ``done`` makes of ``case``, and what was said instead of what should have been."""
    told = "; ".join(f"{each.finding.rule} {each.finding.function}" for each in done.new)
    if done.outcome is not Outcome.REVIEWED:
        return "not reviewed", done.reason
    if not isinstance(case, Mutant):
        return ("passed", "") if not done.new else ("not harmless", told)
    ours = [
        each
        for each in done.new
        if each.finding.rule == case.rule and each.finding.function in case.functions
    ]
    if not ours:
        return ("elsewhere" if told else "missed"), told
    return ("caught", "") if any(map(_placed, ours)) else ("no hunk", told)


def _placed(each: Judged) -> bool:
    return each.cause is not None and each.at is not None


def sample(cases: Sequence[Case], count: int) -> list[Case]:
    """``count`` of the mutants of each architecture, apart from each other, and one edit without meaning."""
    found: list[Case] = []
    for name in sorted({each.architecture for each in cases}):
        for kind, number in ((True, count), (False, 1)):
            here = [each for each in cases if each.architecture == name and isinstance(each, Mutant) is kind]
            found += here[:: max(1, len(here) // number)][:number]
    return found


def kept_in(file: Path | None) -> dict[str, Reviewed]:
    """The results in ``file``, by id."""
    return {each.id: each for each in (Reviewed(**line) for line in kept_lines(file))}


def run(root: Path, cases: Iterable[Case], keep: Path | None) -> Iterator[Reviewed]:
    """The results, each kept as soon as it is there."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "results")
        for case in cases:
            done = reviewed(root, case, store)
            keep_line(keep, done)
            if done.outcome not in GOOD:
                sys.stderr.write(f"reviews: {done.id}: {done.outcome}: {done.said}\n")
            yield done


def table_text(every: Sequence[Reviewed], missed: Sequence[str], total: int) -> str:
    """The table, with the names of what is not as it should be; ``missed`` are those that a check misses."""
    lines = [
        "# Reviews of the mutants",
        "",
        f"Linux {VERSION}, by tests/mutants/reviews.py: each edit as a mail, reviewed with the tree in its",
        "architecture by all rules. Caught is a mutant whose rule is new in one of its functions with a hunk",
        "named for it; an edit without meaning is harmless where nothing is new. Run were",
        f"{len(every)} of {total}; mutants that a check misses ([TABLE.md](TABLE.md)) are left out.",
        "Processor time is that of one process which has reviewed others before.",
        "",
        "| world | caught | harmless | seconds, median | seconds, slowest |",
        "|---|---|---|---|---|",
    ]
    counted = [each for each in every if each.id not in missed]
    for name in sorted({each.architecture for each in counted}):
        here = [each for each in counted if each.architecture == name]
        cells = [
            f"{sum(each.outcome in GOOD for each in group)}/{len(group)}"
            for group in ([each for each in here if each.rule], [each for each in here if not each.rule])
        ]
        took = [each.took / 1000 for each in here]
        lines.append(f"| {name} | {' | '.join(cells)} | {median_low(took):.1f} | {max(took):.1f} |")
    bad = [each for each in counted if each.outcome not in GOOD]
    if bad:
        lines += ["", "Not as it should be:", ""]
        lines += [f"- `{each.id}`: {each.outcome}{f': {each.said}' if each.said else ''}" for each in bad]
    return "\n".join(lines) + "\n"


def missed_by_checks() -> list[str]:
    """The mutants that TABLE.md has as missed."""
    text = TABLE.with_name("TABLE.md").read_text(encoding="utf-8")
    return [line.split("`")[1] for line in text.splitlines() if line.startswith("- KICK")]


def main() -> None:
    """Run what the command line asks for."""
    parser = options(__doc__)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--kernel", type=Path, default=Path.home() / f".cache/kicklint/kernels/{VERSION}")
    keeping(parser)
    wanted = parser.parse_args()
    every = gathered()
    cases = chosen(every, wanted)[:: wanted.every]
    known = kept_in(wanted.keep)
    missing = [each for each in cases if each.id not in known and not wanted.kept]
    done = [*known.values(), *run(wanted.kernel, missing, wanted.keep)]
    text = table_text(
        sorted(done, key=lambda each: (each.architecture, each.id)), missed_by_checks(), len(every)
    )
    sys.stdout.write(text)
    if wanted.write:
        TABLE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
