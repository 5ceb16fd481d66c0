"""Finds the batch for a sender's reference, and creates it if nobody has mentioned it before.

A sender may write any text as the reference of a batch, its carrier and its place of departure. These words are sealed
under a key that is not destroyed with the manifest. The batch is found by a keyed hash. Older versions wrote the words
in clear: their batches are also found in clear until they are sealed (`arrivals.loop`). A process of an older version
can no longer create a batch (migration 0019).
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, raw
from libs.chassis.telemetry import current_traceparent
from services.registration.arrivals import queries
from services.registration.arrivals.schemas import Coming, Sender
from services.registration.arrivals.tables import ArrivalBatch, Words, reference_key, sealed_words, words_of
from services.registration.vault.sealing import MasterKey

Reference = tuple[str, str]
"""The source, and the sender's reference of a batch."""
Found = dict[Reference | UUID, tuple[UUID, str | None]]
"""The id and reception place of batches, by reference or by id."""
_STUBS = """
    INSERT INTO arrival_batch (id, source, reference_key, words_sealed, organization_id, status, registered_count,
                               version, traceparent, created_at)
    SELECT id, source, reference_key, words, organization_id, 'referenced', 0, 1, traceparent, $7
    FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::bytea[], $5::uuid[], $6::text[])
        AS b (id, source, reference_key, words, organization_id, traceparent)
    ORDER BY reference_key
    ON CONFLICT (reference_key) WHERE reference_key IS NOT NULL DO NOTHING
"""
# One statement, so that a batch that is being sealed is found in exactly one of its two forms.
_BY_REFERENCE = """
    WITH told AS (SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[]) AS r (source, reference, reference_key))
    SELECT t.source, t.reference, b.id, b.reception_place FROM told t JOIN arrival_batch b USING (reference_key)
    UNION ALL
    SELECT t.source, t.reference, b.id, b.reception_place FROM told t
    JOIN arrival_batch b ON b.source = t.source AND b.sender_reference = t.reference
"""
# A transaction that registers people in a batch holds a lock on it. Such a batch is skipped and sealed in the next
# round.
_IN_CLEAR = """
    SELECT id, source, sender_reference, carrier, origin, words_sealed FROM arrival_batch
    WHERE sender_reference IS NOT NULL OR carrier IS NOT NULL OR origin IS NOT NULL
    ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
"""
_SEAL = """
    UPDATE arrival_batch
    SET reference_key = s.reference_key, words_sealed = s.words, sender_reference = NULL, carrier = NULL, origin = NULL
    FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) AS s (id, reference_key, words) WHERE arrival_batch.id = s.id
"""


async def locked_batch(session: AsyncSession, sender: Sender, reference: str, *, master: MasterKey) -> ArrivalBatch:
    """The batch with this reference of the sender, locked. It is created if nobody has mentioned it before."""
    known = await _known(session, {(sender.source, reference): sender}, master=master)
    (row,) = await queries.locked_batches(session, [known[sender.source, reference][0]])
    return row


async def batches_of(session: AsyncSession, coming: Sequence[Coming], *, master: MasterKey) -> Found:
    """The id and reception place of every batch that is named, by reference or by id. New batches are created."""
    found: Found = {}
    for one in coming:
        if one.arrival_batch_id is not None and one.arrival_batch_id not in found:
            row = await queries.batch(session, one.arrival_batch_id, actor=one.sender.actor)
            found[row.id] = (row.id, row.reception_place)
    named = {
        (one.sender.source, one.body.batch_reference): one.sender
        for one in coming
        if one.arrival_batch_id is None and one.body.batch_reference is not None
    }
    if named:
        for reference, known in (await _known(session, named, master=master)).items():
            found[reference] = known
    return found


async def seal_batches(session: AsyncSession, *, master: MasterKey, limit: int) -> int:
    """Seal the words of up to `limit` batches that an older version wrote in clear; return the number of batches."""
    connection = await raw(session)
    rows = await connection.fetch(_IN_CLEAR, limit)
    words = [words_of(row, master) for row in rows]
    keys = [reference_key(master, row["source"], one.sender_reference) for row, one in zip(rows, words, strict=True)]
    sealed = [sealed_words(one, master, batch_id=row["id"]) for row, one in zip(rows, words, strict=True)]
    await connection.execute(_SEAL, [row["id"] for row in rows], keys, sealed)
    return len(rows)


async def _known(
    session: AsyncSession, named: Mapping[Reference, Sender], *, master: MasterKey
) -> dict[Reference, tuple[UUID, str | None]]:
    """The batches with these references of their senders; those that nobody has mentioned before are created."""
    keys = {reference: reference_key(master, *reference) for reference in named}
    found = await _by_reference(session, keys)
    missing = {reference: key for reference, key in keys.items() if reference not in found}
    if missing:
        rows = [_stub(reference, named[reference], key, master=master) for reference, key in missing.items()]
        await (await raw(session)).execute(_STUBS, *map(list, zip(*rows, strict=True)), now(session))
        found |= await _by_reference(session, missing)
    return found


def _stub(reference: Reference, sender: Sender, key: bytes, *, master: MasterKey) -> tuple[object, ...]:
    batch_id, (source, sender_reference) = uuid7(), reference
    words = sealed_words(Words(sender_reference), master, batch_id=batch_id)
    return (batch_id, source, key, words, sender.organization_id, sender.context or current_traceparent())


async def _by_reference(
    session: AsyncSession, keys: Mapping[Reference, bytes]
) -> dict[Reference, tuple[UUID, str | None]]:
    rows = await (await raw(session)).fetch(_BY_REFERENCE, *map(list, zip(*keys, strict=True)), list(keys.values()))
    return {(row["source"], row["reference"]): (row["id"], row["reception_place"]) for row in rows}
