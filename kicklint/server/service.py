"""The server: when to analyse, and the answers to an editor's questions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from kicklint.base import Finding, KicklintError, Report, SourceError
from kicklint.render import Lines, rule_page
from kicklint.rulebook import load_rulebook
from kicklint.server.messages import appended, diagnostics, span_range, workspace_edit
from kicklint.server.workbench import Project, Workbench
from kicklint.source import find_tree, is_kvm_code
from kicklint.triage import waiver_table

# Seconds without a change before a document that is not saved is looked at.
_PATIENCE = 1.0
_WAIVE = "Waive in .kicklint.toml (fill in the reason)"
_TRY = "Look for an edit that removes this"


@dataclass(slots=True)
class _Tree:
    """A tree that documents are open of, its last report, and what was published about it."""

    bench: Workbench
    report: Report | None = None
    published: set[str] = field(default_factory=set)
    number: int = 0


class KicklintServer(LanguageServer):
    """Publishes the findings in the trees of open documents.

    One analysis runs at a time, in a thread of its own; one that a later change has overtaken is not
    published.
    """

    def __init__(self, version: str, open_project: Callable[[Path], Project]) -> None:
        super().__init__("kicklint", version)
        self._open_project = open_project
        self._trees: dict[Path, _Tree] = {}
        self._worker = ThreadPoolExecutor(1)

    def tree_of(self, address: str) -> _Tree | None:
        """The tree that a document belongs to; None where it is no KVM code."""
        path = to_fs_path(address)
        try:
            root = find_tree(Path(path).parent).root.resolve() if path else None
        except SourceError:
            return None
        if root is None or path is None or not is_kvm_code(_inside(root, path)):
            return None
        if root not in self._trees:
            self._trees[root] = _Tree(Workbench(root, self._open_project))
        return self._trees[root]

    def texts(self, tree: _Tree) -> Mapping[str, str]:
        """What the editor has of the files of ``tree``, by path."""
        found = {}
        for address, document in self.workspace.text_documents.items():
            path = to_fs_path(address)
            if path and Path(path).resolve().is_relative_to(tree.bench.root):
                found[_inside(tree.bench.root, path)] = document.source
        return found

    async def look(self, address: str, wait: float = 0.0) -> None:
        """Analyse the tree of a document, unless another change comes within ``wait`` seconds."""
        tree = self.tree_of(address)
        if tree is None:
            return
        tree.number += 1
        mine = tree.number
        await asyncio.sleep(wait)
        if mine != tree.number:
            return
        texts = self.texts(tree)
        loop = asyncio.get_running_loop()
        try:
            report = await loop.run_in_executor(self._worker, tree.bench.report, texts)
        except KicklintError as error:
            self.tell(str(error))
            return
        if mine == tree.number:
            tree.report = report
            self._publish(tree, report)

    def _publish(self, tree: _Tree, report: Report) -> None:
        found = diagnostics(report, tree.bench.root)
        for address in sorted(tree.published - found.keys()):
            self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(address, []))
        for address, each in sorted(found.items()):
            self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(address, each))
        tree.published = set(found)

    def at(self, address: str, place: types.Range) -> list[tuple[_Tree, Finding]]:
        """The findings whose lines ``place`` touches."""
        tree = self.tree_of(address)
        if tree is None or tree.report is None:
            return []
        lines = Lines(tree.report)
        found = []
        for each in tree.report.open_findings:
            where = span_range(each.span, lines)
            near = where.start.line <= place.end.line and place.start.line <= where.end.line
            if near and (tree.bench.root / each.span.path).as_uri() == _same(address):
                found.append((tree, each))
        return found

    async def resolved(self, action: types.CodeAction) -> types.CodeAction:
        """``action`` with the edit that was looked for, if there is one."""
        wanted = action.data if isinstance(action.data, dict) else {}
        tree = self._trees.get(Path(str(wanted.get("root", ""))))
        report = tree.report if tree is not None else None
        if tree is None or report is None:
            return action
        finding = next(
            (each for each in report.findings if each.fingerprint == wanted.get("fingerprint")), None
        )
        if finding is None:
            return action
        loop = asyncio.get_running_loop()
        try:
            edit, lines = await loop.run_in_executor(
                self._worker, tree.bench.edit, finding, report, self.texts(tree)
            )
        except KicklintError as error:
            self.tell(str(error))
            return action
        if edit is None:
            self.tell(f"no edit removes this {finding.rule} without bringing another finding")
        else:
            action.edit = workspace_edit(edit, tree.bench.root, Lines(lines))
        return action

    def tell(self, text: str) -> None:
        """Show a message."""
        self.window_show_message(types.ShowMessageParams(types.MessageType.Info, f"kicklint: {text}"))


def _inside(root: Path, path: str) -> str:
    resolved = Path(path).resolve()
    return resolved.relative_to(root).as_posix() if resolved.is_relative_to(root) else path


def _same(address: str) -> str:
    """The address of a document as this server writes it."""
    path = to_fs_path(address)
    return Path(path).resolve().as_uri() if path else address


def _actions(tree: _Tree, finding: Finding, kinds: frozenset[str]) -> list[types.CodeAction]:
    """What may be done about a finding."""
    root = tree.bench.root
    found = []
    if finding.rule in kinds:
        data = {"root": str(root), "fingerprint": finding.fingerprint}
        found.append(types.CodeAction(_TRY, kind=types.CodeActionKind.QuickFix, data=data))
    table = waiver_table(finding, "")
    edit = appended(root / ".kicklint.toml", table)
    found.append(types.CodeAction(_WAIVE, kind=types.CodeActionKind.QuickFix, edit=edit))
    return found


def made(version: str, open_project: Callable[[Path], Project]) -> KicklintServer:
    """The server with all its features."""
    server = KicklintServer(version, open_project)
    actions = types.CodeActionOptions([types.CodeActionKind.QuickFix], resolve_provider=True)

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def opened(params: types.DidOpenTextDocumentParams) -> None:
        await server.look(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def saved(params: types.DidSaveTextDocumentParams) -> None:
        await server.look(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: types.DidChangeTextDocumentParams) -> None:
        await server.look(params.text_document.uri, _PATIENCE)

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hovered(params: types.HoverParams) -> types.Hover | None:
        here = types.Range(params.position, params.position)
        rules = dict.fromkeys(each.rule for _, each in server.at(params.text_document.uri, here))
        pages = [rule_page(rule) for rule in load_rulebook().rules if rule.id in rules]
        if not pages:
            return None
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, "\n\n".join(pages)))

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, actions)
    def asked(params: types.CodeActionParams) -> list[types.CodeAction]:
        kinds = frozenset(rule.id for rule in load_rulebook().rules if rule.remedy)
        found = server.at(params.text_document.uri, params.range)
        return [action for tree, each in found for action in _actions(tree, each, kinds)]

    @server.feature(types.CODE_ACTION_RESOLVE)
    async def resolve(action: types.CodeAction) -> types.CodeAction:
        return await server.resolved(action)

    return server


def serve(version: str, open_project: Callable[[Path], Project]) -> None:
    """Speak with an editor over standard input and output until it says goodbye."""
    made(version, open_project).start_io()
