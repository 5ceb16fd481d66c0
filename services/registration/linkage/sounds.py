"""The sound of a name in the Spanish of Guatemala, also for names of Mayan languages.

Registrars wrote Mayan names by ear, so `Xicay`, `Shicay` and `Jicay` may be one family, like `Ximénez` and `Jiménez`.
"""

import re
from functools import lru_cache

_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        ("ph", "f"),
        ("t[zs]", "s"),
        ("sch|sh|x", "j"),
        ("ch", "ĉ"),
        ("ck|qu(?=[eiy])|q", "k"),
        ("c(?=[eiy])|z", "s"),
        ("c", "k"),
        ("g(?=[eiy])", "j"),
        ("(?:gu|hu)(?=[ao])", "w"),
        ("hu(?=[ei])|^u(?=[aeio])", "w"),
        ("gu(?=[eiy])", "g"),
        ("h", ""),
        ("v", "b"),
        ("ll", "y"),
        ("y(?![aeiou])", "i"),
        ("n(?=[bp])", "m"),
        (r"(.)\1+", r"\1"),
    )
)
_VOWELS = str.maketrans("", "", "aeiou")


@lru_cache(maxsize=100_000)
def sound(word: str) -> str:
    """How a folded word sounds: b = v, c = s = z, ll = y, x = sh = j = soft g, k = qu = hard c, tz = ts = s, w = hu =
    gu. A mute h and a glottal stop have no sound."""
    for pattern, replacement in _RULES:
        word = pattern.sub(replacement, word)
    return word


@lru_cache(maxsize=100_000)
def skeleton(word: str) -> str:
    """The first letter of the sound and its next three consonants. Vowels are written wrong most often."""
    sounds = sound(word)
    return sounds[:1] + sounds[1:].translate(_VOWELS)[:3]
