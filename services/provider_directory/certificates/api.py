"""Certificates over HTTP, for staff of the network: record, list, read, revoke. Nothing is deleted or changed."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.etag import IfMatch, PreconditionRequired, VersionMismatch
from libs.chassis.idempotency import KeyReused, OnceOptional, OnceRequired
from libs.chassis.paging import Page, PageQuery
from libs.chassis.problems import responses
from libs.chassis.tenancy import STAFF
from libs.taxonomy.questions import Code
from services.provider_directory.certificates import actions, queries
from services.provider_directory.certificates.schemas import CertificateBody, CertificateView, RevocationBody
from services.provider_directory.errors import CertificateRevoked
from services.provider_directory.organizations.api import answered
from services.provider_directory.pack import ThePack

router = APIRouter(prefix="/v1/certificates", tags=["certificates"])
Reader = Annotated[Caller, requires("certificates:read", by=STAFF)]
Writer = Annotated[Caller, requires("certificates:write", by=STAFF)]


@router.post("", status_code=201, responses=responses(KeyReused))
async def record_certificate(
    body: CertificateBody, session: Session, caller: Writer, pack: ThePack, once: OnceRequired, response: Response
) -> CertificateView:
    """Record what a person has been trained for. Check the paper first: what you record opens screenings to them."""
    certificate_id = await once(session, lambda: actions.record_certificate(session, body, pack=pack))
    response.headers["Location"] = f"/v1/certificates/{certificate_id}"
    return await _answer(session, certificate_id, response)


@router.get("", responses=responses())
async def list_certificates(
    session: Session,
    caller: Reader,
    page: PageQuery,
    response: Response,
    kind: Annotated[Code | None, Query(description="Only those of this kind")] = None,
    organization_id: Annotated[UUID | None, Query(description="Only those of people who work for it")] = None,
) -> Page[CertificateView]:
    """Certificates, newest first, also those that have expired or were revoked."""
    response.headers["Cache-Control"] = "no-store"
    return await queries.certificates(session, page, kind=kind, organization_id=organization_id)


@router.get("/{certificate_id}", responses=responses(NotFound))
async def read_certificate(
    certificate_id: UUID, session: Session, caller: Reader, response: Response
) -> CertificateView:
    """One certificate."""
    return await _answer(session, certificate_id, response)


@router.post(
    "/{certificate_id}/revoke",
    responses=responses(NotFound, CertificateRevoked, VersionMismatch, PreconditionRequired, KeyReused),
)
async def revoke_certificate(
    certificate_id: UUID,
    body: RevocationBody,
    session: Session,
    caller: Writer,
    once: OnceOptional,
    condition: IfMatch,
    response: Response,
) -> CertificateView:
    """Revoke a certificate, for ever. It reaches the other services within seconds; their next check refuses."""

    async def do() -> UUID:
        return await actions.revoke_certificate(session, certificate_id, body.reason, condition=condition)

    await once(session, do)
    return await _answer(session, certificate_id, response)


async def _answer(session: Session, certificate_id: UUID, response: Response) -> CertificateView:
    response.headers["Cache-Control"] = "no-store"
    return answered(response, queries.view(await queries.certificate(session, certificate_id)))
