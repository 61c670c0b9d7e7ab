"""C text in, functions with syntax trees and their damage out. Must not know what the code means."""

from kicklint.syntax.arguments import STATEMENT_WORDS
from kicklint.syntax.classes import ended, released, taken
from kicklint.syntax.dialect import Dialect, Guards, load_dialect
from kicklint.syntax.expansion import substitute
from kicklint.syntax.kept import packed, unpacked
from kicklint.syntax.model import DIGEST, Body, Function, Initialiser, Macro, Parameter, SyntaxFile
from kicklint.syntax.notes import LABEL, NOTHING
from kicklint.syntax.parse import parse_file, parse_fragment
from kicklint.syntax.scan import comments
from kicklint.syntax.statements import Statement, statements
from kicklint.syntax.uses import Uses
from kicklint.syntax.words import Spoken, spoken_in, words_in

__all__ = [
    "DIGEST",
    "LABEL",
    "NOTHING",
    "STATEMENT_WORDS",
    "Body",
    "Dialect",
    "Function",
    "Guards",
    "Initialiser",
    "Macro",
    "Parameter",
    "Spoken",
    "Statement",
    "SyntaxFile",
    "Uses",
    "comments",
    "ended",
    "load_dialect",
    "packed",
    "parse_file",
    "parse_fragment",
    "released",
    "spoken_in",
    "statements",
    "substitute",
    "taken",
    "unpacked",
    "words_in",
]
