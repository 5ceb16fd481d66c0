"""Declared capacity over HTTP: put and read."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session
from libs.chassis.errors import InvalidInput
from libs.chassis.etag import VersionMismatch
from libs.chassis.problems import responses
from libs.chassis.tenancy import ORGANIZATIONS_AND_STAFF
from services.provider_directory.capacity import actions, queries
from services.provider_directory.capacity.schemas import CapacityBody, CapacityView
from services.provider_directory.errors import CapacityNotDeclared, PoolIdTaken, StaleDeclaration, StepNotAllowed
from services.provider_directory.organizations.api import CREATED, IfMatchGiven, answered, rights_of
from services.provider_directory.pack import ThePack

router = APIRouter(prefix="/v1/services/{service_id}/capacity", tags=["capacity"])


@router.get("", responses=responses(CapacityNotDeclared))
async def read_capacity(
    service_id: UUID,
    session: Session,
    response: Response,
    caller: Annotated[Caller, requires("directory:read", by=ORGANIZATIONS_AND_STAFF)],
) -> CapacityView:
    """The current declaration of this service, the time of its figures, and how reliable they are."""
    return answered(response, await queries.view(session, service_id, rights=rights_of(caller)))


@router.put(
    "",
    responses={
        **CREATED,
        **responses(CapacityNotDeclared, StaleDeclaration, PoolIdTaken, StepNotAllowed, VersionMismatch, InvalidInput),
    },
)
async def declare_capacity(
    service_id: UUID,
    body: CapacityBody,
    session: Session,
    response: Response,
    precondition: IfMatchGiven,
    caller: Annotated[Caller, requires("capacity:write", by=ORGANIZATIONS_AND_STAFF)],
    pack: ThePack,
) -> CapacityView:
    """Declare all pools of the service at one time. A declaration older than the current one is refused.

    `If-Match` is optional, because `as_of` already protects newer figures. The same figures with the same `as_of`
    change nothing; with a later `as_of` they confirm the current declaration, and are published.
    """
    rights = rights_of(caller)
    created = await actions.declare_capacity(
        session,
        service_id,
        body,
        rights=rights,
        declared_by=caller.principal,
        precondition=precondition,
        times=pack.times,
    )
    return answered(response, await queries.view(session, service_id, rights=rights), created=created)
