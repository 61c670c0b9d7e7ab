#!/usr/bin/env python3
"""Write docs/rules from rules/: one page a rule, and the list of them.

    python scripts/rule_pages.py [--check] [FOLDER]

FOLDER is docs/rules by default. Pages of rules that are no more are removed. With
--check nothing is written. kicklint must be installed.

Exit status: 0 all pages are as they must be, 1 (with --check) some are not, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kicklint.render import RULE_FORMATS
from kicklint.rulebook import RuleInfo, load_rulebook

FOLDER = Path(__file__).resolve().parents[1] / "docs/rules"
_NOTE = "<!-- Written by scripts/rule_pages.py from rules/{0}. Edit that file. -->\n\n"


def page(rule: RuleInfo) -> str:
    """The page of one rule: what `kicklint explain --format markdown` prints."""
    return _NOTE.format(f"{rule.id}.toml") + RULE_FORMATS["markdown"]([rule], False)


def index(rules: tuple[RuleInfo, ...]) -> str:
    """The list of the rules."""
    rows = [f"| [{rule.id}]({rule.id}.md) | {rule.name} | {rule.level} | {rule.since} |\n" for rule in rules]
    head = "# Rules\n\n| id | name | level | since |\n|---|---|---|---|\n"
    return _NOTE.format("") + head + "".join(rows)


def pages() -> dict[str, str]:
    """What the folder must hold, by file name."""
    rules = load_rulebook().rules
    return {"README.md": index(rules), **{f"{rule.id}.md": page(rule) for rule in rules}}


def differences(folder: Path) -> list[str]:
    """The files of ``folder`` that are missing, too many or not as they must be."""
    wanted = pages()
    there = {path.name for path in folder.glob("*.md")}
    changed = {name for name in there & wanted.keys() if (folder / name).read_text("utf-8") != wanted[name]}
    return sorted(changed | (there ^ wanted.keys()))


def write(folder: Path) -> None:
    """Make ``folder`` hold the pages and no others."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for name in differences(folder):
        if name in wanted:
            (folder / name).write_text(wanted[name], encoding="utf-8")
        else:
            (folder / name).unlink()


def main(arguments: list[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write docs/rules from rules/.")
    parser.add_argument("--check", action="store_true", help="write nothing, complain of differences")
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    options = parser.parse_args(arguments)
    if not options.check:
        write(options.folder)
        return 0
    wrong = differences(options.folder)
    for name in wrong:
        print(
            f"{options.folder / name}: is not what rules/ gives; run scripts/rule_pages.py", file=sys.stderr
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
