"""One function's control-flow graph, with its events and the protocol states, to look at."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from kicklint.base import SourceError
from kicklint.engine.analysis import AnalysisRequest, architectures
from kicklint.engine.inference import open_world
from kicklint.engine.sources import Sources
from kicklint.engine.world import World
from kicklint.flow import Branch, Call, Choice, Instruction, Load, Return, Skip, Store, TableCall, reach, show
from kicklint.rulebook import load_rulebook
from kicklint.source import DirectoryTree
from kicklint.typestate import search


@dataclass(frozen=True, slots=True)
class ShownNode:
    """One node: its line, its instruction, its event, and the states it is reached in, by rule."""

    number: int
    line: int
    text: str
    event: str
    states: tuple[str, ...]
    successors: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FunctionGraph:
    """A function's graph in one world, rendered by itself as text or as DOT."""

    function: str
    path: str
    architecture: str
    nodes: tuple[ShownNode, ...]

    def text(self) -> str:
        """One line a node: number, line, instruction, event, states, successors."""
        out = [f"{self.function}() in {self.path} [{self.architecture or 'generic'}]"]
        for node in self.nodes:
            onward = " -> " + ", ".join(str(each) for each in node.successors) if node.successors else ""
            out.append(f"{node.number:>5}  line {node.line:<6} {node.text}{onward}")
            if node.event:
                out.append(f"{'':>7}  event: {node.event}")
            if node.states:
                out.append(f"{'':>7}  states: {', '.join(node.states)}")
        return "\n".join(out) + "\n"

    def dot(self) -> str:
        """The graph in Graphviz's language."""
        out = [f"digraph {_quoted(self.function)} {{", '  node [shape=box, fontname="monospace"];']
        for node in self.nodes:
            lines = [f"{node.line}: {node.text}", *([node.event] if node.event else []), *node.states]
            style = ', style=filled, fillcolor="#ffe8b0"' if node.event else ""
            out.append(f"  n{node.number} [label={_quoted(chr(10).join(lines))}{style}];")
        for node in self.nodes:
            for index, successor in enumerate(node.successors):
                label = f" [label={('true', 'false')[index]}]" if node.text.startswith("if ") else ""
                out.append(f"  n{node.number} -> n{successor}{label};")
        return "\n".join([*out, "}"]) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\l")
    return f'"{escaped}"'


def show_function(request: AnalysisRequest, function: str) -> FunctionGraph:
    """The graph of ``function``. Raises SourceError when the tree has no function of that name."""
    rulebook = load_rulebook()
    tree = DirectoryTree(request.tree)
    sources = Sources(tree, request.progress, store=request.store)
    names: set[str] = set()
    for architecture in architectures(tree, request.architectures):
        world = open_world(architecture, rulebook, sources)
        keys = world.function_ids(function)
        if keys:
            return _shown(world, keys[0], architecture)
        names |= world.index.by_name.keys()
    near = difflib.get_close_matches(function, sorted(names), 3)
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    raise SourceError(f"no function {function}() in the KVM code of {tree.root}{hint}")


def _shown(world: World, key: str, architecture: str) -> FunctionGraph:
    states: dict[int, dict[str, None]] = {}
    for rule in world.rulebook.rules:
        for automaton in rule.automaton:
            for simulator in search(world, automaton).simulators:
                for context, summary in simulator.summaries.items():
                    if context.function == key:
                        for node, state in sorted(summary.links):
                            states.setdefault(node, {})[f"{rule.id} {state.state}"] = None
    graph = world.graph(key)
    reached = reach(graph.graph.nodes, 0)
    nodes = tuple(
        ShownNode(
            index,
            node.span.line,
            _instruction(node.instruction),
            f"{graph.events[index].kind.value}: {graph.events[index].text}" if index in graph.events else "",
            tuple(states.get(index, ())),
            node.successors,
        )
        for index, node in enumerate(graph.graph.nodes)
        if index in reached
    )
    function = world.index.functions[key]
    return FunctionGraph(function.name, function.path, architecture, nodes)


def _instruction(instruction: Instruction) -> str:
    match instruction:
        case Call(dst, name, callee, args):
            return f"%{dst} = {name or show(callee)}({', '.join(show(each) for each in args)})"
        case TableCall(dst, member, args):
            return f"%{dst} = op {member}({', '.join(show(each) for each in args)})"
        case Load(dst, place):
            return f"%{dst} = {show(place)}"
        case Store(place, value, op):
            return f"{show(place)} {op}= {show(value)}"
        case Branch(condition):
            return f"if {show(condition)}"
        case Return(value):
            return "return" if value is None else f"return {show(value)}"
        case Choice():
            return "any of"
        case Skip():
            return "."
    return ""
