"""Reports the needs that people have by what they are or tell, so that nobody has to think of them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.events.catalogue.arrivals import NeedTold
from libs.events.codes import NeedCategory, Urgency
from services.registration.audit.actions import record
from services.registration.audit.rules import RESTRICTED, Access, AccessKind, AccessPurpose, Actor
from services.registration.needs.actions.tellings import report_needs
from services.registration.needs.schemas import NewNeed
from services.registration.needs.tables import OPEN
from services.registration.people.tables import Returnee
from services.registration.vault.sealing import Vault

_COUNT: Final = f"""
SELECT count(*) AS told, count(*) FILTER (WHERE {OPEN}) AS open FROM need WHERE returnee_id = $1 AND category = $2
"""  # noqa: S608 (constants)


def with_own(needs: Sequence[NeedTold], own_needs: Mapping[NeedCategory, Urgency]) -> list[NeedTold]:
    """The needs with which a person arrives: those that were told, and their own needs that were not."""
    told = {need.category for need in needs}
    own = [NeedTold(category=one, urgency=urgency) for one, urgency in own_needs.items() if one not in told]
    return [*needs, *own]


async def report_own(
    session: AsyncSession,
    row: Returnee,
    category: NeedCategory,
    urgency: Urgency,
    *,
    restricted: Collection[NeedCategory],
    actor: Actor,
    vault: Vault,
) -> None:
    """Report a need of a registered person, whose row is locked, unless such a need is open."""
    (counts,) = await (await raw(session)).fetch(_COUNT, row.id, category)
    if counts["open"]:
        return
    hidden = category in restricted
    need = NewNeed(
        id=_need_id(row.id, category, vault, told=counts["told"], hidden=hidden),
        need_key=None,
        returnee_id=row.id,
        household_id=None,
        arrival_batch_id=row.arrival_batch_id,
        category=category,
        kind=None,
        detail_values={},
        urgency=urgency,
        people_count=1,
        after_need_id=None,
        traceparent=row.traceparent,
        restricted=hidden,
    )
    await report_needs(session, [need], vault=vault)
    access = Access(
        subject_id=row.id,
        kind=AccessKind.WRITE,
        action=f"{RESTRICTED}need.report" if hidden else "need.report",
        purpose=AccessPurpose.REGISTRATION,
        fields=["needs"],
    )
    await record(session, actor, [access])


def _need_id(returnee_id: UUID, category: NeedCategory, vault: Vault, *, told: int, hidden: bool) -> UUID:
    """The id of the need, derived so that it is the same if the change comes again after a restore."""
    master = vault.restricted if hidden else vault.master
    parts = (str(returnee_id), category, str(told))
    return master.derived_id("own need", *parts, milliseconds=returnee_id.int >> 80)
