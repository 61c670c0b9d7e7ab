"""C text in, functions with syntax trees and their damage out. Must not know what the code means."""

from kicklint.syntax.dialect import Dialect, load_dialect
from kicklint.syntax.kept import packed, unpacked
from kicklint.syntax.model import DIGEST, Body, Function, Initialiser, Macro, Parameter, SyntaxFile
from kicklint.syntax.parse import parse_file, parse_fragment
from kicklint.syntax.scan import comments
from kicklint.syntax.statements import Statement, statements
from kicklint.syntax.uses import Uses
from kicklint.syntax.words import Spoken, spoken_in, words_in

__all__ = [
    "DIGEST",
    "Body",
    "Dialect",
    "Function",
    "Initialiser",
    "Macro",
    "Parameter",
    "Spoken",
    "Statement",
    "SyntaxFile",
    "Uses",
    "comments",
    "load_dialect",
    "packed",
    "parse_file",
    "parse_fragment",
    "spoken_in",
    "statements",
    "unpacked",
    "words_in",
]
