"""C litmus tests to programs: the language of herd7 with tools/memory-model/linux-kernel.def."""

from __future__ import annotations

import re

from kicklint.memory.errors import Declined
from kicklint.memory.parse_thread import ThreadParser
from kicklint.memory.program import (
    Constant,
    Expression,
    Final,
    Operation,
    Program,
    Thread,
    Value,
)
from kicklint.memory.tokens import Tokens

_HEAD = re.compile(r"\s*C[ \t]+(?P<name>[^\s(]+)[^\n]*")


def read_litmus(text: str) -> Program:
    """The program that ``text`` is. Raises Declined for what the model does not hold."""
    head = _HEAD.match(text)
    if head is None:
        raise Declined("a text that is no C litmus test (no line 'C NAME')")
    tokens = Tokens(text[head.end() :])
    while tokens.kind == "string":
        tokens.take()
    initial, registers = _initial(tokens)
    threads: list[Thread] = []
    while re.fullmatch(r"P\d+", tokens.next):
        threads.append(_thread(tokens, len(threads)))
    keep: Expression | None = None
    condition: Expression | None = None
    while tokens.next:
        word = tokens.take()
        match word:
            case "locations":
                while tokens.take() != "]":
                    pass
            case "filter":
                keep = _disjunction(tokens)
            case "exists":
                condition = _disjunction(tokens)
            case "~":
                tokens.expect("exists")
                condition = _disjunction(tokens)
            case "forall":
                condition = Operation("!", (_disjunction(tokens),))
            case _:
                raise Declined(f"'{word}' where a condition should be")
    if condition is None or not threads:
        raise Declined("a test without threads or without a condition")
    return Program(head["name"], tuple(threads), condition, initial, registers, keep)


def _initial(tokens: Tokens) -> tuple[tuple[tuple[str, Value], ...], tuple[tuple[int, str, Value], ...]]:
    """What stands between the first braces: NAME=VALUE; and THREAD:NAME=VALUE; with types before them."""
    locations: dict[str, Value] = {}
    registers: list[tuple[int, str, Value]] = []
    tokens.expect("{")
    while not tokens.accept("}"):
        if tokens.accept(";"):
            continue
        thread = int(tokens.take()) if tokens.kind == "number" else None
        if thread is not None:
            tokens.expect(":")
        words = []
        while tokens.next not in ("=", ";", "["):
            word = tokens.take()
            if word not in ("*", "(", ")"):
                words.append(word)
        if tokens.next == "[":
            raise Declined("an array")
        value: Value = 0
        if tokens.accept("="):
            tokens.accept("&")
            value = _value(tokens)
        if thread is None:
            locations[words[-1]] = value
        else:
            registers.append((thread, words[-1], value))
    return tuple(locations.items()), tuple(registers)


def _value(tokens: Tokens) -> Value:
    sign = -1 if tokens.accept("-") else 1
    if tokens.kind == "number":
        return sign * int(tokens.take(), 0)
    return tokens.take()


def _thread(tokens: Tokens, number: int) -> Thread:
    name = tokens.take()
    if name != f"P{number}":
        raise Declined(f"{name} where P{number} should be")
    tokens.expect("(")
    shared = []
    last = ""
    while not tokens.accept(")"):
        word = tokens.take()
        if word == ",":
            shared.append(last)
        last = word
    if last:
        shared.append(last)
    return Thread(ThreadParser(tokens, frozenset(shared)).body())


def _disjunction(tokens: Tokens) -> Expression:
    left = _conjunction(tokens)
    while tokens.accept("\\/"):
        left = Operation("||", (left, _conjunction(tokens)))
    return left


def _conjunction(tokens: Tokens) -> Expression:
    left = _atom(tokens)
    while tokens.accept("/\\"):
        left = Operation("&&", (left, _atom(tokens)))
    return left


def _atom(tokens: Tokens) -> Expression:
    if tokens.accept("~"):
        return Operation("!", (_atom(tokens),))
    if tokens.accept("("):
        inner = _disjunction(tokens)
        tokens.expect(")")
        return inner
    if tokens.accept("true"):
        return Constant(1)
    thread = None
    if tokens.kind == "number":
        thread = int(tokens.take())
        tokens.expect(":")
    final = Final(tokens.take(), thread)
    negated = tokens.next == "!="
    if not tokens.accept("!=") and not tokens.accept("=="):
        tokens.expect("=")
    return Operation("!=" if negated else "==", (final, Constant(_value(tokens))))
