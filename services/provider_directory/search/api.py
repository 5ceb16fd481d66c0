"""The search over HTTP. It is a POST, so that search terms do not appear in URLs and access logs."""

from typing import Annotated

from fastapi import APIRouter

from libs.chassis.auth import Caller, requires
from libs.chassis.database import Session, now
from libs.chassis.errors import InvalidInput
from libs.chassis.paging import Page, PageQuery, page_of
from libs.chassis.tenancy import ORGANIZATIONS_AND_STAFF
from libs.taxonomy.told import category_faults, document_faults, kind_faults
from services.provider_directory.organizations.api import rights_of
from services.provider_directory.pack import ThePack
from services.provider_directory.search import queries
from services.provider_directory.search.schemas import FoundService, SearchBody

router = APIRouter(prefix="/v1", tags=["search"])


@router.post("/services/search")
async def search_services(
    body: SearchBody,
    session: Session,
    page: PageQuery,
    caller: Annotated[Caller, requires("directory:read", by=ORGANIZATIONS_AND_STAFF)],
    pack: ThePack,
) -> Page[FoundService]:
    """Active services that match all given criteria.

    With a text, services whose own name contains its words come first, then those whose organisation's name contains
    them; otherwise ordered by name. Each result says why it is one (`matches`).
    """
    if body.open_at is not None:
        faults = pack.times.open_at.faults(body.open_at, at=now(session), pointer="/open_at")
        if faults:
            raise InvalidInput(errors=faults)
    faults = category_faults(pack.taxonomy, body.category, pointer="/category")
    if faults:
        raise InvalidInput(errors=faults)
    if body.kind is not None:
        faults = kind_faults(pack.taxonomy, body.kind, category=body.category, pointer="/kind", also_deprecated=True)
        if faults:
            raise InvalidInput(errors=faults)
    faults = [
        fault
        for nth, person in enumerate(body.for_people or ())
        for at, document in enumerate(person.documents_held or ())
        for fault in document_faults(pack.taxonomy, document, pointer=f"/for_people/{nth}/documents_held/{at}")
    ]
    if faults:
        raise InvalidInput(errors=faults)
    found = await queries.matching(
        session,
        body,
        page.after,
        limit=page.limit + 1,
        rights=rights_of(caller),
        place_names=pack.place_names,
    )
    return page_of(found, request=page, cursor_of=lambda hit: hit.cursor, view=lambda hit: hit.found)
