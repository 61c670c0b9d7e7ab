"""A function in, its control-flow graph over a tiny IR out. Knows no protocol."""

from kicklint.flow.dialect import FlowDialect
from kicklint.flow.expansion import substitute
from kicklint.flow.graph import build_graph, constant_expression
from kicklint.flow.ir import (
    Binary,
    Branch,
    Call,
    Choice,
    Const,
    ControlFlowGraph,
    Expr,
    Index,
    Instruction,
    Load,
    Local,
    Member,
    Name,
    Node,
    Opaque,
    Return,
    Skip,
    Store,
    TableCall,
    Temp,
    Unary,
    show,
)
from kicklint.flow.reach import reach
from kicklint.flow.rows import graph_of, rows_of

__all__ = [
    "Binary",
    "Branch",
    "Call",
    "Choice",
    "Const",
    "ControlFlowGraph",
    "Expr",
    "FlowDialect",
    "Index",
    "Instruction",
    "Load",
    "Local",
    "Member",
    "Name",
    "Node",
    "Opaque",
    "Return",
    "Skip",
    "Store",
    "TableCall",
    "Temp",
    "Unary",
    "build_graph",
    "constant_expression",
    "graph_of",
    "reach",
    "rows_of",
    "show",
    "substitute",
]
