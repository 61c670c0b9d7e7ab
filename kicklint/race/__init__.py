"""The way to a harm and the code of the other side in; an interleaving that goes wrong out.

Ways are made programs of the memory model: which events are which accesses is
said in ``programs.py``, in the words that rules use in their ``race`` tables.

Must not know: syntax, how findings are drawn, how a harm was found.
"""

from kicklint.race.beats import Beat
from kicklint.race.compose import Composer
from kicklint.race.walks import SEEN
from kicklint.race.ways import Reader

__all__ = ["SEEN", "Beat", "Composer", "Reader"]
