"""Names the kind of a need of which only the category was known, when a desk or an assessment has found it out."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now
from libs.chassis.errors import InvalidInput
from libs.events.detail_values import by_detail
from libs.events.outbox import append
from libs.taxonomy.model import Taxonomy
from services.registration.audit.actions import record
from services.registration.audit.rules import Actor
from services.registration.errors import NeedEnded, NeedKindKnown, NeedOfKindOpen
from services.registration.needs import queries, restricted
from services.registration.needs.actions.needs import write_access
from services.registration.needs.actions.restricted_tellings import has_another
from services.registration.needs.rules import NeedStatus, kind_and_detail_faults
from services.registration.needs.schemas import KindFound, RestrictedNeed, reported
from services.registration.needs.tables import Need
from services.registration.people.queries import returnee
from services.registration.vault.sealing import Vault


async def refine_need(
    session: AsyncSession,
    returnee_id: UUID,
    need_id: UUID,
    body: KindFound,
    *,
    actor: Actor,
    vault: Vault,
    taxonomy: Taxonomy,
) -> UUID:
    """Name the kind of an open need, or add details to its kind, and publish the need again."""
    person = await returnee(session, returnee_id, actor=actor, lock=True)
    kept = await queries.restricted_need(session, need_id, person=person, actor=actor, vault=vault, lock=True)
    need: Need | RestrictedNeed = (
        await queries.ordinary_need(session, need_id, person=person, actor=actor, lock=True)
        if kept is None
        else kept.need
    )
    category = need.category
    faults = kind_and_detail_faults(body.kind, body.detail_values, category=category, taxonomy=taxonomy, at="")
    if faults:
        raise InvalidInput(errors=faults)
    found = _found(need, body)
    if kept is not None:
        more = kept.need.model_copy(update=found)
        if kept.need.kind is None and await has_another(session, more, vault=vault):
            raise NeedOfKindOpen
        await restricted.save(session, [replace(kept, need=more)], vault=vault)
        need = more
    elif isinstance(need, Need):
        need.sqlmodel_update(found)
        session.add(need)
        try:
            await session.flush()
        except IntegrityError:  # the unique indexes also see what others report at this moment
            raise NeedOfKindOpen from None
    view = need if isinstance(need, RestrictedNeed) else need.model_dump()
    await append(session, [reported(view, at=now(session))], traceparents=[need.traceparent])
    await record(session, actor, [write_access(returnee_id, "need.refine", category, actor=actor)])
    return need_id


def _found(need: Need | RestrictedNeed, body: KindFound) -> dict[str, Any]:
    """The new kind and details of the need. A detail that was told before may be corrected."""
    if need.status != NeedStatus.REPORTED or need.ended_at is not None:
        raise NeedEnded
    if need.kind not in (None, body.kind):
        raise NeedKindKnown
    return {"kind": body.kind, "detail_values": {**need.detail_values, **by_detail(body.detail_values)}}
