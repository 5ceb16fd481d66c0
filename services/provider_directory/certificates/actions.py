"""The actions on certificates: record one, revoke one. Each publishes the complete state, without the holder."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.certificates.holders import holder_digest
from libs.chassis.database import now
from libs.chassis.errors import FieldError, InvalidInput
from libs.chassis.etag import Condition
from libs.events import outbox
from libs.events.catalogue.directory import CertificatePublished
from services.provider_directory.certificates import queries
from services.provider_directory.certificates.rules import RevocationReason, day_faults
from services.provider_directory.certificates.schemas import CertificateBody
from services.provider_directory.certificates.tables import Certificate
from services.provider_directory.errors import CertificateRevoked
from services.provider_directory.organizations.queries import find
from services.provider_directory.pack import Pack


async def record_certificate(session: AsyncSession, body: CertificateBody, *, pack: Pack) -> UUID:
    """Record a certificate; return its id."""
    at = now(session)
    faults = day_faults(body.valid_from, body.valid_until)
    for name in ("valid_from", "valid_until"):
        faults += pack.times.valid_until.faults(getattr(body, name), at=at, pointer=f"/{name}")
    if body.kind not in pack.certificates.kinds:
        faults.append(FieldError("/kind", "unknown-kind", "The country has no certificates of this kind."))
    if body.organization_id is not None and await find(session, body.organization_id) is None:
        faults.append(FieldError("/organization_id", "known", "There is no such organisation that you can see."))
    if faults:
        raise InvalidInput(errors=faults)
    row = Certificate(id=uuid7(), version=1, created_at=at, changed_at=at, **body.model_dump())
    session.add(row)
    await _publish(session, row)
    return row.id


async def revoke_certificate(
    session: AsyncSession, certificate_id: UUID, reason: RevocationReason, *, condition: Condition
) -> UUID:
    """Revoke a certificate for ever. A person who is certified again gets another one."""
    row = await queries.certificate(session, certificate_id, lock=True)
    condition.check(row.version)
    if row.revoked_at is not None:
        raise CertificateRevoked
    row.revoked_at, row.revocation_reason = now(session), reason.value
    row.version, row.changed_at = row.version + 1, now(session)
    session.add(row)
    await _publish(session, row)
    return row.id


async def _publish(session: AsyncSession, row: Certificate) -> None:
    await session.flush()
    event = CertificatePublished(
        certificate_id=row.id,
        version=row.version,
        kind=row.kind,
        holder_digest=holder_digest(row.id, row.holder),
        organization_id=row.organization_id,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        revoked_at=row.revoked_at,
    )
    await outbox.append(session, [event])
