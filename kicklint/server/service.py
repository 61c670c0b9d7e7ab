"""The server: when to analyse, and the answers to an editor's questions."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from kicklint.base import Finding, KicklintError, Report, SourceError
from kicklint.render import Lines, rule_page
from kicklint.rulebook import load_rulebook
from kicklint.server.messages import (
    appended,
    diagnostics,
    reason_in,
    reasonless,
    span_range,
    workspace_edit,
)
from kicklint.server.workbench import Project, Workbench
from kicklint.source import find_tree, is_kvm_code
from kicklint.triage import waiver_table

# Seconds without a change before a document that is not saved is looked at.
_PATIENCE = 1.0
_WAIVE = "Waive in .kicklint.toml (fill in the reason)"
_WAIVING = "kicklint.waive"
_WAIVERS = ".kicklint.toml"
Told = Callable[[str, int, int], None]
_TRY = "Look for an edit that removes this"


class _OvertakenError(Exception):
    """A later change has made an analysis useless."""


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
        loop = asyncio.get_running_loop()

        def arrived(partly: Report) -> None:
            loop.call_soon_threadsafe(self._publish_partly, tree, partly, mine)

        def still_wanted() -> None:
            if mine != tree.number:
                raise _OvertakenError

        look = self._worker.submit
        try:
            async with self._progress() as told:
                progress = _from_thread(loop, told, still_wanted)
                asked = look(tree.bench.report, self.texts(tree), progress, arrived)
                report = await asyncio.wrap_future(asked)
        except _OvertakenError:
            return
        except KicklintError as error:
            self.tell(str(error))
            return
        if mine == tree.number:
            tree.report = report
            self._publish(tree, report)

    @asynccontextmanager
    async def _progress(self) -> AsyncIterator[Told]:
        """What shows how far an analysis is, where the editor can show it."""
        window = self.client_capabilities.window
        if window is None or not window.work_done_progress:
            yield lambda _stage, _done, _total: None
            return
        token = str(uuid.uuid4())
        await self.work_done_progress.create_async(token)
        self.work_done_progress.begin(token, types.WorkDoneProgressBegin("kicklint", percentage=0))

        def told(stage: str, done: int, total: int) -> None:
            value = types.WorkDoneProgressReport(message=stage, percentage=100 * done // max(total, 1))
            self.work_done_progress.report(token, value)

        try:
            yield told
        finally:
            self.work_done_progress.end(token, types.WorkDoneProgressEnd())

    def _publish_partly(self, tree: _Tree, report: Report, number: int) -> None:
        """What some architectures say, added to what was said before of the others."""
        if number != tree.number:
            return
        known = {each.fingerprint for each in tree.report.open_findings} if tree.report is not None else set()
        new = {each.span.path for each in report.open_findings if each.fingerprint not in known}
        found = diagnostics(report, tree.bench.root)
        before = diagnostics(tree.report, tree.bench.root) if tree.report is not None else {}
        for address in sorted((tree.bench.root / path).as_uri() for path in new):
            there = [_fingerprint(each) for each in found[address]]
            rest = [each for each in before.get(address, ()) if _fingerprint(each) not in there]
            self._tell_of(address, [*found[address], *rest])
            tree.published.add(address)

    def _publish(self, tree: _Tree, report: Report) -> None:
        found = diagnostics(report, tree.bench.root)
        waivers, _ = tree.bench.waivers
        if flagged := reasonless(waivers):
            found[waivers.as_uri()] = flagged
        for address in sorted(tree.published - found.keys()):
            self._tell_of(address, [])
        for address, each in sorted(found.items()):
            self._tell_of(address, each)
        tree.published = set(found)

    def _tell_of(self, address: str, found: list[types.Diagnostic]) -> None:
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(address, found))

    async def look_at_all(self) -> None:
        """Analyse every tree again that a document is open of."""
        for tree in list(self._trees.values()):
            for address in self.workspace.text_documents:
                if self.tree_of(address) is tree:
                    await self.look(address)
                    break

    async def waive(self, root: str, fingerprint: str) -> None:
        """Put a waiver of a finding into its file, and the cursor where the reason is to stand."""
        tree, finding = self.finding(root, fingerprint)
        if tree is None or finding is None:
            self.tell("the finding is not there any more")
            return
        file, key = tree.bench.waivers
        edit = appended(file, waiver_table(finding, "", key=key))
        asked = types.ApplyWorkspaceEditParams(edit, label=_WAIVE)
        done = await self.workspace_apply_edit_async(asked)
        if not done.applied:
            self.tell(f"the waiver could not be written: {done.failure_reason or 'the editor refused'}")
            return
        window = self.client_capabilities.window
        if window is not None and window.show_document is not None and window.show_document.support:
            await self.window_show_document_async(
                types.ShowDocumentParams(file.as_uri(), take_focus=True, selection=reason_in(edit))
            )

    def finding(self, root: object, fingerprint: object) -> tuple[_Tree | None, Finding | None]:
        """The finding of that fingerprint in the last report on the tree at ``root``, and the tree."""
        tree = self._trees.get(Path(str(root)))
        known = tree.report.findings if tree is not None and tree.report is not None else ()
        return tree, next((each for each in known if each.fingerprint == fingerprint), None)

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
        tree, finding = self.finding(wanted.get("root"), wanted.get("fingerprint"))
        report = tree.report if tree is not None else None
        if tree is None or report is None or finding is None:
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


def _fingerprint(diagnostic: types.Diagnostic) -> object:
    return diagnostic.data.get("fingerprint") if isinstance(diagnostic.data, dict) else None


def _from_thread(loop: asyncio.AbstractEventLoop, told: Told, still_wanted: Callable[[], None]) -> Told:
    """``told``, to be called in another thread; it ends what is not wanted any more."""

    def progress(stage: str, done: int, total: int) -> None:
        still_wanted()
        loop.call_soon_threadsafe(told, stage, done, total)

    return progress


def _actions(tree: _Tree, finding: Finding, kinds: frozenset[str], *, asking: bool) -> list[types.CodeAction]:
    """What may be done about a finding; ``asking`` is whether the editor lets the server make edits."""
    root = tree.bench.root
    found = []
    if finding.rule in kinds:
        data = {"root": str(root), "fingerprint": finding.fingerprint}
        found.append(types.CodeAction(_TRY, kind=types.CodeActionKind.QuickFix, data=data))
    if asking:
        command = types.Command(_WAIVE, _WAIVING, arguments=[str(root), finding.fingerprint])
        found.append(types.CodeAction(_WAIVE, kind=types.CodeActionKind.QuickFix, command=command))
    else:
        file, key = tree.bench.waivers
        edit = appended(file, waiver_table(finding, "", key=key))
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
        if params.text_document.uri.endswith(f"/{_WAIVERS}"):
            await server.look_at_all()
        await server.look(params.text_document.uri)

    @server.feature(types.INITIALIZED)
    async def initialized(_params: types.InitializedParams) -> None:
        workspace = server.client_capabilities.workspace
        watching = workspace.did_change_watched_files if workspace is not None else None
        if watching is None or not watching.dynamic_registration:
            return
        watched = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher(f"**/{_WAIVERS}")])
        wanted = types.Registration(_WAIVERS, types.WORKSPACE_DID_CHANGE_WATCHED_FILES, watched)
        await server.client_register_capability_async(types.RegistrationParams([wanted]))

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def configured(_params: types.DidChangeWatchedFilesParams) -> None:
        await server.look_at_all()

    @server.command(_WAIVING)
    async def waive(root: str, fingerprint: str) -> None:
        await server.waive(root, fingerprint)

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
        workspace = server.client_capabilities.workspace
        asking = workspace is not None and bool(workspace.apply_edit)
        return [action for tree, each in found for action in _actions(tree, each, kinds, asking=asking)]

    @server.feature(types.CODE_ACTION_RESOLVE)
    async def resolve(action: types.CodeAction) -> types.CodeAction:
        return await server.resolved(action)

    return server


def serve(version: str, open_project: Callable[[Path], Project]) -> None:
    """Speak with an editor over standard input and output until it says goodbye."""
    made(version, open_project).start_io()
