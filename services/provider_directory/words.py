"""How texts are folded for the search, and what is searched for: lower case, no accents, one apostrophe. Pure."""

from typing import Final

from libs.wire.names import APOSTROPHES

ACCENTED: Final = "ÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÑÒÓÔÕÖÙÚÛÜÝàáâãäåçèéêëìíîïñòóôõöùúûüýÿ"
PLAIN: Final = "aaaaaaceeeeiiiinooooouuuuyaaaaaaceeeeiiiinooooouuuuyy"
"""Letter by letter what search takes for the same. Capitals too: not every database locale knows their small form."""
APOSTROPHE: Final = "".join(dict.fromkeys(APOSTROPHES))
"""All that is written as an apostrophe."""
_WRITTEN = ACCENTED + APOSTROPHE.replace("'", "''")
_DIVIDING = PLAIN + "''" * len(APOSTROPHE)
_LEFT_OUT = PLAIN


def words_of(sql: str) -> str:
    """The words of a text as a `tsvector`, as PostgreSQL gives the expression back, so that schemas can be compared.

    `K'iche'` has the words of its two parts, and `kiche`: whoever leaves the apostrophe out finds it too.
    """
    return " || ".join(
        f"to_tsvector('simple'::regconfig, translate(lower({sql}), '{_WRITTEN}'::text, '{letters}'::text))"
        for letters in (_DIVIDING, _LEFT_OUT)
    )
