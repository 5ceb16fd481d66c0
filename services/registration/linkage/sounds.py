"""The sound of a name in the Spanish of Guatemala, also for names of Mayan languages.

Registrars wrote Mayan names by ear, so `Xicay`, `Shicay` and `Jicay` may be one family, like `Ximénez` and `Jiménez`.
"""

import re
from functools import lru_cache
from itertools import groupby

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile("ph"), "f"),
    (re.compile("t[zs]"), "s"),
    (re.compile("sch|sh|x"), "j"),
    (re.compile("ch"), "ĉ"),
    (re.compile("ck|qu(?=[eiy])|q"), "k"),
    (re.compile("c(?=[eiy])|z"), "s"),
    (re.compile("c"), "k"),
    (re.compile("g(?=[eiy])"), "j"),
    (re.compile("(?:gu|hu)(?=[ao])"), "w"),
    (re.compile("hu(?=[ei])|^u(?=[aeio])"), "w"),
    (re.compile("gu(?=[eiy])"), "g"),
    (re.compile("h"), ""),
    (re.compile("v"), "b"),
    (re.compile("ll"), "y"),
    (re.compile("y(?![aeiou])"), "i"),
    (re.compile("n(?=[bp])"), "m"),
)
_VOWELS = str.maketrans("", "", "aeiou")


@lru_cache(maxsize=100_000)
def sound(word: str) -> str:
    """How a folded word sounds: b = v, c = s = z, ll = y, x = sh = j = soft g, k = qu = hard c, tz = ts = s, w = hu =
    gu. A mute h and a glottal stop have no sound."""
    for pattern, replacement in _RULES:
        word = pattern.sub(replacement, word)
    return "".join(letter for letter, _ in groupby(word))


@lru_cache(maxsize=100_000)
def skeleton(word: str) -> str:
    """The first letter of the sound and its next three consonants. Vowels are written wrong most often."""
    sounds = sound(word)
    return sounds[:1] + sounds[1:].translate(_VOWELS)[:3]
