"""Record who touched which personal data."""

from collections.abc import Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now, raw
from libs.chassis.sealed_log import Link
from libs.chassis.telemetry import current_trace_id
from libs.events.catalogue.audit import RegistrationAuditSealed
from libs.events.outbox import append
from services.registration.audit.rules import Access, Actor

_COLUMNS = (
    "at", "subject_id", "kind", "action", "who", "client_id", "organization_id", "purpose", "fields", "referral_id",
    "offer_id", "trace_id",
)  # fmt: skip


async def record(session: AsyncSession, actor: Actor, accesses: Sequence[Access]) -> None:
    """Record accesses of one actor in this transaction, in one statement; they hold if, and only if, it commits."""
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
            list(access.fields),
            access.referral_id,
            access.offer_id,
            access.trace_id or trace_id,
        )
        for access in accesses
    ]
    await (await raw(session)).copy_records_to_table("audit_entry", records=rows, columns=_COLUMNS)


def array_text(codes: Sequence[str]) -> str:
    """A list of codes as PostgreSQL reads an array; codes hold letters, digits, dots, dashes and underscores only."""
    return "{" + ",".join(codes) + "}"


async def tell_seal(session: AsyncSession, link: Link) -> None:
    """Tell a seal of the record to the topic that auditors read, in the transaction that makes it."""
    await append(session, [RegistrationAuditSealed(**link.told())])
