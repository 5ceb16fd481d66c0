"""Saves answers, completes instruments, and judges what follows from the answers."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, raw
from libs.chassis.errors import InvalidInput
from libs.instruments.asking import Conclusion, missing, needs_from, reviews_from
from libs.instruments.conditions import Value
from libs.instruments.model import Instrument, NeedRule
from libs.taxonomy.model import Taxonomy
from services.registration.answers import queries
from services.registration.answers.queries import Keys, answer_set, keys_of, opened, place, stored
from services.registration.answers.rules import IDLE_MINUTES, Saved, Standing, answer_faults, news, overtaken, packed
from services.registration.answers.schemas import AnswersBody, AnswersView
from services.registration.answers.tables import AnswerSet
from services.registration.audit.actions import record
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.errors import AnswerChanged, AnswersIncomplete, InstrumentVersionDiffers
from services.registration.needs.actions.deriving import Derived, derive_needs, derive_reviews
from services.registration.needs.schemas import NeedOriginView
from services.registration.pack import Pack
from services.registration.people.queries import returnee
from services.registration.people.tables import Returnee
from services.registration.vault.sealing import Vault

_INSERT: Final = """
    INSERT INTO answer (set_id, question, version, returnee_id, value_sealed, answered_at)
    SELECT $1, question, version, $2, value_sealed, $3
    FROM unnest($4::text[], $5::int[], $6::bytea[]) AS told (question, version, value_sealed)
"""
# Whoever saves or erases locks the person first.
_DUE: Final = """
    SELECT s.id, s.returnee_id, s.instrument FROM answer_set s JOIN returnee r ON r.id = s.returnee_id
    WHERE s.review_due OR (s.needs_due AND s.saved_at < $1)
    ORDER BY s.id LIMIT $2 FOR NO KEY UPDATE OF r SKIP LOCKED
