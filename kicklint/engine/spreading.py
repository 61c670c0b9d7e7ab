"""What something leads to leads from whatever leads to it: kinds, carried up a graph."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Set


def spread(
    own: Mapping[str, Set[str]],
    leading_to: Callable[[str], Iterable[str]],
    more: Mapping[str, Set[str]],
) -> dict[str, set[str]]:
    """For each key of ``own`` what it has, what all that it leads to have, and what it alone has ``more``.

    ``leading_to`` gives the keys that lead to one. Keys with the same kinds share a set,
    which is not to be changed.
    """
    bits: dict[str, int] = {}
    masks = {key: _mask(kinds, bits) if kinds else 0 for key, kinds in own.items()}
    pending = deque(key for key, mask in masks.items() if mask)
    queued = set(pending)
    while pending:
        key = pending.popleft()
        queued.discard(key)
        mask = masks[key]
        for above in leading_to(key):
            if mask & ~masks[above]:
                masks[above] |= mask
                if above not in queued:
                    queued.add(above)
                    pending.append(above)
    for key, kinds in more.items():
        masks[key] |= _mask(kinds, bits)
    sets = {mask: {kind for kind, bit in bits.items() if mask & bit} for mask in set(masks.values())}
    return {key: sets[mask] for key, mask in masks.items()}


def _mask(kinds: Set[str], bits: dict[str, int]) -> int:
    mask = 0
    for kind in kinds:
        mask |= bits.setdefault(kind, 1 << len(bits))
    return mask
