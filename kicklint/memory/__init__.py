"""The kernel's memory model: small programs of threads in, executions and verdicts out.

A program is a few threads of loads, stores, updates, fences and branches, with a
condition on the end; it comes from a C litmus test, or is built. The verdict says
whether an execution that tools/memory-model of the kernel allows ends in the condition,
and shows one.

Must not know: rules, findings, KVM, kernel C beyond the language of litmus tests.
"""

from kicklint.memory.axioms import Execution
from kicklint.memory.check import Answer, Verdict, check
from kicklint.memory.errors import Declined
from kicklint.memory.order import Moment, story
from kicklint.memory.program import (
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
    both,
    equal,
)
from kicklint.memory.reader import read_litmus
from kicklint.memory.writer import write_litmus

__all__ = [
    "Answer",
    "Assign",
    "Constant",
    "Declined",
    "Execution",
    "Expression",
    "Fence",
    "Final",
    "If",
    "Load",
    "Lock",
    "Moment",
    "Operation",
    "Program",
    "Register",
    "Statement",
    "Store",
    "Thread",
    "TryLock",
    "Unlock",
    "Update",
    "Verdict",
    "both",
    "check",
    "equal",
    "read_litmus",
    "story",
    "write_litmus",
]
