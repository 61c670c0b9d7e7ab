"""The axioms of tools/memory-model/linux-kernel.cat, without RCU; names are the model's own.

Coherence and atomicity are settled before (candidates.py). lock.cat needs no words of
its own: a spinlock is a location that an update with acquire order takes from 0 to 1 and a
release store gives back, and its successor is found by atomicity.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from kicklint.memory.candidates import START, Choice, Placed
from kicklint.memory.program import ACQUIRE, NO_RETURN, PLAIN, RELEASE
from kicklint.memory.relation import (
    Events,
    Relation,
    acyclic,
    closure,
    common,
    inverse,
    maybe,
    pairs,
    star,
    then,
    union,
    within,
    without,
)
from kicklint.memory.unfold import LOCK_READ, LOCK_WRITE, UNLOCK

_BARRIERS = ("barrier", "rmb", "wmb", "mb", "before-atomic", "after-atomic", "rcu-lock", "rcu-unlock")


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution that the model allows.

    ``rf`` maps reads to the writes they find, ``co`` has each location's writes in
    order, ``before`` holds what must have happened before what (hb, and fences).
    ``races`` says that a plain access runs into another one.
    """

    events: tuple[Placed, ...]
    rf: dict[int, int]
    co: dict[str, tuple[int, ...]]
    before: Relation
    races: bool = False


class Skeleton:
    """What does not depend on which write a read finds: one combination of traces."""

    def __init__(self, events: tuple[Placed, ...]) -> None:
        self.events = events
        self.size = size = len(events)
        base = {each.thread: index - each.place for index, each in enumerate(events)}
        self.po = pairs(
            size,
            (
                (one, other)
                for one, a in enumerate(events)
                for other, b in enumerate(events)
                if a.thread == b.thread != START and a.place < b.place
            ),
        )
        self.int = union(self.po, inverse(self.po), pairs(size, ((i, i) for i in range(size))))
        full = (1 << size) - 1
        self.ext = tuple(full & ~row for row in self.int)

        def depends(name: str) -> Relation:
            return pairs(
                size,
                (
                    (base[each.thread] + read, index)
                    for index, each in enumerate(events)
                    for read in getattr(each.event, name)
                ),
            )

        self.addr, self.data, self.ctrl = depends("address"), depends("data"), depends("control")
        self.rmw = pairs(
            size,
            (
                (base[each.thread] + each.event.reads, index)
                for index, each in enumerate(events)
                if each.event.reads >= 0
            ),
        )
        self._sets()
        self._fences()

    def members(self, **wanted: str) -> Events:
        """The events whose fields are as ``wanted``."""
        return sum(
            1 << index
            for index, each in enumerate(self.events)
            if all(getattr(each.event, name) == value for name, value in wanted.items())
        )

    def _sets(self) -> None:
        members = self.members
        self.reads, self.writes = members(kind="R"), members(kind="W")
        self.memory = self.reads | self.writes
        self.initial = members(order="initial")
        self.plain = members(order=PLAIN)
        self.marked = ((1 << self.size) - 1) & ~self.plain
        self.acquires = members(kind="R", order=ACQUIRE)
        self.releases = members(kind="W", order=RELEASE)
        self.returning = self.reads & ~members(order=NO_RETURN)
        self.updates = sum(1 << index for index, each in enumerate(self.events) if each.event.update)

    def fencerel(self, kind: str) -> Relation:
        """What stands on the two sides of a fence of ``kind``."""
        fences = self.members(kind="F", order=kind)
        return then(tuple(row & fences for row in self.po), self.po)

    def _fences(self) -> None:
        memory, maybe_po = self.memory, maybe(self.po)
        everything = (1 << self.size) - 1
        self.acq_po = within(self.acquires, self.po, memory)
        self.po_rel = within(memory, self.po, self.releases)
        self.rmb = within(self.returning, self.fencerel("rmb"), self.returning)
        self.wmb = within(self.writes, self.fencerel("wmb"), self.writes)
        to_update = within(memory, maybe_po, self.updates)
        locked = self.members(lock=LOCK_WRITE)
        unlocked = self.members(kind="F", order="srcu-unlock")
        before = then(within(memory, self.fencerel("before-atomic"), self.updates), maybe_po)
        self.static_mb = union(
            within(memory, self.fencerel("mb"), memory),
            within(memory, before, memory),
            within(everything, then(to_update, self.fencerel("after-atomic")), memory),
            within(memory, then(within(memory, maybe_po, locked), self.fencerel("after-spinlock")), memory),
            within(
                memory,
                then(within(memory, maybe_po, unlocked), self.fencerel("after-srcu-read-unlock")),
                memory,
            ),
        )

    @cached_property
    def barrier(self) -> Relation:
        """What a compiler keeps in order."""
        parts = [self.fencerel(kind) for kind in _BARRIERS]
        ordered = self.acquires | self.releases
        parts.append(then(tuple(row & ordered for row in self.po), self.po))
        everything = (1 << self.size) - 1
        parts += [within(everything, self.po, self.releases), within(self.acquires, self.po, everything)]
        return union(*parts)


