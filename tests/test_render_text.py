"""Text for people, and what keeps it safe to look at."""

from __future__ import annotations

import re

import pytest
from samples import EMPTY, FULL, LINE, ONLY_NOTES, RULES, SPAN, finding, report

from kicklint.base import VCPU, Excerpt, Interleaving, Note, Report, Row, Severity, Span
from kicklint.render import REPORT_FORMATS, Context
from kicklint.render.interleaving import table
from kicklint.render.plain import character_column, encodable, expand, utf16_column, visible
from kicklint.render.rules import render_markdown, render_table, render_text

EXPECTED = """\
KICK003 guest-entry-without-request-check (error): the guest is entered without a test of vcpu->requests[0]
 --> arch/x86/kvm/odd name.c:12:11  in run_loop()  [arm64, x86]
       |
    12 |         /* \u00e4\U0001f600 */       enter(vcpu->mode, IN_GUEST_MODE);
       |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       | how it comes about:
       | 1. arch/x86/kvm/odd name.c:12 run_loop(): the mode becomes IN_GUEST_MODE  [in the guest]
       |    > /* \u00e4\U0001f600 */       enter(vcpu->mode, IN_GUEST_MODE);
       | 2.   virt/kvm/other.c:3 helper(): calls helper()
       |      > if (x)
       | 3.   virt/kvm/other.c:4 helper(): no test
       |      > enter();
       | (1 more with --verbose)
       |
       | see also:
       |   virt/kvm/other.c:4 helper(): the [entry]
       |   > enter();
       = help: test the requests after the write
       = more: kicklint explain KICK003

KICK001 unguarded-exiting-transition (warning): no guard
 --> arch/x86/kvm/odd name.c:12:11  in run_loop()  [arm64, x86]
       |
    12 |         /* \u00e4\U0001f600 */       enter(vcpu->mode, IN_GUEST_MODE);
       |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = more: kicklint explain KICK001

note: odd() holds a macro that was not understood [damaged-function]
 --> arch/x86/kvm/odd name.c:12:11
warning: the guest entry of tricore was inferred [inferred-entry]

Found 2 findings (1 error, 1 warning) in 3 files, 14 functions (arm64, x86).
"""


def test_text_is_what_it_was() -> None:
    assert REPORT_FORMATS["text"](FULL, Context()) == EXPECTED


def test_verbose_shows_every_step_and_quiet_no_more_than_findings() -> None:
    verbose = REPORT_FORMATS["text"](FULL, Context(verbose=True))
    assert "2. virt/kvm/other.c:3 run_loop(): the test is false" in verbose
    assert "more with" not in verbose
    quiet = REPORT_FORMATS["text"](FULL, Context(quiet=True))
    assert quiet == EXPECTED.partition("\nnote: odd")[0]
    assert REPORT_FORMATS["text"](EMPTY, Context(quiet=True)) == ""


def test_nothing_found() -> None:
    expected = "No findings in 3 files, 14 functions (arm64, x86).\n"
    assert REPORT_FORMATS["text"](EMPTY, Context()) == expected
    assert REPORT_FORMATS["text"](ONLY_NOTES, Context()).endswith(f"[inferred-entry]\n\n{expected}")


def test_colour_only_when_asked_and_nothing_else_changes() -> None:
    assert "\x1b" not in REPORT_FORMATS["text"](FULL, Context())
    coloured = REPORT_FORMATS["text"](FULL, Context(colour=True))
    assert "\x1b[1;31mKICK003" in coloured
    assert "\x1b[1;33mKICK001" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == EXPECTED


@pytest.mark.parametrize("style", ["text", "concise"])
def test_no_terminal_escape_comes_through(style: str) -> None:
    evil = "x\x1b[31m\x9b1m\x07\x7f\u202e\u2066\u200b\udcff\r\n"
    span = Span(f"a{evil}.c", 1, 1, 1, 3)
    bad = finding(
        span=span, message=evil, name=evil, function=evil, remedy=evil, trail=(), architectures=(evil,)
    )
    dirty = Report(
        (bad,), (Note(evil, Severity.NOTE, evil, span),), (evil,), 1, 1, (Excerpt(span.path, 1, evil),)
    )
    shown = REPORT_FORMATS[style](dirty, Context())
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ud800-\udfff]", shown)
    assert "\\x1b[31m" in shown
    assert "<U+202E>" in shown
    assert "\\xff" in shown
    assert shown.encode()