"""
_ITSELF: Final = Actor(who="urn:enlace:registration", client_id="registration")


async def save_answers(
    session: AsyncSession, returnee_id: UUID, code: str, body: AnswersBody, *, actor: Actor, vault: Vault, pack: Pack
) -> UUID:
    """Store some answers, each by itself; return the id of the set. The same answers again change nothing."""
    person = await returnee(session, returnee_id, actor=actor, lock=True)
    instrument = queries.instrument(pack.instruments, code, body.instrument_version)
    row = await answer_set(session, person.id, code)
    if row is not None and row.instrument_version != instrument.version:
        raise InstrumentVersionDiffers(instrument_version=row.instrument_version)
    told = [Saved(one.question, _value(one.value), one.replaces) for one in body.answers]
    faults = answer_faults(instrument, told, today=pack.reception.day_of(now(session)))
    if faults:
        raise InvalidInput(errors=faults)
    row = row or AnswerSet(
        id=uuid7(),
        returnee_id=person.id,
        instrument=code,
        instrument_version=instrument.version,
        started_at=now(session),
        saved_at=now(session),
    )
    keys = await keys_of(session, person.id, instrument, vault=vault)
    changed = await _store(session, row, instrument, told, keys)
    if changed:
        await record(session, actor, [_access(person.id, AccessKind.WRITE, "answers.save", code, changed)])
        if row.completed_at is not None:
            await _judge_needs(session, person, row, instrument, keys, actor=actor, vault=vault, pack=pack)
    return row.id


async def _store(
    session: AsyncSession, row: AnswerSet, instrument: Instrument, told: Sequence[Saved], keys: Keys
) -> list[str]:
    """Store the answers that change something; return their questions."""
    known = await stored(session, row.id)
    values = opened(known, keys, instrument, set_id=row.id, only={one.question for one in told})
    standing = {question: Standing(known[question].version, value) for question, value in values.items()}
    changing = news(told, standing)
    lost = overtaken(changing, standing)
    if lost:
        raise AnswerChanged(questions=lost)
    if not changing:
        return []
    row.saved_at, row.needs_due = now(session), True
    row.review_due = bool(instrument.reviews)
    session.add(row)
    await session.flush()
    versions = [one.replaces + 1 for one in changing]
    sealed = [
        keys.of(instrument.by_id[one.question]).seal(
            packed(one.value), table="answer", column=place(row.id, one.question, version)
        )
        for one, version in zip(changing, versions, strict=True)
    ]
    questions = [one.question for one in changing]
    values_of_rows = row.id, row.returnee_id, now(session), questions, versions, sealed
    await (await raw(session)).execute(_INSERT, *values_of_rows)
    return questions


def _value(told: str | list[str] | None) -> Value:
    return tuple(told) if isinstance(told, list) else told


async def complete_answers(
    session: AsyncSession, returnee_id: UUID, code: str, *, actor: Actor, vault: Vault, pack: Pack
) -> UUID:
    """Complete an instrument and report the needs that follow. AnswersIncomplete if required answers are missing."""
    person = await returnee(session, returnee_id, actor=actor, lock=True)
    row = await answer_set(session, person.id, code)
    version = None if row is None else row.instrument_version
    instrument = queries.instrument(pack.instruments, code, version)
    keys = await keys_of(session, person.id, instrument, vault=vault)
    left = missing(instrument, {} if row is None else await _given(session, row, instrument, keys))
    if row is None or left:
        raise AnswersIncomplete(missing=left)
    row.completed_at = row.completed_at or now(session)
    await _judge_needs(session, person, row, instrument, keys, actor=actor, vault=vault, pack=pack)
    await record(session, actor, [_access(person.id, AccessKind.WRITE, "answers.complete", code, [])])
    return row.id


async def _given(session: AsyncSession, row: AnswerSet, instrument: Instrument, keys: Keys) -> dict[str, Value]:
    """All present answers; those to restricted questions without their value."""
    known = await stored(session, row.id)
    ordinary = {one.id for one in instrument.questions if not one.restricted}
    return {**dict.fromkeys(known), **opened(known, keys, instrument, set_id=row.id, only=ordinary)}


async def _judge_needs(
    session: AsyncSession,
    person: Returnee,
    row: AnswerSet,
    instrument: Instrument,
    keys: Keys,
    *,
    actor: Actor,
    vault: Vault,
    pack: Pack,
) -> None:
    row.needs_due = False
    session.add(row)
    await session.flush()
    found = needs_from(instrument, await _given(session, row, instrument, keys))
    derived = [_derived(instrument, one, pack.taxonomy) for one in found]
    await derive_needs(session, person, instrument.instrument, derived, actor=actor, vault=vault)


def _derived(instrument: Instrument, one: Conclusion, taxonomy: Taxonomy) -> Derived:
    """The need of a conclusion."""
    origin = NeedOriginView(
        instrument=instrument.instrument,
        instrument_version=instrument.version,
        rule=one.rule,
        questions=list(one.questions),
    )
    kind = one.what.kind if isinstance(one.what, NeedRule) else None
    category = one.what.category if kind is None else taxonomy.kinds[kind].category
    assert category is not None, "the check of the pack requires a kind or a category"
    return Derived(category=category, kind=kind, urgency=one.what.urgency, origin=origin)


async def judge_due(session: AsyncSession, *, pack: Pack, vault: Vault, limit: int) -> int:
    """Judge the soft indicators of up to `limit` saves, and the needs of those whom nobody completed.

    This is not part of a request, so that neither an answer nor its time tells the caller what followed.
    """
    idle = now(session) - timedelta(minutes=IDLE_MINUTES)
    due = await (await raw(session)).fetch(_DUE, idle, limit)
    for one in due:
        person = await session.get(Returnee, one["returnee_id"], populate_existing=True)
        row = await answer_set(session, one["returnee_id"], one["instrument"])
        if person is None or row is None or person.erased_at is not None:
            continue
        instrument = queries.instrument(pack.instruments, row.instrument, row.instrument_version)
        keys = await keys_of(session, person.id, instrument, vault=vault)
        if row.review_due:
            await _judge_reviews(session, person, row, instrument, keys, vault=vault, pack=pack)
        if row.needs_due and row.saved_at < idle:
            await _judge_needs(session, person, row, instrument, keys, actor=_ITSELF, vault=vault, pack=pack)
    return len(due)


async def _judge_reviews(
    session: AsyncSession,
    person: Returnee,
    row: AnswerSet,
    instrument: Instrument,
    keys: Keys,
    *,
    vault: Vault,
    pack: Pack,
) -> None:
    row.review_due = False
    session.add(row)
    await session.flush()
    answers = opened(await stored(session, row.id), keys, instrument, set_id=row.id, only=instrument.by_id)
    derived = [_derived(instrument, one, pack.taxonomy) for one in reviews_from(instrument, answers)]
    await derive_reviews(session, person, derived, actor=_ITSELF, vault=vault)


async def look_up_answers(
    session: AsyncSession,
    returnee_id: UUID,
    code: str,
    *,
    language: str | None,
    actor: Actor,
    vault: Vault,
    pack: Pack,
) -> AnswersView:
    """The answers of a person, and what to ask next. The access is recorded."""
    view = await show_answers(session, returnee_id, code, language=language, actor=actor, vault=vault, pack=pack)
    shown = [one.question for one in view.answers if not one.withheld]
    await record(session, actor, [_access(returnee_id, AccessKind.READ, "answers.read", code, shown)])
    return view


async def show_answers(
    session: AsyncSession,
    returnee_id: UUID,
    code: str,
    *,
    language: str | None,
    actor: Actor,
    vault: Vault,
    pack: Pack,
) -> AnswersView:
    """The same, for the response to a save."""
    person = await returnee(session, returnee_id, actor=actor)
    row = await answer_set(session, person.id, code)
    version = None if row is None else row.instrument_version
    instrument = queries.instrument(pack.instruments, code, version)
    current = queries.instrument(pack.instruments, code).version
    return await queries.answers_view(
        session,
        person,
        row,
        instrument,
        language=language,
        sees_private=not actor.hidden_categories(person.organization_id),
        newer=current if current > instrument.version else None,
        vault=vault,
    )


def _access(returnee_id: UUID, kind: AccessKind, action: str, code: str, questions: Sequence[str]) -> Access:
    return Access(
        subject_id=returnee_id,
        kind=kind,
        action=action,
        purpose=AccessPurpose.REGISTRATION,
        fields=[f"{code}.{one}" for one in questions] or [code],
    )
