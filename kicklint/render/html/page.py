"""The page: what was looked at, the findings by rule and architecture, each finding, and the appendix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from kicklint.base import Coverage, DamagedFunction, Finding, MissedFunction, Note, Report, Site
from kicklint.render.context import Context
from kicklint.render.html.finding import article
from kicklint.render.html.marks import place, words
from kicklint.render.plain import Lines, counted
from kicklint.render.summary import summary

# Nothing is fetched from anywhere, whatever source text holds.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def render(report: Report, context: Context) -> str:
    """The report as a page; ``context.sites`` and ``context.coverage`` are shown when they are there."""
    lines = Lines(report)
    rules = {rule.id: rule for rule in context.rules}
    shown = report.findings if context.verbose else report.open_findings
    body = [
        f"<header class='top'><h1>kicklint</h1><p>{words(summary(report))}</p></header>",
        _matrix(shown, report.architectures),
        '<section id="findings"><h2>Findings</h2>',
        *(article(each, lines, rules) for each in shown),
        "" if shown else "<p>None.</p>",
        "</section>",
        _notes(report.notes),
        _sites(context.sites),
        _coverage(context.coverage),
        f"<footer><p>kicklint {words(context.version)}</p></footer>",
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>kicklint: {counted(len(shown), 'finding')}</title>\n"
        f"<style>\n{_beside('page.css')}</style>\n</head>\n<body>\n"
        + "\n".join(each for each in body if each)
        + f"\n<script>\n{_beside('page.js')}</script>\n</body>\n</html>\n"
    )


def _beside(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


def _matrix(findings: Sequence[Finding], architectures: Sequence[str]) -> str:
    """How many findings a rule has in each architecture; a cell shows only those."""
    if not findings:
        return ""
    counts = Counter((each.rule, world) for each in findings for world in each.architectures or ("",))
    names = {each.rule: each.name for each in findings}
    worlds = [each for each in architectures if any(world == each for _, world in counts)] or [""]
    heads = "".join(f"<th>{words(each) or 'generic'}</th>" for each in worlds)
    rows = []
    for rule in sorted(names):
        cells = "".join(
            f'<td><button type="button" data-rule="{words(rule)}" data-world="{words(world)}">'
            f"{counts[rule, world]}</button></td>"
            if counts[rule, world]
            else "<td></td>"
            for world in worlds
        )
        total = sum(each.rule == rule for each in findings)
        rows.append(
            f'<tr><th scope="row"><button type="button" data-rule="{words(rule)}" data-world="">{words(rule)}'
            f"</button> {words(names[rule])}</th>{cells}<td>{total}</td></tr>"
        )
    return (
        '<section id="matrix"><h2>By rule and architecture</h2><div class="wide"><table><thead><tr><th></th>'
        f"{heads}<th>all</th></tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
        '<p><button type="button" class="every" hidden>show all findings</button></p></section>'
    )


def _notes(notes: Sequence[Note]) -> str:
    if not notes:
        return ""
    entries = []
    for note in notes:
        where = f" {place(note.span.path, note.span.line)}" if note.span is not None else ""
        entries.append(f"<li>{words(note.message)} <small>[{words(note.code)}]</small>{where}</li>")
    return f'<section id="notes"><h2>Notes</h2><ul>{"".join(entries)}</ul></section>'


def _sites(sites: Sequence[Site]) -> str:
    """The inventory, kind by kind."""
    if not sites:
        return ""
    kinds: dict[str, list[Site]] = {}
    for each in sites:
        kinds.setdefault(each.kind, []).append(each)
    blocks = []
    for kind in sorted(kinds):
        rows = "".join(
            f"<tr><td>{place(each.path, each.line)}</td><td>{words(each.function)}()</td>"
            f"<td>{words(each.detail)}</td><td><code>{words(each.vcpu)}</code></td></tr>"
            for each in kinds[kind]
        )
        blocks.append(
            f'<details class="sites"><summary>{words(kind)} <small>{len(kinds[kind])}</small></summary>'
            '<div class="wide"><table><thead><tr><th>place</th><th>function</th><th>what</th><th>vCPU</th>'
            f"</tr></thead><tbody>{rows}</tbody></table></div></details>"
        )
    return f'<section id="sites"><h2>Sites of the protocol</h2>{"".join(blocks)}</section>'


def _coverage(coverage: Coverage | None) -> str:
    if coverage is None:
        return ""
    rows = [
        ("files", coverage.files),
        ("functions", coverage.functions),
        ("functions that were not wholly understood", len(coverage.damaged)),
    ]
    if coverage.reference is not None:
        rows += [
            ("functions that Universal Ctags lists", coverage.reference),
            ("of these not found", len(coverage.missed)),
        ]
    whole: tuple[DamagedFunction | MissedFunction, ...] = (*coverage.damaged, *coverage.missed)
    listed = "".join(
        f"<li>{place(each.path, each.line)} {words(each.function)}(): {words(each.reason)}</li>"
        for each in whole
    )
    table = "".join(f'<tr><th scope="row">{name}</th><td>{number}</td></tr>' for name, number in rows)
    more = f"<details><summary>Which</summary><ul>{listed}</ul></details>" if listed else ""
    return f'<section id="coverage"><h2>Coverage</h2><table><tbody>{table}</tbody></table>{more}</section>'
