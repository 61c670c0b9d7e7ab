"""What names of the kernel mean: accessors, protocol functions, macros, entries."""

from __future__ import annotations

import enum
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


class EventKind(enum.StrEnum):
    """The alphabet of the automata."""

    MODE_WRITE = "mode-write"
    MODE_READ = "mode-read"
    REQUEST_MAKE = "request-make"
    REQUEST_TEST = "request-test"
    REQUEST_CONSUME = "request-consume"
    KICK = "kick"
    WAKE = "wake"
    FORCED_EXIT = "forced-exit"
    GUEST_ENTRY = "guest-entry"
    BARRIER = "barrier"
    INTERRUPTS_OFF = "interrupts-off"
    INTERRUPTS_ON = "interrupts-on"
    SLEEP = "sleep"
    HV_ENTRY = "hv-entry"
    IPI = "ipi"
    MASK_TEST = "mask-test"
    MASK_SEND = "mask-send"
    CPU_READ = "cpu-read"
    CPU_WRITE = "cpu-write"
    SELF_TEST = "self-test"
    UNLOGGED = "unlogged"
    FLAG_MAKE = "flag-make"
    FLAG_CLEAR = "flag-clear"
    FLAG_TEST = "flag-test"
    RETURN = "return"
    LEAVE = "leave"


class Access(enum.StrEnum):
    """What an accessor does to its place."""

    READ = "read"
    WRITE = "write"
    EXCHANGE = "exchange"
    SET_BITS = "set-bits"
    CLEAR_BITS = "clear-bits"


class Order(enum.StrEnum):
    """What an access or a barrier orders, by the kernel's memory model.

    ``on-success`` is a compare-and-exchange: full where it changes something, nothing
    where it does not. ``compiler`` keeps the compiler from moving accesses, and no CPU.
    """

    NONE = "none"
    COMPILER = "compiler"
    READ = "read"
    WRITE = "write"
    ACQUIRE = "acquire"
    RELEASE = "release"
    ON_SUCCESS = "on-success"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class VcpuShape:
    """How a vcpu and the ways to and from it look in C (``[vcpu]``)."""

    type: str
    mode: str
    requests: str
    cpus: tuple[str, ...]
    request_prefix: str
    request_mask: str
    request_flags: tuple[str, ...]
    no_action: str
    own_requests: tuple[str, ...]
    makers: tuple[str, ...]
    back_pointers: tuple[str, ...]
    vm: str
    running_functions: tuple[str, ...]
    running_variables: tuple[str, ...]
    variable_readers: tuple[str, ...]
    loops: tuple[str, ...]
    embedding: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Accessor:
    """Functions or macros that read or write the place given as an argument.

    ``order`` is what the access itself orders against what stands before and after it. What
    ``swaps`` writes, and its result is what was there before.
    """

    names: tuple[str, ...]
    access: Access
    place: int
    order: Order = Order.NONE
    address: bool = False
    value: int | None = None
    expected: int | None = None
    swaps: bool = False


@dataclass(frozen=True, slots=True)
class BitOperation:
    """Functions that work on one bit of a place; on requests each is an event."""

    names: tuple[str, ...]
    bit: int
    place: int
    event: EventKind
    order: Order = Order.NONE


@dataclass(frozen=True, slots=True)
class Barrier:
    """Functions and macros that order memory accesses.

    With ``after`` or ``before`` they do so only right beside a call of one of these.
    ``via`` is a word for the rules that says which construct it belongs to.
    """

    names: tuple[str, ...]
    order: Order
    via: str = ""
    after: tuple[str, ...] = ()
    before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CallEvent:
    """Functions whose call is an event; numbers are argument positions.

    ``saved`` is the argument that holds the interrupt state: where it is kept when
    interrupts are turned off, where it comes from when they are turned on again.
    With ``holds`` interrupts are kept away until they are let in by another such call.
    ``where`` maps argument positions to the text that the argument must have. ``via`` is a
    word for the rules that says what kind of event it is. ``runs`` is the argument that is a function which
    is run there; where that does something, ``via`` is "call".
    """

    names: tuple[str, ...]
    event: EventKind
    vcpu: int | None = None
    vm: int | None = None
    request: int | None = None
    saved: int | None = None
    holds: bool = False
    result: bool = False
    via: str = ""
    where: Mapping[str, str] = field(default_factory=dict)
    runs: int | None = None


@dataclass(frozen=True, slots=True)
class StoredConstant:
    """Constants whose store into anything is an event."""

    names: tuple[str, ...]
    event: EventKind


@dataclass(frozen=True, slots=True)
class RequesterApi:
    """The functions with which another thread makes a ``request`` and kicks."""

    request: str
    kick: str


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """``rules/vocabulary.toml``."""

    vcpu: VcpuShape
    requester: RequesterApi
    modes: Mapping[str, int]
    accessor: tuple[Accessor, ...]
    bit_operation: tuple[BitOperation, ...]
    barrier: tuple[Barrier, ...]
    call: tuple[CallEvent, ...]
    deciding: tuple[str, ...]
    atomic_tests: tuple[str, ...]
    errors: tuple[str, ...]
    deferred: tuple[str, ...]
    callbacks: tuple[str, ...]
    pinned: tuple[str, ...]
    timers: tuple[str, ...]
    away: tuple[str, ...]
    takers: tuple[str, ...]
    reasons: Mapping[str, str]
    stored_constant: tuple[StoredConstant, ...] = ()


