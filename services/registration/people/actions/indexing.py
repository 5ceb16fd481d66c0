"""The step of a loop that renews the keyed hashes by which people are found.

Names are hashed in the form in which they are compared. When this form changes, rows keep the hashes of the old form
until they are renewed. Each row says which form its hashes have.
"""

from functools import partial

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from services.registration.audit.actions import array_text
from services.registration.people import queries
from services.registration.people.rules import INDEX_FORM
from services.registration.vault.queries import data_keys, opened_or_none
from services.registration.vault.sealing import Vault

_REWRITE = """
    UPDATE returnee r SET search_index = i.tokens::bigint[], index_form = $3
    FROM unnest($1::uuid[], $2::text[]) AS i (id, tokens) WHERE r.id = i.id
"""


async def index_anew(session: AsyncSession, *, vault: Vault, limit: int) -> int:
    """Renew the hashes of up to `limit` people that have an older form; return the number of people.

    The versions of the people do not change: nothing is published about them, and a correction that somebody prepares
    meanwhile stays valid.
    """
    rows = await queries.indexed_in_an_older_form(session, limit=limit)
    if not rows:
        return 0
    keys = await data_keys(vault, [row.id for row in rows])
    # A person without a key has been erased, and no search finds them; nor one whose row cannot be decrypted.
    people = [
        opened_or_none(partial(queries.identity_of, row, keys[row.id])) if row.id in keys else None for row in rows
    ]
    tokens = [[] if one is None else queries.index_tokens(vault.master, one) for one in people]
    texts = [array_text([str(token) for token in found]) for found in tokens]
    await (await raw(session)).execute(_REWRITE, [row.id for row in rows], texts, INDEX_FORM)
    return len(rows)
