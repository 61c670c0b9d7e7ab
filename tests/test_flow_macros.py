"""Macros in control-flow graphs: what they are handed, what they head, guards and the classes behind them."""

from __future__ import annotations

import pytest
from fixture_trees import RUN, MemoryTree
from test_flow import Ways, ways

from kicklint.engine.sources import Sources
from kicklint.engine.world import World
from kicklint.rulebook import load_rulebook


def problems(body: str, before: str = "") -> tuple[str, ...]:
    """What was not understood of ``int f(int x) { body }`` in a file that kicks."""
    text = f"{before}\nint f(struct kvm_vcpu *vcpu, int x)\n{{\n{body}\n}}\n"
    world = World("toyarch", load_rulebook(), Sources(MemoryTree(((RUN, text.encode()),))))
    (key,) = world.function_ids("f")
    return world.flow(key).problems


@pytest.mark.parametrize(
    ("before", "body", "expected"),
    [
        ("#define M(v, op, x) g((v) op (x))", "M(a(), |=, b()); c();", {"b a g c"}),
        ("#define M(v, op, x) ((v) op (x))", "if (M(a(), ==, b())) c();", {"a b", "a b c"}),
        ("#define M(v, pre, x) g(v, pre x)", "M(a(), , b()); c();", {"a b g c"}),
        ("#define M(v, more...) g(v) more", "M(a(),\n\t); c();", {"a g c"}),
        ("#define M(x, s) if (a(x)) s", "M(x, return -1); c();", {"a+", "a- c"}),
        ("#define M(x, s) if (a(x)) s", "M(x, goto out); c();\nout:\nd();", {"a+ d", "a- c d"}),
        ("#define M(x, s) if (a(x)) { s }", "M(x, b(); return 3;); c();", {"a+ b", "a- c"}),
        ("#define M(t, x) g((t)(x))", "M(struct foo *, a()); c();", {"a g c"}),
        ("#define M(f, x) g(&(struct foo){ f = (x) })", "M(.bar, a()); c();", {"a g c"}),
    ],
)
def test_what_a_macro_is_handed(before: str, body: str, expected: Ways) -> None:
    assert ways(body, 1, before) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("M(a, |=, b()); c();", {"b M c"}),
        ("M(a, , b()); c();", {"b M c"}),
        ("M(x, return -1); c();", {"M", "M c"}),
        ("M(x, goto out); c();\nout:\nd();", {"M d", "M c d"}),
        ("M(if (a()) b();); c();", {"M c", "M a+ b c", "M a- c"}),
        ("while (a()) { M(x, break); b(); } c();", {"a- c", "a+ M c", "a+ M b a- c"}),
    ],
)
def test_what_a_macro_that_nobody_knows_is_handed(body: str, expected: Ways) -> None:
    """It may run a statement, and may not."""
    assert ways(body, 1) == expected


@pytest.mark.parametrize(
    ("before", "body", "expected"),
    [
        ("#define WITH(l) if (take(l))", "WITH(x) { c(); } d();", {"take+ c d", "take- d"}),
        ("#define WITH(l) if (take(l))", "WITH(x)\n\tc();\nd();", {"take+ c d", "take- d"}),
        ("#define WITH(l) if (take(l))", "WITH(x) { c(); } else { e(); } d();", {"take+ c d", "take- e d"}),
        (
            "#define IN(l) for (take(l); more(l); put(l))",
            "IN(x) { if (c()) break; }",
            {
                "take more-",
                "take more+ c+",
                "take more+ c- put more-",
            },
        ),
        ("", "with_something(x) { c(); } d();", {"d", "with_something c d"}),
        ("", "ALL(x)\n\tc();\nd();", {"d", "ALL c d"}),
        ("", "\tUNROLLED()\n\tc();", {"UNROLLED c"}),
        (
            "",
            "scoped_access(p, out) { a(); } b();\nout:\nc();",
            {
                "scoped_access a b c",
                "scoped_access c",
            },
        ),
    ],
)
def test_what_a_macro_heads(before: str, body: str, expected: Ways) -> None:
    assert ways(body, 1, before) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("scoped_cond_guard(m_intr, return -1, &l) { b(); } c();", {"", "guard(m_intr) b release(m_intr) c"}),
        (
            "scoped_cond_guard(m_try, { a(); goto out; }, &l) b();\nout:\nc();",
            {
                "a c",
                "guard(m_try) b release(m_try) c",
            },
        ),
        ("scoped_cond_guard(m_try, , &l) { b(); } c();", {"c", "guard(m_try) b release(m_try) c"}),
        ("scoped_guard(m_try, &l) { b(); } c();", {"c", "guard(m_try) b release(m_try) c"}),
        (
            "scoped_class(m, held, x) { if (a()) return 1; } c();",
            {
                "guard(m) a+ release(m)",
                "guard(m) a- release(m) c",
            },
        ),
        ("if_not_guard(m_intr, &l) { return a(); } b();", {"a", "guard(m_intr) b release(m_intr)"}),
        (
            "CLASS(m, held)(x); if (a()) return 1; b();",
            {
                "guard(m) a+ release(m)",
                "guard(m) a- b release(m)",
            },
        ),
        (
            "ACQUIRE(m_intr, held)(&l); if (a()) return 1; b();",
            {
                "guard(m_intr) a+ release(m_intr)",
                "guard(m_intr) a- b release(m_intr)",
            },
        ),
    ],
)
def test_guards(body: str, expected: Ways) -> None:
    assert ways(body, 1) == expected


