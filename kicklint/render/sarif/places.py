"""Where things stand: files, regions and functions as SARIF locations."""

from __future__ import annotations

from urllib.parse import quote

import sarif_om as om

from kicklint.base import Report, Span
from kicklint.render.plain import Lines, utf16_column
from kicklint.render.sarif.model import message

# The base that consumers put their checkout's root in place of. Without a uri of its own
# it gives no path of the machine away (SARIF 2.1.0 section 3.14.14).
SOURCE_ROOT = "%SRCROOT%"


class Places:
    """Makes locations for one report and keeps the list of files they are in."""

    def __init__(self, report: Report) -> None:
        self._lines = Lines(report)
        self._files: dict[str, int] = {}

    def artifacts(self) -> list[om.Artifact]:
        """The files of all locations made so far, in the order of their index."""
        return [
            om.Artifact(
                location=_artifact(path), source_language="c" if path.endswith((".c", ".h")) else None
            )
            for path in self._files
        ]

    def location(
        self,
        span: Span,
        function: str = "",
        text: str = "",
        identity: int | None = None,
        *,
        context: bool = False,
    ) -> om.Location:
        """One location: file, region of one line, function and message.

        GitHub annotates a pull request only when every line of the region is in
        the diff, so the region ends with its first line (section 3.28, 3.33).
        """
        index = self._files.setdefault(span.path, len(self._files))
        region = self._region(span)
        where = om.PhysicalLocation(
            artifact_location=_artifact(span.path, index),
            region=region,
            context_region=self._context(span, region) if context else None,
        )
        logical = om.LogicalLocation(name=function, fully_qualified_name=function, kind="function")
        return om.Location(
            id=-1 if identity is None else identity,
            physical_location=where,
            logical_locations=[logical] if function else None,
            message=message(text) if text else None,
        )

    def artifact(self, path: str) -> om.ArtifactLocation:
        """The file ``path``, which is one of the artifacts from now on."""
        return _artifact(path, self._files.setdefault(path, len(self._files)))

    def replaced(self, span: Span) -> om.Region:
        """The region of exactly ``span``, which may be empty and may have several lines."""
        start, end = (
            utf16_column(self._lines.get(span.path, line), column)
            for line, column in ((span.line, span.column), (span.end_line, span.end_column))
        )
        return om.Region(start_line=span.line, start_column=start, end_line=span.end_line, end_column=end)

    def _region(self, span: Span) -> om.Region:
        text = self._lines.get(span.path, span.line)
        start = utf16_column(text, span.column)
        if span.end_line == span.line:
            end = utf16_column(text, span.end_column)
        else:
            end = (
                start
                if text is None
                else utf16_column(text, len(text.encode("utf-8", "surrogateescape")) + 1)
            )
        return om.Region(
            start_line=span.line,
            start_column=start,
            end_line=span.line,
            end_column=max(end, start),
            snippet=_snippet(text, span),
        )

    def _context(self, span: Span, region: om.Region) -> om.Region | None:
        """The whole line, when that is more than the region (section 3.29.5)."""
        text = self._lines.get(span.path, span.line)
        covered = "" if region.snippet is None else region.snippet.text
        if text is None or text == covered:
            return None
        return om.Region(
            start_line=span.line, end_line=span.line, snippet=om.ArtifactContent(text=text) if text else None
        )


def _snippet(text: str | None, span: Span) -> om.ArtifactContent | None:
    if text is None:
        return None
    data = text.encode("utf-8", "surrogateescape")
    end = span.end_column - 1 if span.end_line == span.line else len(data)
    covered = data[span.column - 1 : end].decode("utf-8", "replace")
    return om.ArtifactContent(text=covered) if covered else None


def _artifact(path: str, index: int = -1) -> om.ArtifactLocation:
    """A percent-encoded path relative to the root (RFC 3986; SARIF section 3.4.3)."""
    # A file may be named anything; surrogates stand for its raw bytes.
    uri = quote(path.encode("utf-8", "surrogateescape"), safe="/")
    return om.ArtifactLocation(uri=uri, uri_base_id=SOURCE_ROOT, index=index)
