"""What every step of a release does: find it, check it, write it, record the access."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.etag import Condition
from services.registration.audit.actions import record
from services.registration.audit.rules import RESTRICTED, Access, AccessKind, AccessPurpose, Actor
from services.registration.errors import MayBeExcluded
from services.registration.excluded_people.queries import has_excluded_name, is_one_of, kept_apart
from services.registration.pack import Pack
from services.registration.people.tables import Returnee
from services.registration.protection_errors import FourEyes, NotAChildAlone, RelativeExcluded, ReleaseEnded
from services.registration.releases import queries
from services.registration.releases.rules import ReleaseStatus, earlier_step_of, not_alone_because
from services.registration.releases.schemas import RelativeTold, ReleaseView, ReleaseWithWords
from services.registration.releases.tables import ChildRelease
from services.registration.vault.queries import data_keys
from services.registration.vault.sealing import Vault


async def open_release(
    session: AsyncSession, release_id: UUID, *, condition: Condition, actor: Actor
) -> tuple[ChildRelease, Returnee]:
    """An open release and its child, both locked. The child is locked first, as in all other work."""
    seen = await queries.release(session, release_id, actor=actor)
    person = await queries.child(session, seen.returnee_id, actor=actor)
    row = await queries.release(session, release_id, actor=actor, lock=True)
    condition.check(row.version)
    if row.status != ReleaseStatus.OPEN.value:
        raise ReleaseEnded
    return row, person


async def require_child_alone(session: AsyncSession, person: Returnee) -> None:
    """Raise NotAChildAlone for an adult, and for a child who lives with one."""
    with_adult = await queries.lives_with_adult(session, person)
    because = not_alone_because(person.age_group, person.protection_flags, lives_with_adult=with_adult)
    if because is not None:
        raise NotAChildAlone(because=because)


def require_another(actor: Actor, **earlier: str | None) -> None:
    """Raise FourEyes if this caller took one of these steps, given by name with who took it."""
    step = earlier_step_of(actor.principal, list(earlier.items()))
    if step is not None:
        raise FourEyes(step=step)


async def require_not_excluded(
    session: AsyncSession, child: Returnee, relative: RelativeTold, *, namesake_confirmed: bool, vault: Vault
) -> None:
    """Raise RelativeExcluded if the child excludes a registered person with the names or the document of the relative,
    and MayBeExcluded if only a similar name says so and the desk has not confirmed that it is a namesake."""
    told = (relative.given_names, relative.family_names)
    apart = (await kept_apart(session, [child.id])).get(child.id, set())
    if await is_one_of(session, apart, told, number=relative.document_number, vault=vault):
        raise RelativeExcluded
    if not namesake_confirmed and await has_excluded_name(session, child.id, told, apart=apart, vault=vault):
        raise MayBeExcluded


async def written(session: AsyncSession, row: ChildRelease, verb: str, *, actor: Actor) -> UUID:
    """Write the row as the next version, and record the access."""
    row.version += 1
    session.add(row)
    await session.flush()
    await record(session, actor, [access(row, AccessKind.WRITE, verb)])
    return row.id


def access(row: ChildRelease, kind: AccessKind, verb: str) -> Access:
    """The access to a release. Its action has the prefix of restricted entries, so that reception does not learn from
    the record of access that there is a release."""
    return Access(
        subject_id=row.returnee_id,
        kind=kind,
        action=f"{RESTRICTED}child_release.{verb}",
        purpose=AccessPurpose.CHILD_RELEASE,
        fields=["child_release"],
    )


async def look_up_release(
    session: AsyncSession, release_id: UUID, *, actor: Actor, pack: Pack, vault: Vault
) -> ReleaseWithWords:
    """One release with all that is sealed. The access is recorded."""
    row = await queries.release(session, release_id, actor=actor)
    keys = await data_keys(vault, [row.returnee_id])
    await record(session, actor, [access(row, AccessKind.READ, "read")])
    return queries.view_with_words(row, keys.get(row.returnee_id), pack.reception.child_releases.valid_for)


async def show_release(session: AsyncSession, release_id: UUID, *, actor: Actor, pack: Pack) -> ReleaseView:
    """One release, for the caller that has just written it."""
    row = await queries.release(session, release_id, actor=actor)
    return queries.view(row, pack.reception.child_releases.valid_for)
