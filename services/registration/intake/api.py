"""HTTP to create households, at the desk or later, and to correct the data of a person."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import NotFound
from libs.chassis.etag import IfMatch, PreconditionRequired, VersionMismatch, etag_of
from libs.chassis.idempotency import KeyReused, OnceOptional, OnceRequired
from libs.chassis.problems import responses
from libs.chassis.tenancy import WHO_REGISTERS
from services.registration.audit.api import actor_of
from services.registration.errors import (
    HouseholdClaimDecided,
    HouseholdFull,
    MayBeExcluded,
    MemberOfAnotherHousehold,
    MustStayApart,
    ReturneeErased,
)
from services.registration.households import queries
from services.registration.households.schemas import (
    HouseholdBody,
    HouseholdClaimView,
    HouseholdCorrection,
    HouseholdDecision,
    HouseholdView,
)
from services.registration.identity_checks.actions import use_for_correction
from services.registration.intake.actions import corrections
from services.registration.pack import ThePack
from services.registration.people import queries as people
from services.registration.people.queries import require_known
from services.registration.people.schemas import RegisteredView, ReturneeCorrection
from services.registration.protection_errors import IdentityNotProven
from services.registration.vault.api import TheVault
from services.registration.walls import own

router = APIRouter(prefix="/v1", tags=["households"])
people_router = APIRouter(prefix="/v1", tags=["returnees"])
Writer = Annotated[Caller, requires("returnees:write", by=WHO_REGISTERS)]
CheckQuery = Annotated[
    UUID | None,
    Query(description="The check that proved who the person is that asks for this; it is recorded"),
]
Desk = Annotated[Caller, requires("intake:decide", by=WHO_REGISTERS)]
_APART = (MustStayApart, MayBeExcluded)


@router.post("/households", status_code=201, responses=responses(MemberOfAnotherHousehold, *_APART, KeyReused))
async def create_household(
    body: HouseholdBody,
    session: Session,
    caller: Writer,
    pack: ThePack,
    vault: TheVault,
    once: OnceRequired,
    response: Response,
) -> HouseholdView:
    """Create a household of people who were registered separately."""
    actor = actor_of(caller, pack)

    async def create() -> UUID:
        return await corrections.create_household(session, body, actor=actor, vault=vault)

    await require_known(session, body.member_ids)
    household_id = await once(session, own(session, create))
    view = await queries.household_view(session, household_id, actor=actor)
    response.headers["Location"] = f"/v1/households/{household_id}"
    response.headers["ETag"] = etag_of(view.version)
    return view


@router.patch(
    "/households/{household_id}",
    responses=responses(NotFound, MemberOfAnotherHousehold, *_APART, VersionMismatch, PreconditionRequired),
)
async def correct_household(
    household_id: UUID,
    body: HouseholdCorrection,
    session: Session,
    caller: Writer,
    pack: ThePack,
    vault: TheVault,
    condition: IfMatch,
    response: Response,
) -> HouseholdView:
    """Change members, reference person, expected size or the wish to stay together. Omitted fields do not change."""
    actor = actor_of(caller, pack)

    async def correct() -> None:
        await corrections.correct_household(
            session, household_id, body, condition=condition, actor=actor, vault=vault, pack=pack
        )

    await require_known(session, body.member_ids or [])
    await own(session, correct, household=household_id)()
    view = await queries.household_view(session, household_id, actor=actor)
    response.headers["ETag"] = etag_of(view.version)
    return view


@router.post(
    "/household-claims/{claim_id}/decide",
    responses=responses(NotFound, HouseholdClaimDecided, HouseholdFull, MemberOfAnotherHousehold, *_APART, KeyReused),
)
async def decide_household_claim(
    claim_id: UUID,
    body: HouseholdDecision,
    session: Session,
    caller: Desk,
    pack: ThePack,
    vault: TheVault,
    once: OnceOptional,
) -> HouseholdClaimView:
    """Decide whether a person belongs to the household that they name. Until then neither is shown the other.

    `keep_together` makes them a member; report the household's needs again if their number of people was too low.
    `separate` leaves them without a household; use `POST /v1/households` for people who do belong together.
    """
    actor = actor_of(caller, pack)

    async def decide() -> UUID:
        await corrections.decide_claim(session, claim_id, body, actor=actor, vault=vault)
        return claim_id

    decided_id = await once(session, own(session, decide, household_claim=claim_id))
    return await own(session, lambda: queries.claim_view(session, decided_id))()


@people_router.patch(
    "/returnees/{returnee_id}",
    responses=responses(NotFound, ReturneeErased, IdentityNotProven, VersionMismatch, PreconditionRequired),
)
async def correct_returnee(
    returnee_id: UUID,
    body: ReturneeCorrection,
    session: Session,
    caller: Writer,
    condition: IfMatch,
    vault: TheVault,
    pack: ThePack,
    response: Response,
    identity_check_id: CheckQuery = None,
) -> RegisteredView:
    """Add facts from the intake, or correct wrong ones. Omitted fields do not change.

    Offers are evaluated again with the new facts. A consent that a child has given does not count any more.
    """
    actor = actor_of(caller, pack)

    async def correct() -> None:
        if identity_check_id is not None:
            await use_for_correction(session, identity_check_id, returnee_id=returnee_id, actor=actor)
        await corrections.correct_returnee(
            session, returnee_id, body, condition=condition, actor=actor, vault=vault, pack=pack
        )

    await own(session, correct, returnee=returnee_id)()
    row = await people.returnee(session, returnee_id, actor=actor)
    response.headers["ETag"] = etag_of(row.version)
    return people.registered_view(row, actor=actor)
