"""The body of one thread of a C litmus test to statements."""

from __future__ import annotations

from dataclasses import replace

from kicklint.memory.errors import Declined
from kicklint.memory.primitives import (
    BY_ONE,
    COMPARE_EXCHANGES,
    EXCHANGES,
    FENCES,
    GRACE_PERIODS,
    LOADS,
    OF_PLACES,
    RETURNING,
    SILENT,
    SRCU,
    STORE_MB,
    STORES,
    TESTS,
)
from kicklint.memory.program import (
    NO_RETURN,
    ONCE,
    PLAIN,
    Assign,
    Constant,
    Expression,
    Fence,
    If,
    Load,
    Lock,
    Operation,
    Register,
    Statement,
    Store,
    TryLock,
    Unlock,
    Update,
)
from kicklint.memory.tokens import Tokens

_TYPES = (
    "int",
    "unsigned",
    "long",
    "char",
    "bool",
    "short",
    "volatile",
    "struct",
    "intptr_t",
    "atomic_t",
    "void",
)
_BINDING = (
    ("||",),
    ("&&",),
    ("|",),
    ("^",),
    ("&",),
    ("==", "!="),
    ("<", ">", "<=", ">="),
    ("+", "-"),
    ("*",),
)


class ThreadParser:
    """Statements of one thread. A call inside an expression is made before the statement it is in."""

    def __init__(self, tokens: Tokens, shared: frozenset[str]) -> None:
        self._tokens = tokens
        self._shared = shared
        self._made: list[Statement] = []
        self._temporaries = 0

    def body(self) -> tuple[Statement, ...]:
        """The statements between braces, or the one statement that stands there without."""
        tokens = self._tokens
        if not tokens.accept("{"):
            return tuple(self._statement())
        found: list[Statement] = []
        while not tokens.accept("}"):
            found += self._statement()
        return tuple(found)

    def _statement(self) -> list[Statement]:
        tokens = self._tokens
        if tokens.accept(";"):
            return []
        if tokens.next == "{":
            return list(self.body())
        if tokens.next in ("while", "for", "do", "goto", "switch", "return"):
            raise Declined(f"the statement '{tokens.next}'")
        if tokens.accept("if"):
            tokens.expect("(")
            condition, made = self._settled()
            tokens.expect(")")
            arm = self.body()
            otherwise = self.body() if tokens.accept("else") else ()
            return [*made, If(condition, arm, otherwise)]
        if tokens.next in _TYPES:
            return self._declaration()
        found = self._simple()
        tokens.expect(";")
        return found

    def _declaration(self) -> list[Statement]:
        tokens = self._tokens
        found: list[Statement] = []
        while tokens.next in _TYPES:
            tokens.take()
        if tokens.ahead(1) in ("*",) and tokens.next not in ("*",):
            tokens.take()
        while True:
            while tokens.accept("*"):
                pass
            name = tokens.take()
            if tokens.accept("="):
                value, made = self._settled()
                found += [*made, Assign(name, value)]
            if not tokens.accept(","):
                break
        tokens.expect(";")
        return found

    def _simple(self) -> list[Statement]:
        """An assignment or a call."""
        tokens = self._tokens
        if tokens.accept("*"):
            target = self._unary()
            tokens.expect("=")
            value, made = self._settled()
            return [*made, Store(target, value, PLAIN)]
        if tokens.ahead(1) == "=":
            name = tokens.take()
            tokens.expect("=")
            if name in self._shared:
                raise Declined(f"an assignment to the parameter {name}")
            value, made = self._settled()
            # The last load goes into the register itself, so that the two are one statement.
            return _into(name, value, made)
        value, made = self._settled()
        return made

    def _settled(self) -> tuple[Expression, list[Statement]]:
        """An expression, and the statements that must run before it."""
        before, self._made = self._made, []
        value = self._expression()
        made, self._made = self._made, before
        return value, made

    def _expression(self, level: int = 0) -> Expression:
        if level == len(_BINDING):
            return self._unary()
        left = self._expression(level + 1)
        while self._tokens.next in _BINDING[level]:
            operator = self._tokens.take()
            calls = len(self._made)
            right = self._expression(level + 1)
            if operator in ("&&", "||") and len(self._made) > calls:
                raise Declined(f"an access behind {operator}")
            left = Operation(operator, (left, right))
        return left

    def _unary(self) -> Expression:
        tokens = self._tokens
        if tokens.next in ("!", "-", "~"):
            return Operation(tokens.take(), (self._unary(),))
        if tokens.accept("*"):
            return self._load(self._unary(), PLAIN)
        if tokens.accept("&"):
            return self._unary()
        if tokens.next == "(" and tokens.ahead(1) in _TYPES:
            while tokens.take() != ")":
                pass
            return self._unary()
        if tokens.accept("("):
            inner = self._expression()
            tokens.expect(")")
            return inner
        if tokens.kind == "number":
            return Constant(int(tokens.take(), 0))
        if tokens.kind != "name":
            raise Declined(f"'{tokens.next}' in an expression")
        name = tokens.take()
        if tokens.accept("("):
            return self._call(name)
        return Constant(name) if name in self._shared else Register(name)

    def _load(self, address: Expression, order: str, *, locked: bool = False) -> Expression:
        name = self._temporary()
        self._made.append(Load(name, address, order, locked))
        return Register(name)

    def _temporary(self) -> str:
        self._temporaries += 1
        return f"$r{self._temporaries}"

    def _place(self, name: str) -> Expression:
        """The address that the first argument of ``name`` stands for."""
        tokens = self._tokens
        if name in OF_PLACES:
            if tokens.accept("*"):
                return self._unary()
            raise Declined(f"{name}() of something that is not *pointer")
        # The documentation's own tests also write smp_store_release(*c, 1).
        tokens.accept("*")
        return self._expression()

    def _call(self, name: str) -> Expression:
        if name in GRACE_PERIODS:
            raise Declined(f"{name}()")
        if name in FENCES:
            self._tokens.expect(")")
            self._made.append(Fence(FENCES[name]))
            return Constant(0)
        if name in SRCU:
            while not self._tokens.accept(")"):
                self._tokens.take()
            self._made.append(Fence(SRCU[name]))
            return Constant(0)
        if name in LOADS:
            address = self._place(name)
            self._tokens.expect(")")
            return self._load(address, LOADS[name])
        if name in STORES or name == STORE_MB:
            address = self._place(name)
            value = self._argument()
            self._tokens.expect(")")
            self._made.append(Store(address, value, STORES.get(name, ONCE)))
            if name == STORE_MB:
                self._made.append(Fence("mb"))
            return Constant(0)
        return self._locking(name)

    def _locking(self, name: str) -> Expression:
        if name not in ("spin_lock", "spin_unlock", "spin_trylock", "spin_is_locked"):
            return self._update(name)
        address = self._place(name)
        self._tokens.expect(")")
        if name == "spin_is_locked":
            return self._load(address, ONCE, locked=True)
        if name == "spin_trylock":
            register = self._temporary()
            self._made.append(TryLock(register, address))
            return Register(register)
        self._made.append(Lock(address) if name == "spin_lock" else Unlock(address))
        return Constant(0)

    def _update(self, name: str) -> Expression:
        register = self._temporary()
        if name in EXCHANGES or name in COMPARE_EXCHANGES:
            address = self._place(name)
            expected = self._argument() if name in COMPARE_EXCHANGES else None
            value = self._argument()
            order = EXCHANGES.get(name) or COMPARE_EXCHANGES[name]
            self._made.append(Update(register, address, "=", value, expected, order=order))
            self._tokens.expect(")")
            return Register(register)
        if name not in SILENT and name not in RETURNING and name not in TESTS:
            raise Declined(f"{name}()")
        operand: Expression = Constant(1)
        if name not in BY_ONE:
            operand = self._expression()
            self._tokens.expect(",")
        address = self._place(name)
        self._tokens.expect(")")
        if name in SILENT:
            self._made.append(Update("", address, SILENT[name], operand, order=NO_RETURN))
            return Constant(0)
        if name in TESTS:
            operator, comparison = TESTS[name]
            self._made.append(Update(register, address, operator, operand, new=True))
            return Operation(comparison, (Register(register), Constant(0)))
        operator, new, order = RETURNING[name]
        self._made.append(Update(register, address, operator, operand, new=new, order=order))
        return Register(register)

    def _argument(self) -> Expression:
        self._tokens.expect(",")
        return self._expression()


def _into(name: str, value: Expression, made: list[Statement]) -> list[Statement]:
    """``name = value`` behind ``made``; a register that a last load has filled is left out."""
    last = made[-1] if made else None
    if isinstance(last, Load | Update | TryLock) and value == Register(last.register):
        return [*made[:-1], replace(last, register=name)]
    return [*made, Assign(name, value)]
