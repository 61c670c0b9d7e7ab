"""What the engine has to be able to ask about the program that it runs over."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Protocol

from kicklint.events import Event, EventGraph
from kicklint.rulebook import EventKind
from kicklint.typestate.summary import Recall, Runs
from kicklint.typestate.values import Value


@dataclass(frozen=True, slots=True)
class Resume:
    """A function whose return may be a guest entry: for the values that ``resumes`` accepts."""

    resumes: Callable[[Value | None], bool]
    event: Event


class Program(Protocol):
    """One world: the functions of generic KVM and of one architecture.

    Functions are named by an identifier that is unique in the world. Everything is
    answered on demand, so that what no rule reaches is never lowered.
    """

    scratch: dict[Hashable, object]
    """What runs over the program keep of it for each other; empty at first, nobody else's business."""

    def recall(self, runs: Runs) -> Recall | None:
        """What knows what ``runs`` would come to again, from an earlier run; None where nothing does."""

    def graph(self, function: str) -> EventGraph:
        """The event graph of ``function``."""

    def may(self, function: str) -> set[str]:
        """The kinds of event that ``function`` or what it calls may hold (an upper bound).

        Writes of a mode are there as ``mode-write:MODE`` as well, as ``mode-write:*``
        where the mode comes from elsewhere.
        """

    def lines(self, function: str) -> int:
        """How long ``function`` is, 0 when it returns nothing."""

    def length(self, function: str) -> int:
        """How many lines ``function`` has."""

    def parameters(self, function: str) -> tuple[str, ...]:
        """The names of the parameters of ``function``."""

    def readers(self) -> frozenset[str]:
        """Functions and macros whose value is that of their only argument."""

    def mentions_running(self, function: str) -> bool:
        """Whether ``function`` or what it calls may look at the running vcpu."""

    def constant(self, name: str, path: str) -> Value | None:
        """The value of a named constant, seen from the file ``path``."""

    def function_named(self, name: str, path: str) -> tuple[str, ...]:
        """The functions that ``name`` may be, seen from the file ``path``."""

    def function_ids(self, name: str) -> tuple[str, ...]:
        """The functions called ``name``, of whatever file."""

    def members(self, name: str) -> tuple[str, ...]:
        """The functions that some table has as its member ``name``, in order."""

    def mode_name(self, value: Value | None) -> str:
        """The name of the mode ``value``, "" when it is not known."""

    def request_name(self, name: str, path: str) -> str:
        """The canonical name of the kind of request ``name``."""

    def resume(self, function: str) -> Resume | None:
        """How the return of ``function`` enters the guest, or None."""

    def required_requests(self) -> frozenset[str]:
        """The kinds of request that the architecture consumes anywhere."""

    def path(self, function: str) -> str:
        """The file that ``function`` is in."""

    def incompatible(self, function: str) -> frozenset[str]:
        """The files that are never in one kernel with ``function``."""

    def kernels(self, function: str) -> tuple[frozenset[str], ...]:
        """For every kernel that ``function`` can be in, the files that are not in it."""

    def back_ends(self, function: str) -> tuple[frozenset[str], ...]:
        """For every back end (vendor) that ``function`` can be used with, the files of the others."""

    def callers(self, function: str) -> tuple[str, ...]:
        """The functions that may call ``function`` (an upper bound), in order."""

    def holders(self, kind: EventKind, value: str) -> tuple[str, ...]:
        """The functions whose own text may hold an event of ``kind`` (with that mode), in order."""

    def resuming(self) -> tuple[str, ...]:
        """The functions whose return may be a guest entry, in order."""

    def implementing(self, kind: EventKind) -> tuple[str, ...]:
        """The functions of the tree whose name alone makes a call of them such an event, in order."""

    def vcpu_parameters(self, function: str) -> tuple[str, ...]:
        """The parameters of ``function`` that are declared as a vcpu."""

    def seekers(self, kind: EventKind) -> tuple[str, ...]:
        """The functions that may lead to an event of ``kind``, in order."""

    def away(self, kind: EventKind) -> tuple[str, ...]:
        """The functions that run in no vcpu's thread and may lead to an event of ``kind``, in order."""

    def others(self, function: str) -> tuple[str, ...]:
        """The variables of ``function`` that stand for a vcpu that it has looked up itself."""

    def atomic_tests(self) -> frozenset[str]:
        """Functions that tell whether interrupts are off."""

    def errors(self) -> frozenset[str]:
        """Functions outside of the program that return zero or a negative error number."""

    def deferred(self, function: str) -> bool:
        """Whether ``function`` is work that was queued: what it needs was done by who queued it."""

    def unprompted(self, function: str) -> bool:
        """Whether ``function`` goes off by itself, so that it cannot rely on what its callers have done."""

    def implements(self, function: str) -> bool:
        """Whether ``function`` is part of the interface that the requests are meant to be used by."""

    def request_kind(self, name: str, path: str) -> str:
        """``no-action`` for a kind that is never logged, ``flagged`` with other flags, else ``plain``."""

    def decides(self) -> str:
        """Whether a kick looks at the mode to decide about the IPI: ``mode`` or ``always`` (it does not)."""

    def address_taken(self, function: str) -> bool:
        """Whether ``function`` is reached through tables or pointers as well."""
