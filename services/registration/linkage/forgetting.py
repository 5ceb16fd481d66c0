"""Empties the caches of this package.

They keep names and addresses in clear text, because a file of a hundred thousand rows compares the same words again and
again. A service must not keep them longer than a comparison takes: a person whose record is erased must be gone from
its memory, too.
"""

from services.registration.linkage import forms, levels, score, sounds

CACHES = (
    forms.words_of,
    levels.word_level,
    levels.given_word_level,
    levels.text_level,
    score.cached_form,
    sounds.sound,
    sounds.skeleton,
)


def forget() -> None:
    """Forget every value that was compared."""
    for cache in CACHES:
        cache.cache_clear()
