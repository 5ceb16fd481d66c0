"""Opens, saves, ends and shows screenings. Each act requires a certificate that is valid at that moment."""

from dataclasses import replace
from typing import Final, NamedTuple
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now
from libs.chassis.errors import InvalidInput, NotFound
from libs.chassis.etag import Condition
from libs.instruments.asking import reviews_from
from libs.instruments.model import Instrument
from services.registration.audit.actions import record
from services.registration.audit.rules import RESTRICTED, Access, AccessKind, AccessPurpose, Actor
from services.registration.certificates.queries import is_certified
from services.registration.needs.actions.deriving import Derived, derive_reviews
from services.registration.needs.restricted import restricted_role
from services.registration.needs.schemas import NeedOriginView
from services.registration.pack import Pack
from services.registration.people.actions.merging import records_of
from services.registration.people.queries import returnee
from services.registration.people.tables import Returnee
from services.registration.screening import queries
from services.registration.screening.queries import TABLE, Kept, name_of
from services.registration.screening.rules import (
    SEALED_BYTES,
    End,
    ScreeningStatus,
    answer_faults,
    as_values,
    may_begin,
    opener_of,
)
from services.registration.screening.schemas import Screening, ScreeningAnswers, ScreeningView
from services.registration.screening_errors import (
    CertificateMissing,
    ScreeningEnded,
    ScreeningExists,
    ScreeningOfAnother,
)
from services.registration.vault.actions import restricted_keys
from services.registration.vault.sealing import Vault

_SAVE: Final = """
    INSERT INTO restricted_screening (id, owner, sealed) VALUES ($1, $2, $3)
    ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed
"""
_FORGET: Final = "DELETE FROM restricted_screening WHERE owner = $1"


class Held(NamedTuple):
    """A person whom the caller may screen now, and the person's screening if there is one."""

    person: Returnee
    current: Instrument
    """The instrument with which a screening would begin now."""
    kept: Kept | None

    def existing(self) -> Kept:
        """The screening, or NotFound."""
        if self.kept is None:
            raise NotFound
        return self.kept


async def _held(
    session: AsyncSession, returnee_id: UUID, *, actor: Actor, pack: Pack, vault: Vault, lock: bool = False
) -> Held:
    """Check the certificate before anything about a screening is looked up, so that a refusal tells nothing."""
    person = await returnee(session, returnee_id, actor=actor, lock=lock)
    current = next(iter(pack.screenings.current.values()), None)
    if current is None or current.certificate is None:
        raise NotFound
    today = pack.reception.day_of(now(session))
    hidden = actor.hidden_categories(person.organization_id)
    if hidden or not await is_certified(session, actor, current.certificate, on=today):
        raise CertificateMissing
    records = await records_of(session, [person.id])
    return Held(person, current, await queries.find(session, records, vault=vault))


async def open_screening(
    session: AsyncSession, returnee_id: UUID, *, asked_by_person: bool, actor: Actor, pack: Pack, vault: Vault
) -> UUID:
    """Open the one screening of a person; return its id."""
    held = await _held(session, returnee_id, actor=actor, pack=pack, vault=vault, lock=True)
    before = None if held.kept is None else held.kept.screening
    if not may_begin(None if before is None else before.status, asked_by_person=asked_by_person):
        raise ScreeningExists
    key = (await restricted_keys(vault, [held.person.id], at=now(session)))[held.person.id]
    if held.kept is not None:
        key = held.kept.key
    new = Screening(
        id=uuid7(),
        returnee_id=held.person.id if before is None else before.returnee_id,
        instrument=held.current.instrument,
        instrument_version=held.current.version,
        version=1 if before is None else before.version + 1,
        opened_by=opener_of(actor.who),
        opened_at=now(session),
    )
    await _save(session, Kept(new, key), vault=vault)
    await record(session, actor, [_access(held.person.id, AccessKind.WRITE)])
    return new.id


