"""kicklint rules and kicklint explain: what can be reported, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click

from kicklint.cli.options import RuleList, colour, flat, formats, own_rules
from kicklint.cli.output import check_writable, wants_colour, write
from kicklint.render import FOR_PEOPLE, RULE_FORMATS, RULES_FORMATS
from kicklint.rulebook import RuleInfo, load_rulebook

_Renderer = Callable[[Sequence[RuleInfo], bool], str]


@click.command()
@formats(RULES_FORMATS)
@own_rules
@colour
def rules(style: str, output: Path | None, colour: str) -> None:
    """List the rules."""
    _write(load_rulebook().rules, RULES_FORMATS, style, output, colour)


@click.command()
@click.argument("wanted", nargs=-1, required=True, type=RuleList(), metavar="RULE...")
@formats(RULE_FORMATS)
@own_rules
@colour
def explain(wanted: tuple[tuple[str, ...], ...], style: str, output: Path | None, colour: str) -> None:
    """Explain RULE, named by id or name: what it reports, why, and what to do."""
    book = load_rulebook()
    chosen = [rule for each in flat(wanted) if (rule := book.rule(each))]
    _write(chosen, RULE_FORMATS, style, output, colour)


def _write(
    chosen: Sequence[RuleInfo],
    table: Mapping[str, _Renderer],
    style: str,
    output: Path | None,
    colour: str,
) -> None:
    check_writable(output)
    text = table[style](chosen, wants_colour(colour, output))
    write(text, output, for_people=style in FOR_PEOPLE)
