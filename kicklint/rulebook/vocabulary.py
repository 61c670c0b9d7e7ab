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


class Access(enum.StrEnum):
    """What an accessor does to its place."""

    READ = "read"
    WRITE = "write"
    EXCHANGE = "exchange"


@dataclass(frozen=True, slots=True)
class VcpuShape:
    """How a vcpu and the ways to and from it look in C (``[vcpu]``)."""

    type: str
    mode: str
    requests: str
    request_prefix: str
    back_pointers: tuple[str, ...]
    vm: str
    running_functions: tuple[str, ...]
    running_variables: tuple[str, ...]
    variable_readers: tuple[str, ...]
    embedding: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Accessor:
    """Functions or macros that read or write the place given as an argument."""

    names: tuple[str, ...]
    access: Access
    place: int
    address: bool = False
    value: int | None = None
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class BitOperation:
    """Functions that work on one bit of a place; on requests each is an event."""

    names: tuple[str, ...]
    bit: int
    place: int
    event: EventKind


@dataclass(frozen=True, slots=True)
class CallEvent:
    """Functions whose call is an event; numbers are argument positions."""

    names: tuple[str, ...]
    event: EventKind
    vcpu: int | None = None
    vm: int | None = None
    request: int | None = None
    result: bool = False


@dataclass(frozen=True, slots=True)
class FlagEvent:
    """Constants whose store into anything is an event."""

    names: tuple[str, ...]
    event: EventKind


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """``rules/vocabulary.toml``."""

    vcpu: VcpuShape
    modes: Mapping[str, int]
    accessor: tuple[Accessor, ...]
    bit_operation: tuple[BitOperation, ...]
    call: tuple[CallEvent, ...]
    flag: tuple[FlagEvent, ...] = ()


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
class Architecture:
    """What is known of one architecture."""

    name: str
    entry: tuple[Entry, ...] = ()


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


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The vocabulary and the macros, arranged for look-up by name."""

    vocabulary: Vocabulary
    macros: Macros
    accessors: Mapping[str, Accessor] = field(repr=False)
    bits: Mapping[str, BitOperation] = field(repr=False)
    calls: Mapping[str, CallEvent] = field(repr=False)
    flags: Mapping[str, FlagEvent] = field(repr=False)
    through: Mapping[str, CallThrough] = field(repr=False)
    tables: Mapping[str, TableCall] = field(repr=False)

    @classmethod
    def of(cls, vocabulary: Vocabulary, macros: Macros) -> Lexicon:
        """Index ``vocabulary`` and ``macros`` by name."""
        return cls(
            vocabulary,
            macros,
            accessors=_by_name(vocabulary.accessor),
            bits=_by_name(vocabulary.bit_operation),
            calls=_by_name(vocabulary.call),
            flags=_by_name(vocabulary.flag),
            through=_by_name(macros.call_through),
            tables=_by_name(macros.table_call),
        )


Named = typing.TypeVar("Named", Accessor, BitOperation, CallEvent, FlagEvent, CallThrough, TableCall)


def _by_name(entries: Iterable[Named]) -> dict[str, Named]:
    return {name: entry for entry in entries for name in entry.names}