def test_caret_stands_under_the_span_where_a_line_holds_odd_things() -> None:
    for before in ("\t", "   \t", "\x1b", "\u4e2d\u6587", "e\u0301", "\udcff"):
        text = f"{before}call()"
        first = len(before.encode("utf-8", "surrogateescape")) + 1
        shown, cells = expand(text)
        width = cells[first - 1]
        # Wide and combining characters aside, the cell is the index in the text shown.
        expected = {"\u4e2d\u6587": 4, "e\u0301": 1}.get(before, shown.index("call"))
        assert width == expected
        assert cells[-1] - width == len("call()")


def test_a_span_of_many_lines_is_cut_and_one_beyond_the_line_does_no_harm() -> None:
    lines = tuple(Excerpt("a.c", number, f"\tline{number};") for number in range(1, 30))
    many = finding(span=Span("a.c", 2, 2, 20, 3), trail=(), related=(), remedy="")
    shown = REPORT_FORMATS["text"](Report((many,), excerpts=lines), Context())
    assert "line2;" in shown
    assert "line7;" in shown
    assert "line8;" not in shown
    beyond = finding(span=Span("a.c", 2, 900, 2, 950), trail=(), related=())
    assert "^" in REPORT_FORMATS["text"](Report((beyond,), excerpts=lines), Context())
    nowhere = finding(span=Span("gone.c", 2, 9, 2, 9), function="", architectures=())
    assert " --> gone.c:2:9\n" in REPORT_FORMATS["text"](report(nowhere), Context())


def test_columns_in_each_unit() -> None:
    assert character_column(LINE, SPAN.column) == 11
    assert utf16_column(LINE, SPAN.column) == 12
    assert character_column(None, 17) == utf16_column(None, 17) == 17
    assert character_column("ab", 99) == 3
    assert utf16_column("\udcffa", 2) == 2


def test_concise() -> None:
    place = "arch/x86/kvm/odd name.c:12:11"
    assert REPORT_FORMATS["concise"](FULL, Context()).splitlines() == [
        f"{place}: error: the guest is entered without a test of vcpu->requests[0] [KICK003]",
        f"{place}: warning: no guard [KICK001]",
        f"{place}: note: odd() holds a macro that was not understood [damaged-function]",
        "kicklint: note: the guest entry of tricore was inferred [inferred-entry]",
    ]
    assert len(REPORT_FORMATS["concise"](FULL, Context(quiet=True)).splitlines()) == 2
    assert REPORT_FORMATS["concise"](EMPTY, Context()) == ""


def test_visible_and_encodable_leave_ordinary_text_alone() -> None:
    text = "vcpu->mode \u2260 \u00e4 \u4e2d\u6587 \U0001f600"
    assert visible(text) == encodable(text) == text
    assert encodable("a\udcffb") == "a\ufffdb"


def test_a_rule_on_the_terminal_and_in_markdown() -> None:
    page = render_text(RULES[1])
    assert page.startswith("KICK003 guest-entry-without-request-check (error, since 0.1.0, high precision)\n")
    assert "    Some way to the guest has no test of the requests. It may be a long one.\n" in page
    assert "    - another reason that goes on over two lines\n" in page
    assert "    \treturn 1;\n" in page
    assert "\x1b" not in page
    assert "\x1b" in render_text(RULES[1], colour=True)
    markdown = render_markdown(RULES[1])
    assert markdown.startswith("# KICK003 guest-entry-without-request-check\n")
    assert "```c\nint bad(void)\n{\n\treturn 1;\n}\n```" in markdown
    assert "```text\nvCPU" in markdown


def test_table_of_rules() -> None:
    what = "Some way to the guest has no test of the requests."
    assert render_table(RULES).splitlines() == [
        f"KICK001  warning  unguarded-exiting-transition       {what}",
        f"KICK003  error    guest-entry-without-request-check  {what}",
    ]


def test_a_name_that_fits_its_column_is_not_cut() -> None:
    """In a reply a column has 38 characters, and this name with its line as many."""
    name = "kvm_" + "x" * 28
    rows = (Row(VCPU, "vcpu->requests: none is pending", name, Span("a.c", 353, 1, 353, 2)),)
    lines = table(Interleaving(rows, "it is lost", "C x", "Sometimes", "", ""), 38)
    assert f"({name}:353)" in lines
    assert all(len(line) <= 78 for line in lines)
