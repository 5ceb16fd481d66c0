"""Folds texts for the search, both stored texts and search terms: lower case, no accents, one apostrophe. Pure."""

from typing import Final

from libs.wire.names import APOSTROPHES

ACCENTED: Final = "ÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÑÒÓÔÕÖÙÚÛÜÝàáâãäåçèéêëìíîïñòóôõöùúûüýÿ"
PLAIN: Final = "aaaaaaceeeeiiiinooooouuuuyaaaaaaceeeeiiiinooooouuuuyy"
"""The letter that the search uses for each accented letter. It includes capitals, because not every database locale
knows their lower case."""
APOSTROPHE: Final = "".join(dict.fromkeys(APOSTROPHES))
"""All characters that are written as an apostrophe."""
_WRITTEN = ACCENTED + APOSTROPHE.replace("'", "''")
_DIVIDING = PLAIN + "''" * len(APOSTROPHE)
_LEFT_OUT = PLAIN


def words_of(sql: str) -> str:
    """The words of a text as a `tsvector`, in the form in which PostgreSQL returns it, so that schemas can be compared.

    `K'iche'` has the words of its two parts, and also `kiche`, so that a search without the apostrophe finds it.
    """
    return " || ".join(
        f"to_tsvector('simple'::regconfig, translate(lower({sql}), '{_WRITTEN}'::text, '{letters}'::text))"
        for letters in (_DIVIDING, _LEFT_OUT)
    )
