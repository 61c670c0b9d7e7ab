"""Whatever the bytes are, the front end keeps their length and lines, and does not raise."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kicklint.syntax import SyntaxFile, load_dialect, parse_file, parse_fragment

DIALECT = load_dialect(Path(__file__).parent.parent / "rules" / "dialect.toml")
PIECES = (
    "int f(void)\n{\n",
    "}\n",
    "{",
    "}",
    "(",
    ")",
    ";",
    "\n",
    "\r\n",
    "\0",
    "\t",
    " ",
    "\\\n",
    '"',
    "'",
    "/*",
    "*/",
    "//",
    "#if A\n",
    "#ifdef B\n",
    "#else\n",
    "#elif C\n",
    "#endif\n",
    "#define X(a) \\\n a\n",
    "#if 0\n",
    "case 1 ... 2:",
    "list_for_each_entry(a, b, c)",
    "scoped_guard(x, y)",
    "scoped_cond_guard(\nx, return 1,\n y)",
    "__must_hold(\nx)",
    "__user",
    "__always_inline",
    "typeof(\nx)",
    "call(struct a *\n, unsigned\nlong)",
    'asm volatile(\n"a\\\nb" X(1)\n : )',
    "out:\n}",
    "if (x)",
    "else",
    "x = y;",
    ".a = b,",
    "struct s t = {",
    "enum {",
    "A = 1,",
    "é",
    "\f",
    "\v",
    "macro(x)\n",
    "for_each_x(\n)",
    "48_47",
    "offsetof(a, b.c)",
)


def line_ends(text: bytes) -> list[int]:
    return [offset for offset, byte in enumerate(text) if byte == ord("\n")]


def check(source: bytes) -> SyntaxFile:
    parsed = parse_file("a.c", source, DIALECT)
    texts = {parsed.normalised} | {body.text for f in parsed.functions for body in f.bodies}
    for text in texts:
        assert len(text) == len(source)
        assert line_ends(text) == line_ends(source)
    for found in parsed.functions:
        for body in found.bodies:
            assert (
                all(body.node.start_byte <= offset < body.node.end_byte for offset in body.rewritten)
                or found.damage
            )
            assert found.damage or (body.node.type == "compound_statement" and not body.node.has_error)
    return parsed


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=60))
def test_pieces_of_c_keep_length_and_lines(pieces: list[str]) -> None:
    check("".join(pieces).encode("latin-1", "replace"))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_keep_length_and_lines(source: bytes) -> None:
    check(source)
    parse_fragment(source, DIALECT)


@pytest.mark.parametrize(
    "source", [b"", b"\n", b"\0", b"int f(void) { }", b"\xff\xfe", b'"', b"/*", b"#", b"\\"]
)
def test_small_oddities(source: bytes) -> None:
    check(source)


def test_crlf_and_no_final_newline_make_no_difference() -> None:
    source = b"#define A \\\n 1\nint f(void)\n{\n\treturn A;\n}"
    unix, dos = check(source), check(source.replace(b"\n", b"\r\n"))
    assert [(f.name, f.span, f.damage) for f in unix.functions] == [
        (f.name, f.span, f.damage) for f in dos.functions
    ]
    assert [m.body for m in unix.macros] == [m.body for m in dos.macros] == ["1"]


MANY = 100_000


@pytest.mark.parametrize(
    "body",
    [
        "x = " + "(" * MANY + ")" * MANY + ";",
        "{" * MANY + "}" * MANY,
        "if (x) " * MANY + ";",
        "if (x) y(); " + "else if (x) y(); " * MANY,
        "x = a" + " + a" * MANY + ";",
        "x = " + "!" * MANY + "a;",
    ],
    ids=["parentheses", "blocks", "ifs", "else-ifs", "sum", "nots"],
)
def test_deep_nesting_is_damage_and_no_crash(body: str) -> None:
    (found,) = parse_file("a.c", f"int f(void) {{ {body} }}".encode(), DIALECT).functions
    assert any(reason.startswith("nested too deeply") for reason in found.damage)


@pytest.mark.parametrize(
    "text",
    [
        "__must_hold(" * 20_000,
        "int f(void) {" + "list_for_each(" * 20_000 + "}",
        "int f(void)\n{\n" + "#ifdef A\n" * 5_000 + "}\n",
        "int f(void)\n{\n" + "if (x)\n#ifdef A\n\ty();\n#endif\n\tz();\n" * 2_000 + "}\n",
        "int f(void)\n{\n\tif (x)\n#ifdef A\n\ty();\n#endif\n\tz();\n}\n" * 2_000,
        "int f(void){{\n}\n" * 5_000,
        "int f(void)\n{\n\tif (x ] y();\n}\n" * 3_000,
        "struct x y = {" + ".a = {" * 50_000,
        "enum {" * 50_000,
        "}" * 100_000,
        '"' * 100_000,
        "\\\n" * 100_000,
        "int f(a) int b" + ";int c" * 20_000,
    ],
)
def test_work_is_bounded(text: str) -> None:
    before = time.process_time()
    parse_file("a.c", text.encode(), DIALECT)
    # Each takes a second or two at most; work that grows with the square takes minutes.
    assert time.process_time() - before < 20
