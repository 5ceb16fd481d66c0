"""Queries of releases. Only the child desk and the authority see them; for everybody else they do not exist."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, false
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.errors import NotFound
from libs.chassis.paging import Page, PageRequest, page_of
from services.registration.audit.rules import Actor
from services.registration.households.queries import members_of
from services.registration.people.queries import returnee, visible_to
from services.registration.people.rules import PERHAPS_CHILDREN
from services.registration.people.tables import Returnee
from services.registration.releases.rules import (
    Cancellation,
    NotHeard,
    Relation,
    RelativeShown,
    ReleaseStatus,
    Steps,
    Verified,
    Wish,
    Withdrawal,
)
from services.registration.releases.schemas import RelativeTold, ReleaseView, ReleaseWithWords
from services.registration.releases.tables import ChildRelease
from services.registration.vault.sealing import DataKey

TABLE = "child_release"


def _seen_by(actor: Actor) -> ColumnElement[bool]:
    if not actor.sight.children_only:
        return false()
    return col(ChildRelease.returnee_id).in_(select(Returnee.id).where(visible_to(actor)))


async def child(session: AsyncSession, returnee_id: UUID, *, actor: Actor) -> Returnee:
    """The person, locked against an erasure; NotFound for callers who are not the child desk or the authority."""
    if not actor.sight.children_only:
        raise NotFound
    return await returnee(session, returnee_id, actor=actor, lock=True)


async def lives_with_adult(session: AsyncSession, person: Returnee) -> bool:
    """Whether an adult belongs to the household of the person. Run it as the service's own work: the desk does not see
    adults."""
    if person.household_id is None:
        return False
    members = await members_of(session, person.household_id)
    return any(one.id != person.id and one.age_group not in PERHAPS_CHILDREN for one in members)


async def release(session: AsyncSession, release_id: UUID, *, actor: Actor, lock: bool = False) -> ChildRelease:
    """One release; NotFound if the caller may not see it."""
    query = select(ChildRelease).where(ChildRelease.id == release_id, _seen_by(actor))
    query = query.execution_options(populate_existing=True)
    found = (await session.exec(query.with_for_update() if lock else query)).first()
    if found is None:
        raise NotFound
    return found


async def releases(
    session: AsyncSession,
    page: PageRequest,
    *,
    status: ReleaseStatus | None,
    returnee_id: UUID | None,
    valid_for: timedelta,
    actor: Actor,
) -> Page[ReleaseView]:
    """Releases, newest first."""
    query = select(ChildRelease).where(_seen_by(actor))
    if status is not None:
        query = query.where(ChildRelease.status == status.value)
    if returnee_id is not None:
        query = query.where(ChildRelease.returnee_id == returnee_id)
    if page.after is not None:
        query = query.where(col(ChildRelease.id) < UUID(page.after[0]))
    rows = (await session.exec(query.order_by(col(ChildRelease.id).desc()).limit(page.limit + 1))).all()
    return page_of(rows, request=page, cursor_of=lambda row: [str(row.id)], view=lambda row: view(row, valid_for))


async def has_open(session: AsyncSession, returnee_id: UUID) -> bool:
    """Whether the child has an open release. Lock the child first."""
    query = select(ChildRelease.id).where(
        ChildRelease.returnee_id == returnee_id, ChildRelease.status == ReleaseStatus.OPEN.value
    )
    return (await session.exec(query)).first() is not None


async def is_excluded(session: AsyncSession, returnee_id: UUID, relative_key: bytes) -> bool:
    """Whether a release of this child to this relative was cancelled because of danger."""
    query = select(ChildRelease.id).where(
        ChildRelease.returnee_id == returnee_id,
        ChildRelease.relative_key == relative_key,
        ChildRelease.cancelled_because == Cancellation.DANGER.value,
    )
    return (await session.exec(query.limit(1))).first() is not None


def steps_of(row: ChildRelease) -> Steps:
    """The steps of a release that were taken."""
    return Steps(row.view_at is not None, row.wish, row.verified_at, row.signed_at, row.withdrawn_at)


def view(row: ChildRelease, valid_for: timedelta) -> ReleaseView:
    """A release in codes and times."""
    return ReleaseView(
        id=row.id,
        version=row.version,
        returnee_id=row.returnee_id,
        status=ReleaseStatus(row.status),
        relation=Relation(row.relation),
        named_at=row.named_at,
        wish=None if row.wish is None else Wish(row.wish),
        not_heard_because=None if row.not_heard_because is None else NotHeard(row.not_heard_because),
        heard_at=row.heard_at,
        heard_language=row.heard_language,
        verified=[Verified(code) for code in row.verified],
        verified_at=row.verified_at,
        authority=row.authority,
        signed_at=row.signed_at,
        sign_off_valid_until=None if row.signed_at is None else row.signed_at + valid_for,
        sign_off_withdrawn_at=row.withdrawn_at,
        sign_off_withdrawn_because=None if row.withdrawn_because is None else Withdrawal(row.withdrawn_because),
        released_at=row.released_at,
        released_to_place=row.released_to_place,
        relative_shown_by=None if row.relative_shown_by is None else RelativeShown(row.relative_shown_by),
        cancelled_at=row.cancelled_at,
        cancelled_because=None if row.cancelled_because is None else Cancellation(row.cancelled_because),
    )


def relative_of(row: ChildRelease, key: DataKey) -> RelativeTold:
    """The relative of an open release, decrypted."""
    assert row.relative_sealed is not None, "only an erasure wipes it"
    return RelativeTold.model_validate_json(key.open(row.relative_sealed, table=TABLE, column=f"relative.{row.id}"))


def view_with_words(row: ChildRelease, key: DataKey | None, valid_for: timedelta) -> ReleaseWithWords:
    """A release with all that is sealed; without a key the child is erased, and nothing of it is left."""

    def opened(column: str) -> str | None:
        value = getattr(row, f"{column}_sealed")
        return None if key is None else key.open_or_none(value, table=TABLE, column=f"{column}.{row.id}")

    relative = opened("relative")
    return ReleaseWithWords(
        **view(row, valid_for).model_dump(),
        relative=None if relative is None else RelativeTold.model_validate_json(relative),
        heard_by=opened("heard_by"),
        heard_words=opened("heard_words"),
        sign_off_reference=opened("sign_off_reference"),
        named_by=row.named_by,
        verified_by=row.verified_by,
        signed_by=row.signed_by,
        released_by=row.released_by,
    )
