"""Programs to C litmus tests that herd7 takes with the kernel's linux-kernel.cfg."""

from __future__ import annotations

from collections.abc import Sequence

from kicklint.memory.errors import Declined
from kicklint.memory.primitives import FENCES
from kicklint.memory.program import (
    ACQUIRE,
    NO_RETURN,
    ONCE,
    RELEASE,
    Assign,
    Constant,
    Expression,
    Fence,
    Final,
    If,
    Load,
    Lock,
    Operation,
    Program,
    Register,
    Statement,
    Store,
    Thread,
    TryLock,
    Unlock,
    Update,
    leaves,
)

_FENCE_CALLS = {kind: name for name, kind in FENCES.items()}
_SUFFIX = {"mb": "", ONCE: "_relaxed", ACQUIRE: "_acquire", RELEASE: "_release"}
_LOGICAL = {"&&": "/\\", "||": "\\/"}
_ATOMIC = {"+": "add", "-": "sub", "|": "or", "&": "and"}
_SRCU = "ss"
_SRCU_INDEX = "idx"


def write_litmus(program: Program, comment: tuple[str, ...] = (), notes: Sequence[str] = ()) -> str:
    """``program`` as a C litmus test; ``comment`` are lines to put at its head.

    ``notes`` are what the labels of statements number: they become comments beside them.
    """
    lines = [f"C {program.name}", ""]
    if comment:
        lines += ["(*", *(f" * {line}".rstrip() for line in comment), " *)", ""]
    if program.initial or program.registers:
        lines.append("{")
        lines += [f"\t{name}={value};" for name, value in program.initial]
        lines += [f"\t{thread}:{name}={value};" for thread, name, value in program.registers]
        lines.append("}")
    else:
        lines.append("{}")
    lines.append("")
    bodies = [_Body(thread.statements, notes) for thread in program.threads]
    # A location has one type, whichever thread needs it.
    locks = {name for body in bodies for name in body.locks}
    atomics = {name for body in bodies for name in body.atomics}
    for number, (thread, body) in enumerate(zip(program.threads, bodies, strict=True)):
        types = {name: _type(name, locks, atomics) for name in sorted(body.locations)}
        lines += [*_thread(number, thread, body, types), ""]
    if program.keep is not None:
        lines.append(f"filter ({_condition(program.keep)})")
    lines.append(f"exists ({_condition(program.condition)})")
    return "\n".join(lines) + "\n"


def _thread(number: int, thread: Thread, body: _Body, types: dict[str, str]) -> list[str]:
    parameters = ", ".join(f"{kind} *{name}" for name, kind in types.items())
    declared = [f"\tint {name};" for name in sorted(body.registers)]
    head = f"P{number}({parameters})" + (f" // {thread.name}" if thread.name else "")
    return [head, "{", *declared, *([""] if declared else []), *body.lines, "}"]


def _type(name: str, locks: set[str], atomics: set[str]) -> str:
    if name == _SRCU:
        return "struct srcu_struct"
    if name in locks:
        return "spinlock_t"
    return "atomic_t" if name in atomics else "int"


