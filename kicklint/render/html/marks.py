"""Text as HTML."""

from __future__ import annotations

import html
import re

from kicklint.render.plain import expand, visible

_CODE = re.compile(r"`([^`\n]+)`")


def words(text: str) -> str:
    """Any text on one line, safe to put anywhere in a page."""
    return html.escape(visible(text), quote=True)


def source(text: str) -> str:
    """A line of source as a terminal shows it, with its tabs expanded."""
    return html.escape(expand(text)[0], quote=True)


def prose(text: str) -> str:
    """Paragraphs of a rule's page, with its marks for code."""
    paragraphs = [" ".join(each.split()) for each in text.strip().split("\n\n")]
    marked = [_CODE.sub(r"<code>\1</code>", words(each)) for each in paragraphs if each]
    return "".join(f"<p>{each}</p>" for each in marked)


def place(path: str, line: int) -> str:
    """A file and a line."""
    return f'<span class="place">{words(path)}:{line}</span>'
