"""JUnit's XML: a test suite a file, a failed test a finding."""

from __future__ import annotations

from html import escape

from kicklint.base import Finding, Report
from kicklint.render.context import Context
from kicklint.render.plain import Lines, character_column, encodable, visible


def render(report: Report, _context: Context) -> str:
    """The findings as failures; without any, one suite with one test that passed."""
    lines = Lines(report)
    by_file: dict[str, list[Finding]] = {}
    for each in report.open_findings:
        by_file.setdefault(each.span.path, []).append(each)
    total = len(report.open_findings)
    out = [
        '<?xml version="1.0" encoding="UTF-8"?>\n',
        f'<testsuites name="kicklint" tests="{max(total, 1)}" failures="{total}" errors="0">\n',
    ]
    for path, found in by_file.items():
        count = len(found)
        name = _attribute(path)
        out.append(f'  <testsuite name={name} tests="{count}" failures="{count}" errors="0" skipped="0">\n')
        out += [_case(each, lines) for each in found]
        out.append("  </testsuite>\n")
    if not by_file:
        out.append('  <testsuite name="kicklint" tests="1" failures="0" errors="0" skipped="0">\n')
        out.append('    <testcase name="no findings" classname="kicklint"/>\n')
        out.append("  </testsuite>\n")
    return "".join([*out, "</testsuites>\n"])


def _case(finding: Finding, lines: Lines) -> str:
    span = finding.span
    column = character_column(lines.get(span.path, span.line), span.column)
    path = _attribute(span.path)
    body = f"{span.path}:{span.line}:{column}: {finding.severity}: {finding.message} [{finding.rule}]"
    return (
        f"    <testcase name={_attribute(f'{finding.rule} {finding.function}')}"
        f' classname={path} file={path} line="{span.line}">\n'
        f"      <failure type={_attribute(finding.severity.value)} message={_attribute(finding.message)}>"
        f"{escape(encodable(visible(body)))}</failure>\n"
        "    </testcase>\n"
    )


def _attribute(text: str) -> str:
    return f'"{escape(encodable(visible(text)))}"'