class _Body:
    """The lines of a thread, and the names in it."""

    def __init__(self, statements: tuple[Statement, ...], notes: Sequence[str]) -> None:
        self._notes = notes
        self.lines: list[str] = []
        self.locations: set[str] = set()
        self.locks: set[str] = set()
        self.atomics: set[str] = set()
        self.registers: set[str] = set()
        self.statements(statements, 1)

    def statements(self, statements: tuple[Statement, ...], depth: int) -> None:
        for each in statements:
            self._statement(each, depth)

    def _put(self, text: str, depth: int, label: str = "") -> None:
        note = self._notes[int(label)] if label and self._notes else ""
        self.lines.append("\t" * depth + text + (f" // {note}" if note else ""))

    def _statement(self, statement: Statement, depth: int) -> None:
        match statement:
            case If():
                self._put(f"if ({self._expression(statement.condition)}) {{", depth)
                self.statements(statement.then, depth + 1)
                if statement.otherwise:
                    self._put("} else {", depth)
                    self.statements(statement.otherwise, depth + 1)
                self._put("}", depth)
            case Assign():
                target = self._register(statement.register)
                self._put(f"{target} = {self._expression(statement.value)};", depth, statement.label)
            case Update():
                self._put(f"{self._update(statement)};", depth, statement.label)
            case _:
                self._put(f"{self._access(statement)};", depth, statement.label)

    def _access(self, statement: Load | Store | Fence | Lock | TryLock | Unlock) -> str:
        match statement:
            case Fence():
                return self._fence(statement.kind)
            case Load():
                register, place = self._register(statement.register), self._place(statement.address)
                if statement.locked:
                    self.locks.add(place)
                    return f"{register} = spin_is_locked({place})"
                call = {ACQUIRE: f"smp_load_acquire({place})", ONCE: f"READ_ONCE(*{place})"}
                return f"{register} = {call.get(statement.order, f'*{place}')}"
            case Store():
                place, value = self._place(statement.address), self._expression(statement.value)
                if statement.order == RELEASE:
                    return f"smp_store_release({place}, {value})"
                return f"WRITE_ONCE(*{place}, {value})" if statement.order == ONCE else f"*{place} = {value}"
        place = self._place(statement.address)
        self.locks.add(place)
        if isinstance(statement, TryLock):
            return f"{self._register(statement.register)} = spin_trylock({place})"
        return f"spin_{'lock' if isinstance(statement, Lock) else 'unlock'}({place})"

    def _fence(self, kind: str) -> str:
        if kind in ("srcu-lock", "srcu-unlock"):
            self.locations.add(_SRCU)
            self.registers.add(_SRCU_INDEX)
            if kind == "srcu-lock":
                return f"{_SRCU_INDEX} = srcu_read_lock({_SRCU})"
            if not any("srcu_read_lock" in line for line in self.lines):
                # The section began before the thread's story does; herd7 wants to see it.
                self.lines.insert(0, f"\t{_SRCU_INDEX} = srcu_read_lock({_SRCU});")
            return f"srcu_read_unlock({_SRCU}, {_SRCU_INDEX})"
        return f"{_FENCE_CALLS[kind]}()"

    def _update(self, update: Update) -> str:
        place, operand = self._place(update.address), self._expression(update.operand)
        target = f"{self._register(update.register)} = " if update.register else ""
        if update.operator == "=":
            order = ONCE if update.order == NO_RETURN else update.order
            register = target or f"{self._register('unused')} = "
            if update.expected is None:
                return f"{register}xchg{_SUFFIX[order]}({place}, {operand})"
            expected = self._expression(update.expected)
            return f"{register}cmpxchg{_SUFFIX[order]}({place}, {expected}, {operand})"
        operation = _ATOMIC[update.operator]
        self.atomics.add(place)
        if update.order == NO_RETURN:
            return f"atomic_{operation}({operand}, {place})"
        suffix = _SUFFIX[update.order]
        name = f"atomic_{operation}_return{suffix}" if update.new else f"atomic_fetch_{operation}{suffix}"
        register = target or f"{self._register('unused')} = "
        return f"{register}{name}({operand}, {place})"

    def _register(self, name: str) -> str:
        clean = name.replace("$", "t")
        self.registers.add(clean)
        return clean

    def _place(self, address: Expression) -> str:
        if isinstance(address, Constant) and isinstance(address.value, str):
            self.locations.add(address.value)
            return address.value
        if isinstance(address, Register):
            return self._register(address.name)
        raise Declined("an address that is computed")

    def _expression(self, expression: Expression) -> str:
        if isinstance(expression, Operation):
            texts = [self._inner(each) for each in expression.operands]
            if len(texts) == 1:
                return f"{expression.operator}{texts[0]}"
            return f" {expression.operator} ".join(texts)
        if isinstance(expression, Register):
            return self._register(expression.name)
        if isinstance(expression, Constant):
            return self._place(expression) if isinstance(expression.value, str) else str(expression.value)
        raise Declined("a final value inside a thread")

    def _inner(self, expression: Expression) -> str:
        text = self._expression(expression)
        return f"({text})" if isinstance(expression, Operation) else text


def _condition(expression: Expression) -> str:
    """A condition in the language of litmus tests, which compares a final value with a constant."""
    if not isinstance(expression, Operation):
        raise Declined("a condition that compares nothing")
    operator, operands = expression.operator, expression.operands
    if operator in _LOGICAL:
        return f" {_LOGICAL[operator]} ".join(_joined(each, operator) for each in operands)
    if operator == "!":
        return f"~({_condition(operands[0])})"
    final = next((each for each in leaves(expression) if isinstance(each, Final)), None)
    constant = next((each for each in leaves(expression) if isinstance(each, Constant)), None)
    if operator not in ("==", "!=") or final is None or constant is None:
        raise Declined(f"a condition with {operator}")
    name = final.name if final.thread is None else f"{final.thread}:{final.name}"
    text = f"{name}={constant.value}"
    return text if operator == "==" else f"~({text})"


def _joined(expression: Expression, within: str) -> str:
    other = isinstance(expression, Operation) and expression.operator in _LOGICAL
    same = isinstance(expression, Operation) and expression.operator == within
    return f"({_condition(expression)})" if other and not same else _condition(expression)
