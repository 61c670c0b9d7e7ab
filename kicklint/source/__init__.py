"""Where text comes from. In: a place. Out: paths and bytes. Must not know what the bytes mean."""

from kicklint.source.overlay import OverlayTree
from kicklint.source.tree import DirectoryTree, SourceTree, find_tree

__all__ = ["DirectoryTree", "OverlayTree", "SourceTree", "find_tree"]
