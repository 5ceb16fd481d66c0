"""From a sender's reference to the batch that it names; a batch that nobody has told of before is founded."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, raw
from libs.chassis.telemetry import current_traceparent
from services.registration.arrivals import queries
from services.registration.arrivals.schemas import Coming, Sender
from services.registration.arrivals.tables import ArrivalBatch

Reference = tuple[str, str]
"""Source and the sender's reference of a batch."""
Found = dict[Reference | UUID, tuple[UUID, str | None]]
"""Id and reception place of batches, by reference or by id."""
_STUBS = """
    INSERT INTO arrival_batch (id, source, sender_reference, organization_id, status, registered_count, version,
                               traceparent, created_at)
    SELECT id, source, sender_reference, organization_id, 'referenced', 0, 1, traceparent, $6
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[])
        AS b (id, source, sender_reference, organization_id, traceparent)
    ORDER BY source, sender_reference
    ON CONFLICT (source, sender_reference) DO NOTHING
"""
_BY_REFERENCE = """
    SELECT b.source, b.sender_reference, b.id, b.reception_place FROM arrival_batch b
    JOIN unnest($1::text[], $2::text[]) AS r (source, sender_reference) USING (source, sender_reference)
"""


async def locked_batch(session: AsyncSession, sender: Sender, reference: str) -> ArrivalBatch:
    """The batch that a sender calls so, locked; founded when nobody has told of it before."""
    known = await _known(session, {(sender.source, reference): sender})
    (row,) = await queries.locked_batches(session, [known[sender.source, reference][0]])
    return row


async def batches_of(session: AsyncSession, coming: Sequence[Coming]) -> Found:
    """Id and reception place of every batch that is named, by reference or by id; new ones are founded."""
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
        for reference, known in (await _known(session, named)).items():
            found[reference] = known
    return found


async def _known(session: AsyncSession, named: Mapping[Reference, Sender]) -> dict[Reference, tuple[UUID, str | None]]:
    """Batches by their sender's reference; those that nobody has told of before are founded."""
    found = await _by_reference(session, named)
    missing = [(reference, sender) for reference, sender in named.items() if reference not in found]
    if missing:
        rows = [
            (uuid7(), *reference, sender.organization_id, sender.context or current_traceparent())
            for reference, sender in missing
        ]
        await (await raw(session)).execute(_STUBS, *map(list, zip(*rows, strict=True)), now(session))
        found |= await _by_reference(session, dict(missing))
    return found


async def _by_reference(
    session: AsyncSession, named: Mapping[Reference, Sender]
) -> dict[Reference, tuple[UUID, str | None]]:
    rows = await (await raw(session)).fetch(_BY_REFERENCE, *map(list, zip(*named, strict=True)))
    return {(row["source"], row["sender_reference"]): (row["id"], row["reception_place"]) for row in rows}