@pytest.mark.parametrize(
    ("before", "body", "expected"),
    [
        (
            "DEFINE_GUARD(m, struct foo *, take(_T), put(_T))",
            "guard(m)(x); if (a()) return 1; b();",
            {
                "take a+ put",
                "take a- b put",
            },
        ),
        (
            "DEFINE_GUARD(m, struct foo *,\n\t     take(_T), put(_T))",
            "scoped_guard(m, x) b(); c();",
            {
                "take b put c",
            },
        ),
        (
            "DEFINE_LOCK_GUARD_1(m, struct foo, take(_T->lock), put(_T->lock))",
            "guard(m)(x); b();",
            {
                "take b put",
            },
        ),
        ("DEFINE_LOCK_GUARD_0(m, take(), put())", "guard(m)(); b();", {"take b put"}),
        ("DEFINE_CLASS(m, int, put(_T), take(n), int n)", "CLASS(m, held)(x); b(held);", {"take b put"}),
        (
            "#define MAKE(s) DEFINE_CLASS(m##s, int, put##s(_T), take##s(n), int n)\nMAKE(_ro);",
            ("CLASS(m_ro, held)(x); b();"),
            {"take_ro b put_ro"},
        ),
        ("DEFINE_FREE(m, struct foo *, put(_T))", "struct foo *p __free(m) = a(); b();", {"a b put"}),
        (
            "DEFINE_FREE(m, struct foo *, put(_T))",
            "struct foo *p __free(m) = a(); return no_free_ptr(p);",
            {
                "a put",
            },
        ),
    ],
)
def test_classes_that_the_tree_defines(before: str, body: str, expected: Ways) -> None:
    assert ways(body, 1, before) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("x = _Generic(x, int: a(), default: b());", {"a", "b"}),
        ("_Generic((x), struct foo *: a, default: b)(c());", {"c a", "c b"}),
        ("auto y = a(); b(y);", {"a b"}),
        ("DECLARE_BITMAP(m, 64) = { a(), b() }; c();", {"a b c"}),
        ("static DECLARE_BITMAP(m, 64) = { [0] = a() }; c();", {"a c"}),
        ('asm_inline volatile(ALTERNATIVE("a", "b", F) : "+r"(x)); c();', {"c"}),
        ('_Pragma("GCC unroll 1") a();', {"a"}),
        ("#if 0\n}\n#endif\na();", {"a"}),
        ("#if 0\nif (b()) {\n#else\n{\n#endif\na(); }", {"a"}),
        ("#if 1\na();\n#elif X\n}\n#endif\nb();", {"a b"}),
    ],
)
def test_other_words(body: str, expected: Ways) -> None:
    assert ways(body, 1) == expected


@pytest.mark.parametrize(
    ("before", "body"),
    [
        ("#define KICK(v) kvm_vcpu_kick(v", "KICK(vcpu);"),
        ("#define KICK(v) kvm_vcpu_kick(v)", "KICK(vcpu, 1);"),
        ("#define KICK(v) if (x) { kvm_vcpu_kick(v)", "KICK(vcpu) { x++; }"),
        ("#define NOW kvm_vcpu_kick(vcpu", "x = NOW;"),
    ],
)
def test_a_macro_that_leads_to_the_protocol(before: str, body: str) -> None:
    """Where it cannot be put in it is a problem, and not a call of something unknown."""
    assert problems(body, before)


def test_a_macro_that_leads_nowhere() -> None:
    assert not problems("TALK(x);", "#define TALK(x) talk(x")


def test_a_function_inside_of_a_function() -> None:
    """What is in it is not run where it stands."""
    text = "int f(struct kvm_vcpu *vcpu)\n{\nint g(void) { kvm_vcpu_kick(vcpu); return 0; }\nreturn g();\n}\n"
    world = World("toyarch", load_rulebook(), Sources(MemoryTree(((RUN, text.encode()),))))
    (key,) = world.function_ids("f")
    assert world.index.functions[key].damage


@pytest.mark.parametrize("body", ["IF_BLOCKED kvm_vcpu_kick(vcpu);", "FIRST kvm_vcpu_kick();"])
def test_a_call_that_reads_as_a_declaration(body: str) -> None:
    text = f"int f(struct kvm_vcpu *vcpu)\n{{\n\t{body}\n\treturn 0;\n}}\n"
    world = World("toyarch", load_rulebook(), Sources(MemoryTree(((RUN, text.encode()),))))
    (key,) = world.function_ids("f")
    assert world.index.functions[key].damage


def test_a_prototype_inside_of_a_function() -> None:
    assert not problems("foo_t g(struct foo *p, int n);\nreturn g(x, 1);")


def test_a_macro_at_the_head_of_an_else() -> None:
    body = "if (a()) b(); else IN(x) { c(); } d();"
    assert ways(body, 1, "#define IN(l) if (take(l))") == {"a+ b d", "a- take+ c d", "a- take- d"}


def test_attributes_that_nobody_knows() -> None:
    """The name of a parameter stands before them."""
    text = "int f(struct foo *p __new, int n __new(p), struct foo __q)\n{\n\treturn 0;\n}\n"
    world = World("toyarch", load_rulebook(), Sources(MemoryTree(((RUN, text.encode()),))))
    (key,) = world.function_ids("f")
    assert [each.name for each in world.index.functions[key].parameters] == ["p", "n", "__q"]
