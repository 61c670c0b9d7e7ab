"""The words of C litmus tests, by tools/memory-model/linux-kernel.def: read and written from here."""

from __future__ import annotations

from kicklint.memory.program import ACQUIRE, FULL, NO_RETURN, ONCE, RELEASE

# name -> order
LOADS = {
    "READ_ONCE": ONCE,
    "rcu_dereference": ONCE,
    "smp_load_acquire": ACQUIRE,
    "atomic_read": ONCE,
    "atomic_read_acquire": ACQUIRE,
}
STORES = {
    "WRITE_ONCE": ONCE,
    "rcu_assign_pointer": RELEASE,
    "smp_store_release": RELEASE,
    "atomic_set": ONCE,
    "atomic_set_release": RELEASE,
}
STORE_MB = "smp_store_mb"
# Macros that take the place itself: READ_ONCE(*x). The others take its address.
OF_PLACES = ("READ_ONCE", "WRITE_ONCE", "rcu_dereference", "rcu_assign_pointer", STORE_MB)
FENCES = {
    "smp_mb": "mb",
    "smp_rmb": "rmb",
    "smp_wmb": "wmb",
    "smp_mb__before_atomic": "before-atomic",
    "smp_mb__after_atomic": "after-atomic",
    "smp_mb__after_spinlock": "after-spinlock",
    "smp_mb__after_unlock_lock": "after-unlock-lock",
    "smp_mb__after_srcu_read_unlock": "after-srcu-read-unlock",
    "barrier": "barrier",
    "rcu_read_lock": "rcu-lock",
    "rcu_read_unlock": "rcu-unlock",
}
SRCU = {
    "srcu_read_lock": "srcu-lock",
    "srcu_down_read": "srcu-lock",
    "srcu_read_unlock": "srcu-unlock",
    "srcu_up_read": "srcu-unlock",
}
"""Read-side sections order nothing themselves as long as nobody waits for grace periods."""
GRACE_PERIODS = (
    "synchronize_rcu",
    "synchronize_rcu_expedited",
    "synchronize_srcu",
    "synchronize_srcu_expedited",
)
_SUFFIXES = {"": FULL, "_relaxed": ONCE, "_acquire": ACQUIRE, "_release": RELEASE}
# name -> order
EXCHANGES = {f"{stem}{end}": order for stem in ("xchg", "atomic_xchg") for end, order in _SUFFIXES.items()}
COMPARE_EXCHANGES = {
    f"{stem}{end}": order for stem in ("cmpxchg", "atomic_cmpxchg") for end, order in _SUFFIXES.items()
}
# name -> operator: nothing comes back
SILENT = {
    "atomic_add": "+",
    "atomic_sub": "-",
    "atomic_inc": "+",
    "atomic_dec": "-",
    "atomic_or": "|",
    "atomic_and": "&",
}
# name -> operator, whether the new value comes back, order
RETURNING: dict[str, tuple[str, bool, str]] = {}
for _stem, _operator in (("add", "+"), ("sub", "-"), ("inc", "+"), ("dec", "-")):
    for _end, _order in _SUFFIXES.items():
        RETURNING[f"atomic_{_stem}_return{_end}"] = (_operator, True, _order)
        RETURNING[f"atomic_fetch_{_stem}{_end}"] = (_operator, False, _order)
for _stem, _operator in (("or", "|"), ("and", "&")):
    for _end, _order in _SUFFIXES.items():
        RETURNING[f"atomic_fetch_{_stem}{_end}"] = (_operator, False, _order)
# name -> operator, comparison of the new value with 0
TESTS = {
    "atomic_sub_and_test": ("-", "=="),
    "atomic_dec_and_test": ("-", "=="),
    "atomic_inc_and_test": ("+", "=="),
    "atomic_add_negative": ("+", "<"),
}
BY_ONE = tuple(
    name
    for name in (*SILENT, *RETURNING, *TESTS)
    if name.startswith(("atomic_inc", "atomic_dec", "atomic_fetch_inc", "atomic_fetch_dec"))
)

__all__ = [
    "BY_ONE",
    "COMPARE_EXCHANGES",
    "EXCHANGES",
    "FENCES",
    "GRACE_PERIODS",
    "LOADS",
    "NO_RETURN",
    "OF_PLACES",
    "RETURNING",
    "SILENT",
    "SRCU",
    "STORES",
    "STORE_MB",
    "TESTS",
]
