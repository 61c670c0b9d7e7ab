"""What the front end finds in C of the kernel's style."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from tree_sitter import Node

from kicklint.syntax import Body, Function, Parameter, SyntaxFile, load_dialect, parse_file, parse_fragment

DIALECT = load_dialect(Path(__file__).parent.parent / "rules" / "dialect.toml")


def parse(text: str) -> SyntaxFile:
    return parse_file("a.c", textwrap.dedent(text).encode(), DIALECT)


def function(body: str) -> Function:
    (found,) = parse_file(
        "a.c", b"int f(void)\n{\n" + textwrap.dedent(body).encode() + b"}\n", DIALECT
    ).functions
    return found


def only(body: str) -> Body:
    found = function(body)
    assert found.damage == ()
    (one,) = found.bodies
    return one


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from walk(child)


def kinds(body: Body, kind: str) -> list[Node]:
    return [node for node in walk(body.node) if node.type == kind]


def said(node: Node, body: Body) -> str:
    return " ".join(body.text[node.start_byte : node.end_byte].decode().split())


def calls(body: Body) -> list[str]:
    return [said(node.children[0], body) for node in kinds(body, "call_expression")]


def test_headers() -> None:
    found = parse("""\
        EXPORT_SYMBOL_GPL(before)
        static __always_inline const struct page *a(struct vcpu *v, const char __user *p, int (*fn)(int),
                                                    u8 b[4], ...)
        {
        }
        unsigned long b(void) __must_hold(&lock) { return 0; }
        static int __init
        c(int)
        {
        }
        int (*d(int x))(void) { return 0; }
        static int NAME(walk)(struct walker *w) { return 0; }
        SYSCALL_DEFINE2(open, int, a, int, b) { return 0; }
        struct s { int (*e)(void); };
        int old(x, y) int x; char *y; { return x; }
        """).functions
    assert [f.name for f in found] == ["a", "b", "c", "d", "NAME(walk)", "SYSCALL_DEFINE2", "old"]
    a, b, c, d, name, _, old = found
    assert (a.static, a.inline, a.returns) == (True, True, "const struct page *")
    assert a.parameters == (
        Parameter("v", "struct vcpu *"),
        Parameter("p", "const char *"),
        Parameter("fn", "int ( * ) ( int )"),
        Parameter("b", "u8 [ 4 ]"),
        Parameter("...", "..."),
    )
    assert (a.span.line, a.start_line, a.end_line) == (2, 2, 5)
    assert (b.static, b.returns, b.parameters) == (False, "unsigned long", ())
    assert (c.span.line, c.span.column, c.start_line, c.parameters) == (8, 1, 7, (Parameter("", "int"),))
    assert d.parameters == (Parameter("x", "int"),)
    assert name.parameters == (Parameter("w", "struct walker *"),)
    assert old.parameters == (Parameter("x", "int"), Parameter("y", "char *"))


def test_words_are_of_the_code_and_not_of_comments_and_strings() -> None:
    (found,) = parse('int f(void)\n{\n\t/* no */\n#ifdef CFG\n\tcall("nor", __this);\n#endif\n}\n').functions
    assert found.words == {"int", "f", "void", "ifdef", "CFG", "call", "__this", "endif"}


def test_a_loop_macro_is_a_loop_and_a_function_of_like_name_a_call() -> None:
    body = only("""\
            kvm_for_each_vcpu(i, v, kvm) {
                kick(v);
            }
            if (x)
                list_for_each_entry(p, &head, link)
                    use(p);
            bus_for_each_dev(&bus, NULL, NULL, fn);
            err = tree_for_each(&tree, fn);
            while (y)
                wait();
        """)
    loops = kinds(body, "while_statement")
    assert [body.rewritten.get(node.start_byte) for node in loops] == [
        "kvm_for_each_vcpu",
        "list_for_each_entry",
        None,
    ]
    condition = loops[0].child_by_field_name("condition")
    assert condition is not None
    assert said(condition, body) == "(i, v, kvm)"
    assert calls(body) == ["kick", "use", "bus_for_each_dev", "tree_for_each", "wait"]


def test_guards() -> None:
    body = only("""\
            guard(mutex)(&a->lock);
            scoped_guard(srcu, &kvm->srcu)
                one();
            scoped_cond_guard(mutex_intr, return -EINTR, &lock) {
                two();
            }
            CLASS(fd, f)(n);
        """)
    loops = kinds(body, "while_statement")
    assert [body.rewritten[node.start_byte] for node in loops] == ["scoped_guard", "scoped_cond_guard"]
    assert sorted(body.rewritten.values()) == ["return -EINTR", "scoped_cond_guard", "scoped_guard"]
    assert "guard" in calls(body) and "one" in calls(body) and "two" in calls(body)


def test_a_case_range_keeps_both_ends() -> None:
    body = only("switch (x) {\ncase A ... B + 1:\n\tone();\n\tbreak;\ndefault:\n}\n")
    case = kinds(body, "case_statement")[0]
    value = case.child_by_field_name("value")
    assert value is not None
    operator = value.child_by_field_name("operator")
    assert operator is not None
    assert body.rewritten == {operator.start_byte: "..."}
    assert said(value, body) == "A || B + 1"


@pytest.mark.parametrize(
    "text",
    [
        "p = container_of(work, struct vcpu, work);",
        "n = min_t(unsigned long, a, (struct x *)b);",
        "p = va_arg(ap, struct page *);",
        "n = sizeof(struct page) + offsetof(struct page, arch.regs[1]);",
        "typeof(*p) q = *p; __typeof__(x) *r; const typeof(x) s = 1;",
        'asm volatile(ALT("a", "b", %1) "x" : "+r" (x) : [y] "i" (2), MORE : "memory");',
        'register unsigned long a0 asm("a0") = 1;',
        'asm goto("1: jmp %l[out]\\n\\t" TABLE(1b, %l[out]) : : : : out); out: ;',
        "switch (x) { case 1: out: break; }",
        "if (has(vcpu, 48_47) || F(3DNOW)) one();",
        "static DEFINE_RATELIMIT_STATE(rs, A,\n B);",
        "x = ({ int y = 1; y; }) ?: 2;",
        "struct s a = { .b = 1, [3] = 2, [4 ... 6] = 7, .c.d = 8 };",
        "fallthrough; unlikely(x) ? one() : two();",
        "if (__alignof__(p->x) > 4) one();",
        "strange_macro(x, y) {\n one(); }",
        "if (x) {\n\t\twithout_semicolon(x)\n\t\tone();\n\t}",
        "int x __maybe_unused = 1, y __aligned(8);",
        'char *s = "a\\\n\tb{"; char c = \'"\';',
    ],
)
def test_kernel_c_that_parses_without_damage(text: str) -> None:
    assert function(f"\t{text}\n").damage == ()


def test_labels_before_a_brace() -> None:
    with_room = only("\tif (x) {\n\t\tone();\nout:\n\t}\n")
    assert len(kinds(with_room, "labeled_statement")) == 1
    without = only("\tone();\nout:\n")
    assert list(without.rewritten.values()) == [":"]


def test_whole_arms_stay_in_the_tree() -> None:
    body = only("""\
            one();
        #ifdef CONFIG_A
            two();
        #else
            three();
        #endif
        #if IS_ENABLED(CONFIG_B)
            four();
        #endif
        #if 0
            never();
        #endif
        """)
    assert body.configuration == ()
    assert len(kinds(body, "preproc_ifdef")) == len(kinds(body, "preproc_else")) == 1
    assert len(kinds(body, "preproc_if")) == 1
    assert calls(body) == ["one", "two", "three", "IS_ENABLED", "four"]


def test_an_arm_that_cuts_a_statement_makes_a_reading_of_each_choice() -> None:
    found = function("""\
            if (a)
                one();
        #ifdef CONFIG_A
            else if (b)
                two();
        #endif
            three();
        #ifndef CONFIG_A
            four();
        #endif
        """)
    assert found.damage == ()
    assert {body.configuration: calls(body) for body in found.bodies} == {
        (("CONFIG_A", True),): ["one", "two", "three"],
        (("CONFIG_A", False),): ["one", "three", "four"],
    }


@pytest.mark.parametrize(
    ("text", "true", "false"),
    [
        ("if (x) {\n#ifdef A\n\tone();\n}\nif (y) {\n#endif\n\ttwo();\n}\n", ["one", "two"], ["two"]),
        ("call(a,\n#ifdef A\n\tone(),\n#endif\n\tb);\n", ["call", "one"], ["call"]),
        ("x = a +\n#ifdef A\n\tone();\n#else\n\ttwo();\n#endif\n", ["one"], ["two"]),
        ("#ifdef A\nif (one()) {\n#else\nif (two()) {\n#endif\n\tc();\n}\n", ["one", "c"], ["two", "c"]),
        ("if (x)\n\ty = 1;\nelse\n#ifdef A\n\tone();\n#else\n\ttwo();\n#endif\n", ["one"], ["two"]),
        ("out:\n#ifdef A\n\tone();\n#endif\n\ttwo();\n", ["one", "two"], ["two"]),
    ],
)
def test_ways_to_cut_a_statement(text: str, true: list[str], false: list[str]) -> None:
    found = function(text)
    assert found.damage == ()
    assert {body.configuration: calls(body) for body in found.bodies} == {
        (("A", True),): true,
        (("A", False),): false,
    }


def test_more_cutting_conditions_than_are_followed_are_damage() -> None:
    text = "".join(f"if (x)\n#ifdef A{number}\n\ty();\n#endif\n\tz();\n" for number in range(4))
    found = function(text)
    assert any("more than 3 conditions" in reason for reason in found.damage)
    assert len(function(text.replace("A3", "A0")).bodies) == 8


def test_alternative_headers_and_alternative_functions() -> None:
    found = parse("""\
        #ifdef A
        static int one(int a)
        #else
        int two(long a)
        #endif
        {
            return a;
        }
        #ifdef B
        static int three(void) {
            first();
        #else
        int four(void) {
            second();
        #endif
            both();
        }
        #if 0
        int five(void) { return 0; }
        #else
        int five(void) { return 1; }
        #endif
        """).functions
    assert [f.name for f in found] == ["one", "two", "three", "four", "five"]
    assert [f.damage for f in found] == [()] * 5
    assert [calls(f.bodies[0]) for f in found[2:4]] == [["first", "both"], ["second", "both"]]


def test_damage_stays_in_the_function_that_has_it() -> None:
    found = parse("int a(void)\n{\n\tx ] y;\n}\n\nint b(void)\n{\n\tz();\n}\n").functions
    assert [(f.name, bool(f.damage)) for f in found] == [("a", True), ("b", False)]
    assert "line 3" in found[0].damage[0]


@pytest.mark.parametrize("bad", ["if (x) {", "x(); }", "x(); } }"])
def test_uneven_braces_cost_one_function(bad: str) -> None:
    found = parse(f"int a(void)\n{{\n\t{bad}\n}}\n\nint b(void)\n{{\n\tz();\n}}\n").functions
    assert [(f.name, bool(f.damage)) for f in found] == [("a", True), ("b", False)]


def test_macros() -> None:
    found = parse("""\
        #define PLAIN 1 /* one */
        #define EMPTY
        #define CALL(a, b) do { \\
            a(b);   \\
        } while (0)
        #define MORE(fmt, ...) print("//" fmt, ##__VA_ARGS__)
        #define NAMED(args...) print(args)
        """).macros
    assert [(m.name, m.parameters, m.variadic, m.body) for m in found] == [
        ("PLAIN", None, False, "1"),
        ("EMPTY", None, False, ""),
        ("CALL", ("a", "b"), False, "do { a(b); } while (0)"),
        ("MORE", ("fmt", "__VA_ARGS__"), True, 'print("//" fmt, ##__VA_ARGS__)'),
        ("NAMED", ("args",), True, "print(args)"),
    ]
    assert found[2].span.line == 3


def test_enumerators_initialisers_and_prototypes() -> None:
    found = parse("""\
        enum { A, B = 4, C, D = B + 2, E = EXTERN, F, G = 1 << 3, };
        int proto(int x), *other;
        static struct ops my = {
            .run = my_run,
            .nested = { .deep = fn(a, b), },
        #ifdef X
            .cond = cond_fn,
        #endif
            .last = &obj
        };
        int f(void) { struct ops local = { .run = no }; int inner(int); }
        """)
    assert found.enumerators == (
        ("A", "0"),
        ("B", "4"),
        ("C", "5"),
        ("D", "6"),
        ("E", "EXTERN"),
        ("F", "E + 1"),
        ("G", "8"),
    )
    assert [(entry.member, entry.value) for entry in found.initialisers] == [
        ("run", "my_run"),
        ("nested", "{}"),
        ("deep", "fn(a, b)"),
        ("cond", "cond_fn"),
        ("last", "&obj"),
    ]
    assert found.prototypes == {"proto"}


def test_fragments() -> None:
    def read(text: str) -> str | None:
        body = parse_fragment(text.encode(), DIALECT)
        return None if body is None else said(body.node, body)

    assert read("a + b") == "{ a + b; }"
    assert read("do { x(); } while (0)") == "{ do { x(); } while (0); }"
    assert read("for_each_thing(p) use(p);") == "{ while (p) use(p); }"
    for broken in ("x ] y", "} int g(void) {", "{", "}", "if (x"):
        assert read(broken) is None, broken
