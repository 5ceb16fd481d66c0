"""HTTP for arrival batches and for the registration of arriving people."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query, Request, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session, now
from libs.chassis.errors import NotFound
from libs.chassis.etag import etag_of
from libs.chassis.idempotency import KeyReused, OnceOptional, OnceRequired
from libs.chassis.paging import Page, PageQuery
from libs.chassis.problems import responses
from libs.chassis.telemetry import current_traceparent
from libs.chassis.tenancy import WHO_REGISTERS
from libs.events.catalogue.parts import Reference
from libs.events.codes import PlaceCode, TransportMode
from libs.wire.values import Moment
from services.registration.arrivals import queries
from services.registration.arrivals.actions import batches
from services.registration.arrivals.actions.gathering import AskedIntake, Registering, lane_of
from services.registration.arrivals.rules import BatchStatus
from services.registration.arrivals.schemas import (
    Announcement,
    ArrivalBatchView,
    LandingBody,
    ReturneeIntake,
    Sender,
)
from services.registration.audit.api import actor_of
from services.registration.errors import (
    ArrivalBatchNotAnnounced,
    ArrivalBatchNotLanded,
    ArrivalReferenceReused,
    ArrivalToldDifferently,
    BatchReferenceReused,
    EntryAlreadyRegistered,
    IntakeIncomplete,
    ManifestAgedOut,
    MediaTypeUnknown,
    ReturneeErased,
)
from services.registration.gate_errors import ReturneeHasWristband, WristbandNotUsable, WristbandTaken
from services.registration.manifest_files.schemas import ANNOUNCEMENT, CsvParameters, announced
from services.registration.manifests.actions import look_up_manifest
from services.registration.manifests.schemas import AbsenceBody, ManifestEntryView
from services.registration.pack import Pack, ThePack
from services.registration.people.schemas import RegisteredView
from services.registration.vault.api import TheVault
from services.registration.walls import own

router = APIRouter(prefix="/v1", tags=["arrivals"])
Reader = Annotated[Caller, requires("arrivals:read", by=WHO_REGISTERS)]
Writer = Annotated[Caller, requires("arrivals:write", by=WHO_REGISTERS)]


async def _csv_parameters(
    sender_reference: Annotated[
        Reference | None, Query(description="CSV and XLSX only: your reference of the batch")
    ] = None,
    mode: Annotated[TransportMode | None, Query(description="CSV and XLSX only")] = None,
    carrier: Annotated[str | None, Query(max_length=80, description="CSV and XLSX only")] = None,
    origin: Annotated[str | None, Query(max_length=80, description="CSV and XLSX only")] = None,
    reception_place: Annotated[PlaceCode | None, Query(description="CSV and XLSX only")] = None,
    expected_at: Annotated[Moment | None, Query(description="CSV and XLSX only")] = None,
) -> CsvParameters:
    return CsvParameters(sender_reference, mode, carrier, origin, reception_place, expected_at)


def _sender(caller: Caller, pack: Pack) -> Sender:
    actor = actor_of(caller, pack)
    return Sender(
        source=actor.source,
        organization_id=caller.organization_id,
        actor=actor,
        context=current_traceparent(),
    )


@router.post(
    "/arrival-batches",
    status_code=201,
    openapi_extra=ANNOUNCEMENT,
    responses=responses(MediaTypeUnknown, ManifestAgedOut, BatchReferenceReused, KeyReused),
)
async def announce_batch(
    request: Request,
    session: Session,
    caller: Writer,
    once: OnceRequired,
    parameters: Annotated[CsvParameters, Depends(_csv_parameters)],
    vault: TheVault,
    pack: ThePack,
    response: Response,
) -> ArrivalBatchView:
    """Announce a flight or bus with its manifest: as JSON, or as CSV or XLSX with the fields of the batch in
    the query.

    A repeated announcement with the same `sender_reference` replaces the earlier data. A manifest replaces the earlier
    one, except for people who have been met or marked absent. Without `entries` the manifest does not change.
    """
    content_type = request.headers.get("content-type", "")
    body = await announced(content_type, await request.body(), parameters, today=pack.reception.day_of(now(session)))
    announcement = Announcement(body, _sender(caller, pack))
    batch_id = await once(
        session,
        own(session, lambda: batches.announce_batch(session, announcement, vault=vault, reception=pack.reception)),
    )
    response.headers["Location"] = f"/v1/arrival-batches/{batch_id}"
    return await queries.batch_view(session, batch_id, actor=actor_of(caller, pack), vault=vault)


@router.get("/arrival-batches")
async def list_batches(
    session: Session,
    caller: Reader,
    pack: ThePack,
    page: PageQuery,
    vault: TheVault,
    status: BatchStatus | None = None,
) -> Page[ArrivalBatchView]:
    """Flights and buses, newest first."""
    return await queries.batches(session, page, status=status, actor=actor_of(caller, pack), vault=vault)


@router.get("/arrival-batches/{batch_id}", responses=responses(NotFound))
async def look_up_batch(
    batch_id: UUID, session: Session, caller: Reader, pack: ThePack, vault: TheVault
) -> ArrivalBatchView:
    """One flight or bus, and the progress of its intake."""
    return await queries.batch_view(session, batch_id, actor=actor_of(caller, pack), vault=vault)


@router.get("/arrival-batches/{batch_id}/entries", responses=responses(NotFound))
async def look_up_entries(
    batch_id: UUID,
    session: Session,
    caller: Reader,
    pack: ThePack,
    page: PageQuery,
    vault: TheVault,
    response: Response,
) -> Page[ManifestEntryView]:
    """The announced people, in the order of the manifest. Names are for reception only; each access is recorded."""
    actor = actor_of(caller, pack)
    row = await queries.batch(session, batch_id, actor=actor)
    response.headers["Cache-Control"] = "no-store"
    return await look_up_manifest(session, row.id, page, vault=vault, actor=actor)


@router.post(
    "/arrival-batches/{batch_id}/land",
    responses=responses(NotFound, ArrivalBatchNotAnnounced, BatchReferenceReused, KeyReused),
)
async def land_batch(
    batch_id: UUID,
    body: LandingBody,
    session: Session,
    caller: Writer,
    once: OnceOptional,
    pack: ThePack,
    vault: TheVault,
) -> ArrivalBatchView:
    """Record the arrival and the number of people. A repeated call corrects the number."""
    actor, reception = actor_of(caller, pack), pack.reception

    async def land() -> UUID:
        return await batches.land_announced_batch(
            session, batch_id, body, actor=actor, vault=vault, reception=reception
        )

    await once(session, own(session, land, arrival_batch=batch_id))
    return await queries.batch_view(session, batch_id, actor=actor, vault=vault)


@router.post(
    "/arrival-batches/{batch_id}/entries/{entry_id}/absent",
    responses=responses(NotFound, EntryAlreadyRegistered, KeyReused),
)
async def mark_entry_absent(
    batch_id: UUID,
    entry_id: UUID,
    session: Session,
    caller: Writer,
    pack: ThePack,
    vault: TheVault,
    once: OnceOptional,
    body: Annotated[
        AbsenceBody | None, Body(openapi_examples={"earlier": {"value": {"reason": "left_at_earlier_stop"}}})
    ] = None,
) -> ArrivalBatchView:
    """Mark an announced person as absent. A person who arrives later can still be registered."""
    actor, reason = actor_of(caller, pack), (body or AbsenceBody()).reason

    async def mark() -> UUID:
        return await batches.mark_entry_absent(session, batch_id, entry_id, reason, actor=actor, vault=vault)

    await once(session, own(session, mark, arrival_batch=batch_id))
    return await queries.batch_view(session, batch_id, actor=actor, vault=vault)


@router.post(
    "/arrival-batches/{batch_id}/complete-intake",
    responses=responses(NotFound, ArrivalBatchNotLanded, IntakeIncomplete, KeyReused),
)
async def complete_intake(
    batch_id: UUID, session: Session, caller: Writer, pack: ThePack, vault: TheVault, once: OnceOptional
) -> ArrivalBatchView:
    """Complete the intake of the batch: nobody else is expected, and its non-urgent needs are routed together now.

    This happens automatically when every entry is registered or absent, or all people who landed are registered.
    """
    actor = actor_of(caller, pack)

    async def complete() -> UUID:
        return await batches.complete_intake(session, batch_id, actor=actor, vault=vault)

    await once(session, own(session, complete, arrival_batch=batch_id))
    return await queries.batch_view(session, batch_id, actor=actor, vault=vault)


@router.post(
    "/returnees",
    status_code=201,
    tags=["returnees"],
    responses=responses(
        NotFound,
        ReturneeErased,
        ArrivalReferenceReused,
        ArrivalToldDifferently,
        WristbandTaken,
        WristbandNotUsable,
        ReturneeHasWristband,
        KeyReused,
    ),
)
async def register_returnee(
    body: ReturneeIntake,
    request: Request,
    caller: Annotated[Caller, requires("returnees:write", by=WHO_REGISTERS)],
    once: OnceRequired,
    response: Response,
) -> RegisteredView:
    """Register a person. Required: names, time of arrival, nationality and the state of the identity document.

    The same `sender_reference` of the same client means the same arrival: it is registered once. If it is sent again
    with additional needs, consents, a household or a safe contact, these are added. If it is sent again with the data
    of another person, it is refused.
    """
    registering: Registering = request.app.state.registering
    asked = AskedIntake(body, caller, once, current_traceparent())
    view = await registering.write(asked, lane=lane_of(asked))
    response.headers["Location"] = f"/v1/returnees/{view.id}"
    response.headers["ETag"] = etag_of(view.version)
    return view