class _Judgement:
    """One candidate execution against the axioms."""

    def __init__(self, frame: Skeleton, choices: tuple[Choice, ...]) -> None:
        self.frame, size = frame, frame.size
        self.rf = pairs(size, ((write, read) for each in choices for read, write in each.found))
        order = [
            (one, other)
            for each in choices
            for at, one in enumerate(each.order)
            for other in each.order[at + 1 :]
        ]
        self.co = pairs(size, order)
        self.fr = then(inverse(self.rf), self.co)
        self.overwrite = union(self.co, self.fr)
        self.rfi, self.rfe = common(self.rf, frame.int), common(self.rf, frame.ext)
        self._fences()
        self._preserved()
        self._propagated()

    def _fences(self) -> None:
        frame = self.frame
        unlocks, locks = frame.members(lock=UNLOCK), frame.members(lock=LOCK_READ)
        everything = (1 << frame.size) - 1
        passed = then(
            within(everything, frame.po, unlocks),
            within(unlocks, union(frame.po, self.rf), locks),
            frame.po,
        )
        fences = frame.members(kind="F", order="after-unlock-lock")
        after = then(within(frame.memory, passed, fences), frame.po)
        self.po_unlock_lock_po = passed
        self.strong = union(frame.static_mb, within(frame.memory, after, frame.memory))
        self.nonrw = union(self.strong, frame.po_rel, frame.acq_po)
        self.fence = union(self.nonrw, frame.wmb, frame.rmb)

    def _preserved(self) -> None:
        frame = self.frame
        carry = star(then(frame.data, self.rfi))
        addr, data, ctrl = then(carry, frame.addr), then(carry, frame.data), then(carry, frame.ctrl)
        self.addr = addr
        everything = (1 << frame.size) - 1
        dep = union(addr, data)
        to_w = union(
            within(everything, union(dep, ctrl), frame.writes),
            common(self.overwrite, frame.int),
            then(within(everything, addr, frame.plain), frame.wmb),
        )
        to_r = union(
            within(everything, addr, frame.reads), then(within(everything, dep, frame.marked), self.rfi)
        )
        inside = common(union(self.fence, self.po_unlock_lock_po), frame.int)
        self.ppo = union(to_r, to_w, inside)

    def _propagated(self) -> None:
        frame, marked = self.frame, self.frame.marked
        everything = (1 << frame.size) - 1
        came = maybe(within(everything, self.rfe, marked))
        cumulative = then(came, union(self.strong, frame.po_rel))
        self.rmw_sequence = star(then(self.rf, frame.rmw))
        self.cumul_fence = then(
            within(marked, union(cumulative, frame.wmb, self.po_unlock_lock_po), marked), self.rmw_sequence
        )
        self.cumul_star = star(self.cumul_fence)
        over = maybe(common(self.overwrite, frame.ext))
        known = within(everything, then(over, self.cumul_star), marked)
        self.prop = within(marked, then(known, maybe(self.rfe)), marked)
        identity = maybe(pairs(frame.size, ()))
        proper = common(without(self.prop, identity), frame.int)
        self.hb = within(marked, union(self.ppo, self.rfe, proper), marked)

    def allowed(self) -> bool:
        """Whether the axioms hold: happens-before, propagation, plain-coherence."""
        if not acyclic(self.hb):
            return False
        self.hb_star = star(self.hb)
        everything = (1 << self.frame.size) - 1
        self.pb = within(everything, then(self.prop, self.strong, self.hb_star), self.frame.marked)
        return acyclic(self.pb) and (not self.frame.plain or self._plain())

    def _plain(self) -> bool:
        """Plain accesses see what they must, and whether they race."""
        frame, marked = self.frame, self.frame.marked
        everything = (1 << frame.size) - 1
        xbstar = star(union(self.hb, self.pb))
        vis = then(
            self.cumul_star,
            within(everything, maybe(self.rfe), marked),
            union(then(within(everything, self.strong, marked), xbstar), common(xbstar, frame.int)),
        )
        fencerel = frame.fencerel("rmb")
        before_rmb = within(frame.returning, fencerel, everything)
        after_rmb = within(everything, fencerel, frame.returning)
        w_pre = within(marked, maybe(union(self.addr, self.fence)), everything)
        r_pre = within(marked, maybe(union(self.addr, self.nonrw, before_rmb)), everything)
        w_post = then(within(everything, maybe(self.fence), marked), self.rmw_sequence)
        r_post = within(everything, maybe(union(self.nonrw, after_rmb)), marked)
        strong_x = then(self.strong, xbstar)
        ww_vis = union(self.fence, then(strong_x, w_pre), then(w_post, vis, w_pre))
        wr_vis = union(self.fence, then(strong_x, r_pre), then(w_post, vis, r_pre))
        rw_xbstar = union(self.fence, then(r_post, xbstar, w_pre))
        racing = union(
            within(frame.plain, frame.ext, frame.memory),
            within(frame.memory & ~frame.initial, frame.ext, frame.plain),
        )
        wrong = union(
            common(common(racing, self.rf), inverse(rw_xbstar)),
            common(common(racing, self.fr), inverse(wr_vis)),
            common(common(racing, self.co), inverse(ww_vis)),
        )
        orderly = common(
            common(ww_vis, union(within(marked, frame.ext, frame.writes), rw_xbstar)),
            union(within(frame.writes, frame.ext, marked), wr_vis),
        )
        reading = then(maybe(self.co), self.rf)
        races = union(
            without(common(racing, self.co), orderly),
            without(without(common(racing, reading), wr_vis), inverse(rw_xbstar)),
            without(common(racing, self.fr), rw_xbstar),
        )
        self.races = any(races)
        return not any(wrong)

    races = False


def judge(frame: Skeleton, choices: tuple[Choice, ...]) -> Execution | None:
    """The execution that ``choices`` make of ``frame``, if the model allows it."""
    judgement = _Judgement(frame, choices)
    if not judgement.allowed():
        return None
    rf = {read: write for each in choices for read, write in each.found}
    co = {frame.events[each.order[0]].event.location: each.order for each in choices}
    before = closure(union(judgement.hb, common(judgement.fence, frame.int)))
    return Execution(frame.events, rf, co, before, judgement.races)
