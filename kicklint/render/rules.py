"""The rules: a table, one rule's page, and both for programs."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

from kicklint.render.document import dump
from kicklint.render.style import Style
from kicklint.rulebook import RuleInfo

_WIDTH = 80
_SENTENCE = re.compile(r".+?[.!?](?=\s|$)", re.DOTALL)


def first_sentence(text: str) -> str:
    """The first sentence of ``text``, on one line."""
    flat = " ".join(text.split())
    match = _SENTENCE.match(flat)
    return match.group() if match else flat


def plain(text: str) -> str:
    """Markdown without its marks for code and stress, for places that show plain text."""
    return re.sub(r"`([^`\n]+)`", r"\1", re.sub(r"\*\*([^*\n]+)\*\*", r"\1", text))


def _sections(rule: RuleInfo) -> Iterator[tuple[str, str, bool]]:
    """Title, text and whether the text is code or a drawing; empty ones are left out."""
    references = "\n".join(f"- {each}" for each in rule.references)
    tried = "\n".join(f"- {each}" for each in dict.fromkeys(each.says for each in rule.remedy))
    cwe = "\n".join(f"- CWE-{each}" for each in rule.cwe)
    for title, text, code in (
        ("What it reports", rule.what, False),
        ("Why it matters", rule.why, False),
        ("How the two sides run", rule.interleaving, True),
        ("What to do", rule.fix, False),
        ("Edits that `--remedies` tries", tried, False),
        ("Reported", rule.bad, True),
        ("Not reported", rule.good, True),
        ("What it cannot see", rule.blind, False),
        ("Known to be harmless", rule.benign, False),
        ("References", references, False),
        ("Weakness", cwe, False),
    ):
        if text.strip():
            yield title, text.strip("\n"), code


def render_markdown(rule: RuleInfo) -> str:
    """One rule's page in Markdown: ``kicklint explain`` and SARIF's ``help.markdown``."""
    out = [
        f"# {rule.id} {rule.name}\n",
        f"Level: {rule.level}. Since: {rule.since}. Precision: {rule.precision}.\n",
    ]
    for title, text, code in _sections(rule):
        language = "c" if text in (rule.bad.strip("\n"), rule.good.strip("\n")) else "text"
        body = f"```{language}\n{text.rstrip()}\n```" if code else text.strip()
        out.append(f"## {title}\n\n{body}\n")
    return "\n".join(out)


def render_text(rule: RuleInfo, *, colour: bool = False) -> str:
    """One rule's page for a terminal."""
    style = Style(colour)
    heading = style.severity(rule.level, f"{rule.id} {rule.name}")
    out = [f"{heading} ({rule.level}, since {rule.since}, {rule.precision} precision)\n"]
    for title, text, code in _sections(rule):
        body = textwrap.indent(text.rstrip() if code else _wrapped(plain(text)), "    ")
        out.append(f"{style.strong(title)}\n{body}\n")
    return "\n".join(out)


def _wrapped(text: str) -> str:
    """Paragraphs and list items filled anew; indented blocks as they are."""
    out: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        if paragraph.startswith((" ", "\t", "```")):
            out.append(paragraph)
            continue
        items = re.split(r"\n(?=[-*] )", paragraph)
        out.append("\n".join(_fill(" ".join(item.split())) for item in items))
    return "\n\n".join(out)


def _fill(item: str) -> str:
    hang = "  " if item.startswith(("- ", "* ")) else ""
    return textwrap.fill(
        item, _WIDTH - 4, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False
    )


def render_pages(rules: Sequence[RuleInfo], colour: bool = False) -> str:
    """The pages of some rules for a terminal, one after the other."""
    return "\n".join(render_text(rule, colour=colour) for rule in rules)


def render_markdown_pages(rules: Sequence[RuleInfo], _colour: bool = False) -> str:
    """The pages of some rules in Markdown, one after the other."""
    return "\n".join(render_markdown(rule) for rule in rules)


def render_table(rules: Sequence[RuleInfo], colour: bool = False) -> str:
    """Id, level, name and first sentence of each rule."""
    style = Style(colour)
    widest = max((len(rule.name) for rule in rules), default=0)
    lines: list[str] = []
    for rule in rules:
        level = style.severity(rule.level, f"{rule.level:<7}")
        lines.append(f"{rule.id}  {level}  {rule.name:<{widest}}  {plain(first_sentence(rule.what))}\n")
    return "".join(lines)


def render_json(rules: Sequence[RuleInfo], _colour: bool = False) -> str:
    """A list of objects: id, name, level, since, precision, cwe, then the texts of the page."""
    return dump(
        [
            {
                "id": rule.id,
                "name": rule.name,
                "level": rule.level.value,
                "since": rule.since,
                "precision": rule.precision,
                "cwe": list(rule.cwe),
                "what": rule.what.strip(),
                "why": rule.why.strip(),
                "fix": rule.fix.strip(),
                "interleaving": rule.interleaving.strip("\n"),
                "bad": rule.bad.strip("\n"),
                "good": rule.good.strip("\n"),
                "blind": rule.blind.strip(),
                "benign": rule.benign.strip(),
                "references": list(rule.references),
            }
            for rule in rules
        ]
    )
