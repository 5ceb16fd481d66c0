"""Records accesses to personal data."""

from collections.abc import Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.chassis.sealed_log import Link
from libs.chassis.telemetry import current_trace_id
from libs.events.catalogue.audit import RegistrationAuditSealed
from libs.events.outbox import append
from services.registration.audit.rules import Access, Actor

_INSERT = """
    INSERT INTO audit_entry (at, subject_id, kind, action, who, client_id, organization_id, purpose, fields,
                             referral_id, offer_id, trace_id, acting_as)
    SELECT at, subject_id, kind, action, who, client_id, organization_id, purpose, fields::text[], referral_id,
           offer_id, trace_id, acting_as::text[]
    FROM unnest($1::timestamptz[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::text[],
                $9::text[], $10::uuid[], $11::uuid[], $12::text[], $13::text[])
        AS e (at, subject_id, kind, action, who, client_id, organization_id, purpose, fields, referral_id, offer_id,
              trace_id, acting_as)
"""


async def record(session: AsyncSession, actor: Actor, accesses: Sequence[Access]) -> None:
    """Record accesses of one actor with one statement, in this transaction: they are recorded if and only if it
    commits."""
    if not accesses:
        return
    await session.flush()
    trace_id = actor.trace_id or current_trace_id()
    rows = [
        (
            now(session),
            access.subject_id,
            access.kind.value,
            access.action,
            actor.who,
            actor.client_id,
            actor.organization_id,
            access.purpose.value,
            array_text(access.fields),
            access.referral_id,
            access.offer_id,
            access.trace_id or trace_id,
            array_text(actor.acting_as) if actor.acting_as else None,
        )
        for access in accesses
    ]
    await (await raw(session)).execute(_INSERT, *map(list, zip(*rows, strict=True)))


def array_text(codes: Sequence[str]) -> str:
    """A list of codes as a PostgreSQL array. Codes contain only letters, digits, dots, dashes and underscores."""
    return "{" + ",".join(codes) + "}"


async def tell_seal(session: AsyncSession, link: Link) -> None:
    """Publish a seal of the record on the topic for auditors, in the transaction that creates it."""
    await append(session, [RegistrationAuditSealed(**link.told())])
