"""Records who read or changed whose data, with one statement for a request or for all answers of a transaction."""

from collections.abc import Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, own_work, raw
from libs.chassis.sealed_log import Link
from libs.chassis.telemetry import current_trace_id
from libs.chassis.walls import array_text
from libs.events.catalogue.audit import ReferralAuditSealed
from libs.events.outbox import append
from services.referral.audit.rules import Access

# The returnee of a record, and whether it is restricted, are read from the record's own table. A record that does not
# exist was not shown.
_RECORD = """
INSERT INTO access_entry (at, kind, action, who, client_id, organization_id, purpose, fields, restricted,
    returnee_ids, record_ids, trace_id, acting_as)
SELECT $1, kind, action, who, client_id, organization_id, purpose, fields::text[], restricted,
    array_agg(returnee_id ORDER BY place), array_agg(id ORDER BY place), $14, acting_as::text[]
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::text[],
        $9::text[])
    WITH ORDINALITY AS access(kind, action, who, client_id, organization_id, purpose, fields, acting_as, nth)
JOIN unnest($10::int[], $11::text[], $12::uuid[], $13::int[]) AS shown(of, record, id, place) ON shown.of = access.nth
CROSS JOIN LATERAL (
    SELECT returnee_id, restricted FROM offer WHERE record = 'offer' AND offer_id = id
    UNION ALL SELECT returnee_id, restricted FROM need WHERE record = 'need' AND need_id = id
    UNION ALL SELECT returnee_id, restricted FROM referral WHERE record = 'referral' AND referral_id = id
    UNION ALL SELECT returnee_id, restricted FROM review
        WHERE record = 'review' AND review_id = id AND returnee_id IS NOT NULL
    UNION ALL SELECT returnee_id, false FROM journey WHERE record = 'returnee' AND returnee_id = id
) AS subject
GROUP BY nth, kind, action, who, client_id, organization_id, purpose, fields, acting_as, restricted
ORDER BY nth, restricted
"""


async def record(session: AsyncSession, accesses: Sequence[Access]) -> None:
    """Record these accesses in this transaction, so that they are stored only if it commits.

    Records of restricted categories get an entry of their own, separate from other records of the same request.
    """
    told = [one for one in accesses if one.records]
    if not told:
        return
    await session.flush()
    shown = [
        (nth, kind.value, record_id, place)
        for nth, one in enumerate(told, start=1)
        for place, (kind, record_id) in enumerate(one.records)
    ]
    async with own_work(session):  # row-level security of the caller does not limit the record
        await (await raw(session)).execute(
            _RECORD,
            now(session),
            [one.kind.value for one in told],
            [one.action for one in told],
            [one.actor.who for one in told],
            [one.actor.client_id for one in told],
            [one.actor.organization_id for one in told],
            [one.purpose.value for one in told],
            [array_text(tuple(one.fields)) for one in told],
            [array_text(one.actor.acting_as) if one.actor.acting_as else None for one in told],
            *map(list, zip(*shown, strict=True)),
            current_trace_id(),
        )


async def tell_seal(session: AsyncSession, link: Link) -> None:
    """Publish a seal of the record on the topic for auditors, in the transaction that creates the seal."""
    await append(session, [ReferralAuditSealed(**link.told())])