@dataclass(frozen=True, slots=True)
class CallThrough:
    """Macros that call the function given as argument ``callee`` with the other arguments."""

    names: tuple[str, ...]
    callee: int


@dataclass(frozen=True, slots=True)
class TableCall:
    """Macros whose value is a function out of an operations table."""

    names: tuple[str, ...]
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Definition:
    """A function-like macro that is defined outside of KVM."""

    name: str
    parameters: tuple[str, ...]
    body: str


@dataclass(frozen=True, slots=True)
class Macros:
    """``rules/macros.toml``."""

    transparent: tuple[str, ...]
    fatal: tuple[str, ...]
    noreturn: tuple[str, ...]
    configured: tuple[str, ...]
    opaque: tuple[str, ...]
    call_through: tuple[CallThrough, ...]
    table_call: tuple[TableCall, ...]
    constants: Mapping[str, int]
    definition: tuple[Definition, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One way into the guest.

    ``calls`` are functions, ``members`` function pointers (reached through a member
    in ``on``, when given), ``returns`` functions that assembly calls; those resume
    the guest when they return a value equal to one of ``resume_equal``, with the
    bits of ``resume_clear`` clear, or above zero. ``instead`` stands for ``calls``
    in a tree that mentions none of ``calls``.
    """

    calls: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    on: tuple[str, ...] = ()
    returns: tuple[str, ...] = ()
    resume_equal: tuple[str, ...] = ()
    resume_clear: str = ""
    resume_positive: bool = False


@dataclass(frozen=True, slots=True)
class Flag:
    """State that stands in for a request: whoever kicks sets it, the vCPU looks at it.

    ``fields`` are members that hold it, ``constants`` bits in a word. ``makes`` and
    ``tests`` are functions whose call sets it or looks at it, each for the vcpu that the
    argument ``argument`` leads to; ``order`` is what the making orders. A call that is handed one of
    ``registers`` makes it, for whatever vcpu. With ``hardware`` the guest itself notices it.
    One that is ``relayed`` was set by code that could not kick: whoever reads it does so.
    """

    name: str
    fields: tuple[str, ...] = ()
    constants: tuple[str, ...] = ()
    makes: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    registers: tuple[str, ...] = ()
    order: Order = Order.NONE
    argument: int = 0
    hardware: bool = False
    relayed: bool = False


@dataclass(frozen=True, slots=True)
class Architecture:
    """What is known of one architecture.

    Code under the folders of ``apart`` is run by another machine (a hypervisor below
    the kernel): it is no part of the thread of a vCPU.
    """

    name: str
    entry: tuple[Entry, ...] = ()
    flag: tuple[Flag, ...] = ()
    apart: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inference:
    """What speaks for a call being the guest entry of an unknown architecture.

    ``enter`` and ``exit`` are functions that stand around an entry, ``hints`` words of
    an entry's name, ``against`` words of other names, ``ignored`` beginnings of names
    that are never an entry.
    """

    enter: tuple[str, ...]
    exit: tuple[str, ...]
    hints: tuple[str, ...]
    against: tuple[str, ...]
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Architectures:
    """``rules/architectures.toml``."""

    inference: Inference
    architecture: tuple[Architecture, ...]
    flag: tuple[Flag, ...] = ()


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The vocabulary and the macros, arranged for look-up by name."""

    vocabulary: Vocabulary
    macros: Macros
    accessors: Mapping[str, Accessor] = field(repr=False)
    bits: Mapping[str, BitOperation] = field(repr=False)
    barriers: Mapping[str, Barrier] = field(repr=False)
    calls: Mapping[str, tuple[CallEvent, ...]] = field(repr=False)
    stored: Mapping[str, StoredConstant] = field(repr=False)
    through: Mapping[str, CallThrough] = field(repr=False)
    tables: Mapping[str, TableCall] = field(repr=False)
    atomic_tests: frozenset[str] = field(repr=False)
    errors: frozenset[str] = field(repr=False)

    @classmethod
    def of(cls, vocabulary: Vocabulary, macros: Macros) -> Lexicon:
        """Index ``vocabulary`` and ``macros`` by name."""
        return cls(
            vocabulary,
            macros,
            accessors=_by_name(vocabulary.accessor),
            bits=_by_name(vocabulary.bit_operation),
            barriers=_by_name(vocabulary.barrier),
            calls=_all_by_name(vocabulary.call),
            stored=_by_name(vocabulary.stored_constant),
            through=_by_name(macros.call_through),
            tables=_by_name(macros.table_call),
            atomic_tests=frozenset(vocabulary.atomic_tests),
            errors=frozenset(vocabulary.errors),
        )

    def calls_of(self, kind: EventKind) -> Mapping[str, int]:
        """The functions whose call is an event of ``kind``, with the argument that is the kind of request."""
        return {
            name: entry.request
            for entry in self.vocabulary.call
            if entry.event is kind and entry.request is not None
            for name in entry.names
        }


Named = typing.TypeVar("Named", Accessor, BitOperation, Barrier, StoredConstant, CallThrough, TableCall)


def _by_name(entries: Iterable[Named]) -> dict[str, Named]:
    return {name: entry for entry in entries for name in entry.names}


def _all_by_name(entries: Iterable[CallEvent]) -> dict[str, tuple[CallEvent, ...]]:
    found: dict[str, tuple[CallEvent, ...]] = {}
    for entry in entries:
        for name in entry.names:
            found[name] = (*found.get(name, ()), entry)
    return found