async def save_screening(
    session: AsyncSession,
    returnee_id: UUID,
    body: ScreeningAnswers,
    *,
    condition: Condition,
    actor: Actor,
    pack: Pack,
    vault: Vault,
) -> UUID:
    """Save answers to the open screening."""
    held = await _held(session, returnee_id, actor=actor, pack=pack, vault=vault, lock=True)
    kept = held.existing()
    old = kept.screening
    condition.check(old.version)
    if old.status is not ScreeningStatus.OPEN:
        raise ScreeningEnded
    if old.opened_by != opener_of(actor.who):
        raise ScreeningOfAnother
    told = {one.question: one.value for one in body.answers}
    in_order = [(one.question, tuple(one.value) if isinstance(one.value, list) else one.value) for one in body.answers]
    faults = answer_faults(_instrument(old, pack), in_order, today=pack.reception.day_of(now(session)))
    if faults:
        raise InvalidInput(errors=faults)
    changed = old.model_copy(update={"answers": {**old.answers, **told}, "version": old.version + 1})
    await _save(session, replace(kept, screening=changed), vault=vault)
    await record(session, actor, [_access(held.person.id, AccessKind.WRITE)])
    return old.id


async def end_screening(
    session: AsyncSession, returnee_id: UUID, how: End, *, actor: Actor, pack: Pack, vault: Vault
) -> UUID:
    """End the screening. Both ends write the same row of the same length and the same entry of the record.

    Only a completed one with a finding is followed by a need, in the store of restricted needs.
    """
    held = await _held(session, returnee_id, actor=actor, pack=pack, vault=vault, lock=True)
    kept = held.existing()
    old = kept.screening
    if old.status is not ScreeningStatus.OPEN:
        raise ScreeningEnded
    update = {"status": ScreeningStatus.COMPLETED, "version": old.version + 1, "ended_at": now(session)}
    if how is End.STOP:
        update |= {"status": ScreeningStatus.STOPPED, "answers": {}}
    await _save(session, replace(kept, screening=old.model_copy(update=update)), vault=vault)
    await record(session, actor, [_access(held.person.id, AccessKind.WRITE)])
    if how is End.COMPLETE:
        await derive_reviews(session, held.person, _findings(old, pack), actor=actor, vault=vault)
    return old.id


async def show_screening(
    session: AsyncSession, returnee_id: UUID, *, language: str | None, actor: Actor, pack: Pack, vault: Vault
) -> ScreeningView:
    """The screening, for the response to a write."""
    held = await _held(session, returnee_id, actor=actor, pack=pack, vault=vault)
    screening = held.existing().screening
    return queries.view(screening, _instrument(screening, pack), language)


async def look_up_screening(
    session: AsyncSession, returnee_id: UUID, *, language: str | None, actor: Actor, pack: Pack, vault: Vault
) -> ScreeningView:
    """The screening. The access is recorded."""
    found = await show_screening(session, returnee_id, language=language, actor=actor, pack=pack, vault=vault)
    await record(session, actor, [_access(returnee_id, AccessKind.READ)])
    return found


async def forget_screening(session: AsyncSession, returnee_id: UUID, *, vault: Vault) -> None:
    """Delete the screening of an erased person."""
    async with restricted_role(session) as connection:
        await connection.execute(_FORGET, vault.owner_of(returnee_id))


def _instrument(screening: Screening, pack: Pack) -> Instrument:
    found = pack.screenings.find(screening.instrument, screening.instrument_version)
    if found is None:
        raise NotFound
    return found


def _findings(screening: Screening, pack: Pack) -> list[Derived]:
    instrument = _instrument(screening, pack)
    return [
        Derived(
            category=one.what.category,
            kind=None,
            urgency=one.what.urgency,
            origin=NeedOriginView(
                instrument=instrument.instrument,
                instrument_version=instrument.version,
                rule=one.rule,
                questions=list(one.questions),
            ),
        )
        for one in reviews_from(instrument, as_values(screening.answers))
        if one.what.category is not None
    ]


async def _save(session: AsyncSession, kept: Kept, *, vault: Vault) -> None:
    screening = kept.screening
    name, text = name_of(vault, screening.returnee_id), screening.model_dump_json()
    assert len(text.encode()) <= SEALED_BYTES, "the check of the pack limits the answers of a screening"
    sealed = kept.key.seal(text.ljust(SEALED_BYTES), table=TABLE, column=name.hex())
    async with restricted_role(session) as connection:
        await connection.execute(_SAVE, name, vault.owner_of(screening.returnee_id), sealed)


def _access(returnee_id: UUID, kind: AccessKind) -> Access:
    """All writes have the same action, so that the record does not show how a screening ended."""
    return Access(
        subject_id=returnee_id,
        kind=kind,
        action=f"{RESTRICTED}screening.{kind.value}",
        purpose=AccessPurpose.REGISTRATION,
        fields=["screening"],
    )
