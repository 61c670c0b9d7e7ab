"""Function in, control-flow graph out."""

from __future__ import annotations

from tree_sitter import Node as SyntaxNode

from kicklint.base import Span
from kicklint.flow.builder import GraphBuilder
from kicklint.flow.dialect import FlowDialect, TooDeepError
from kicklint.flow.expressions import MissingFieldError
from kicklint.flow.ir import ControlFlowGraph, Expr, Local
from kicklint.flow.statements import StatementLowering
from kicklint.syntax import LABEL, Body, Function

MAX_NODES = 60_000


def build_graph(function: Function, dialect: FlowDialect) -> ControlFlowGraph:
    """The control-flow graph of ``function``.

    A function with several bodies (conditional compilation that cuts through
    statements) starts with a choice between them. What could not be represented is
    in ``problems``; the graph is then incomplete and must not be trusted.
    """
    builder = GraphBuilder(function.path, function.span)
    parameters = tuple(Local(each.name, each.type) for each in function.parameters)
    starts = [builder.label() for _ in function.bodies]
    if len(starts) > 1:
        builder.choose(*starts)
    missing: list[set[str]] = []
    for start, body in zip(starts, function.bodies, strict=True):
        builder.place(start)
        builder.labels = {}
        builder.locals.update({each.name: each for each in parameters})
        lowering = StatementLowering(builder, dialect, body)
        try:
            lowering.label_names = frozenset(_label_names(body.node, lowering))
            lowering.statement(body.node)
        except (TooDeepError, RecursionError):
            builder.problems.append("nested too deeply")
        except MissingFieldError as error:
            builder.problems.append(f"syntax not understood: {error}")
        builder.scopes.clear()
        builder.targets.clear()
        builder.jump(builder.exit)
        missing.append(builder.resolve_gotos())
        builder.gotos.clear()
        builder.current = None
        if len(builder.instructions) > MAX_NODES:
            builder.problems.append(f"more than {MAX_NODES} nodes")
    # A configuration that lacks a label which another has cannot be built; one that
    # no configuration has was not understood.
    for label in sorted(set.intersection(*missing) if missing else ()):
        builder.problems.append(f"goto to a label that is not there: {label}")
    names = {each.name for each in parameters}
    return ControlFlowGraph(
        function.name,
        function.path,
        parameters,
        tuple(each for each in builder.locals.values() if each.name not in names),
        builder.nodes(),
        builder.exit,
        tuple(dict.fromkeys((*function.damage, *builder.problems))),
    )


def _label_names(root: SyntaxNode, lowering: StatementLowering) -> list[str]:
    """The labels of a body, found without recursion."""
    names: list[str] = []
    pending = [root]
    while pending:
        node = pending.pop()
        if node.type == "labeled_statement":
            label = node.child_by_field_name("label")
            if label is not None:
                names.append(lowering.text(label))
        elif lowering.body.rewritten.get(node.start_byte) == LABEL and node.type == "expression_statement":
            names.append(lowering.text(node.named_children[0]))
        if node.type.endswith(("statement", "_if", "_ifdef", "_else", "_elif", "else_clause")):
            pending.extend(node.named_children)
    return names


def constant_expression(text: str, dialect: FlowDialect) -> Expr | None:
    """The expression that ``text`` (the body of a macro, an enumerator) is; None when it is none."""
    body: Body | None = dialect.fragment(f"{text};".encode())
    if body is None:
        return None
    statements = [each for each in body.node.named_children if each.type != "comment"]
    if (
        len(statements) != 1
        or statements[0].type != "expression_statement"
        or not statements[0].named_children
    ):
        return None
    builder = GraphBuilder("", Span("", 1, 1, 1, 1))
    try:
        value = StatementLowering(builder, dialect, body).value(statements[0].named_children[0])
    except (TooDeepError, RecursionError, MissingFieldError):
        return None
    return value
