"""The step of a loop that makes keyed hashes anew by which people are found.

A hash of a name is of the form in which names are compared. When that form changes, rows keep the hashes of the old one
until they are made again; each row says which form its hashes have.
"""

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from services.registration.audit.actions import array_text
from services.registration.people import queries
from services.registration.people.rules import INDEX_FORM
from services.registration.vault.queries import data_keys
from services.registration.vault.sealing import Vault

_REWRITE = """
    UPDATE returnee r SET search_index = i.tokens::bigint[], index_form = $3
    FROM unnest($1::uuid[], $2::text[]) AS i (id, tokens) WHERE r.id = i.id
"""


async def index_anew(session: AsyncSession, *, vault: Vault, limit: int) -> int:
    """Make the hashes of up to `limit` people anew whose hashes have an older form; how many there were.

    The people's versions stay: nothing is told of them, and a form that somebody fills in is not outdated by it.
    """
    rows = await queries.indexed_in_an_older_form(session, limit=limit)
    if not rows:
        return 0
    keys = await data_keys(vault, [row.id for row in rows])
    # Whose key is gone has been erased and is found by nothing.
    tokens = [
        queries.index_tokens(vault.master, queries.identity_of(row, keys[row.id])) if row.id in keys else []
        for row in rows
    ]
    texts = [array_text([str(token) for token in found]) for found in tokens]
    await (await raw(session)).execute(_REWRITE, [row.id for row in rows], texts, INDEX_FORM)
    return len(rows)
