"""What was worked out before, kept on the disk.

In: keys and values. Out: the same values, or nothing. Must not know what they mean.
"""

from kicklint.store.disk import Store, default_folder
from kicklint.store.values import decoded, encoded

__all__ = ["Store", "decoded", "default_folder", "encoded"]
