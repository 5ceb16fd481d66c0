"""Shows a device the people whom it may keep, with the revisions on which its changes are made."""

from datetime import timedelta
from functools import partial

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now
from libs.chassis.paging import Page, PageRequest, page_of
from libs.events.people_codes import AgeGroup
from services.registration.audit.actions import record
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.people.queries import identity_of
from services.registration.people.tables import Returnee
from services.registration.sync import queries
from services.registration.sync.rules import SHOWN_DAYS
from services.registration.sync.schemas import KnownPerson
from services.registration.vault.queries import data_keys, opened_or_none
from services.registration.vault.sealing import DataKey, Vault

_FIELDS = ("family_names", "given_names")


async def look_up_people(session: AsyncSession, page: PageRequest, *, actor: Actor, vault: Vault) -> Page[KnownPerson]:
    """The people of the last weeks whom the caller may see. Each access to a name is recorded."""
    since = now(session) - timedelta(days=SHOWN_DAYS)
    rows = await queries.people(session, page, since=since, actor=actor)
    keys = await data_keys(vault, [row.id for row, _ in rows if row.erased_at is None])
    shown = [row.id for row, _ in rows[: page.limit] if row.id in keys]
    kind, purpose = AccessKind.READ, AccessPurpose.REGISTRATION
    accesses = [Access(one, kind, "sync.read_people", purpose, _FIELDS) for one in shown]
    await record(session, actor, accesses)
    return page_of(
        rows,
        request=page,
        cursor_of=lambda found: [str(found[0].id)],
        view=lambda found: _view(found[0], found[1], keys.get(found[0].id)),
    )


def _view(row: Returnee, revision: int, key: DataKey | None) -> KnownPerson:
    if row.erased_at is not None or key is None:
        return KnownPerson(id=row.id, is_erased=True, version=row.version, revision=revision)
    identity = opened_or_none(partial(identity_of, row, key))
    return KnownPerson(
        id=row.id,
        is_erased=False,
        case_code=row.case_code,
        version=row.version,
        revision=revision,
        arrival_batch_id=row.arrival_batch_id,
        reception_place=row.reception_place,
        household_id=row.household_id,
        given_names=None if identity is None else identity.given_names,
        family_names=None if identity is None else identity.family_names,
        age_group=AgeGroup(row.age_group),
    )
