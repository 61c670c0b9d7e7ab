"""The inventory of protocol sites: a table, CSV or JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from kicklint.base import Site
from kicklint.render.document import dump
from kicklint.render.plain import counted, encodable, visible

COLUMNS = ("path", "line", "function", "kind", "detail", "vcpu")


def render_text(sites: Sequence[Site]) -> str:
    """A table: place, kind, detail, vcpu, function; each column as wide as it needs."""
    rows = [
        (
            f"{visible(site.path)}:{site.line}",
            visible(site.kind),
            visible(site.detail),
            visible(site.vcpu),
            f"{visible(site.function)}()" if site.function else "",
        )
        for site in sites
    ]
    widths = [max((len(cell) for cell in column), default=0) for column in zip(*rows, strict=True)]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]
    table = "".join(f"{line.rstrip()}\n" for line in lines)
    return f"{table}{counted(len(rows), 'site')}\n"


def render_csv(sites: Sequence[Site]) -> str:
    """CSV (RFC 4180, but lines end in a plain newline) with a header line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((s.path, s.line, s.function, s.kind, s.detail, s.vcpu) for s in sites)
    return encodable(out.getvalue())


def render_json(sites: Sequence[Site]) -> str:
    """A list of objects with the keys path, line, function, kind, detail, vcpu."""
    return dump(
        [
            {
                "path": site.path,
                "line": site.line,
                "function": site.function,
                "kind": site.kind,
                "detail": site.detail,
                "vcpu": site.vcpu,
            }
            for site in sites
        ]
    )
