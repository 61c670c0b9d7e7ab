"""Automata over event graphs: summaries, property simulation, violations with their ways.

Pure functions over values; never sees a syntax node or a file.
"""

from kicklint.typestate.evaluate import Evaluator
from kicklint.typestate.machine import INTERRUPTS_CHANGE, Machine, ProtocolState
from kicklint.typestate.program import Program, Resume
from kicklint.typestate.search import Outcome, Violation, search
from kicklint.typestate.simulate import VALUE_DEPTH, VALUES, Simulator
from kicklint.typestate.summary import Context, Recall, Runs, Setting, Summary
from kicklint.typestate.trail import RawStep
from kicklint.typestate.values import (
    FunctionPointer,
    Range,
    Symbol,
    Value,
    compare,
    contains,
    disjoint,
    exactly,
    number,
)

__all__ = [
    "INTERRUPTS_CHANGE",
    "VALUES",
    "VALUE_DEPTH",
    "Context",
    "Evaluator",
    "FunctionPointer",
    "Machine",
    "Outcome",
    "Program",
    "ProtocolState",
    "Range",
    "RawStep",
    "Recall",
    "Resume",
    "Runs",
    "Setting",
    "Simulator",
    "Summary",
    "Symbol",
    "Value",
    "Violation",
    "compare",
    "contains",
    "disjoint",
    "exactly",
    "number",
    "search",
]
