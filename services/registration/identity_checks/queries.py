"""Queries of checks of who a person is. Row-level security decides which of them a caller sees."""

import json
from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now
from libs.chassis.errors import NotFound
from services.registration.audit.rules import Actor
from services.registration.households.tables import Household
from services.registration.identity_checks.rules import (
    CheckLanguage,
    Facts,
    Kind,
    Question,
    option_text,
    question_text,
)
from services.registration.identity_checks.schemas import (
    CheckOptionView,
    CheckQuestionView,
    IdentityCheckResult,
    IdentityCheckView,
)
from services.registration.identity_checks.tables import IdentityCheck
from services.registration.pack import Pack
from services.registration.people.queries import identity_of
from services.registration.people.tables import Returnee
from services.registration.protection_errors import IdentityNotProven
from services.registration.vault.queries import data_keys
from services.registration.vault.sealing import DataKey, Vault

TABLE = "identity_check"


async def check_of(session: AsyncSession, check_id: UUID, *, actor: Actor, lock: bool = False) -> IdentityCheck:
    """One check of this caller; NotFound for one of anybody else."""
    query = select(IdentityCheck).where(IdentityCheck.id == check_id, IdentityCheck.made_by == actor.principal)
    query = query.execution_options(populate_existing=True)
    found = (await session.exec(query.with_for_update() if lock else query)).first()
    if found is None:
        raise NotFound
    return found


async def tries_of_person(session: AsyncSession, returnee_ids: Collection[UUID], *, day: date) -> int:
    """How many checks of this day did not prove who the person is, whoever made them."""
    return await _count(session, col(IdentityCheck.returnee_id).in_(returnee_ids), day)


async def tries_of_caller(session: AsyncSession, made_by: str, *, day: date) -> int:
    """How many checks of this caller and day did not prove who somebody is."""
    return await _count(session, col(IdentityCheck.made_by) == made_by, day)


async def _count(session: AsyncSession, whose: ColumnElement[bool], day: date) -> int:
    unproven = col(IdentityCheck.proven_until).is_(None)
    query = select(func.count()).select_from(IdentityCheck).where(whose, IdentityCheck.made_on == day, unproven)
    return (await session.exec(query)).one()


async def facts_of(session: AsyncSession, person: Returnee, key: DataKey, *, pack: Pack) -> Facts:
    """What is known of a person, as far as questions may ask for it."""
    size = None
    if person.household_id is not None:
        query = select(func.coalesce(Household.told_size, Household.expected_size))
        size = (await session.exec(query.where(Household.id == person.household_id))).first()
    return Facts(
        birth_date=identity_of(person, key).birth_date,
        arrived_at=person.arrived_at.astimezone(ZoneInfo(pack.reception.timezone)),
        return_mode=person.return_mode,
        household_size=size,
        identity_document=person.identity_document,
        languages=person.languages,
    )


async def require_proven(session: AsyncSession, check_id: UUID, *, returnee_id: UUID, actor: Actor) -> None:
    """Raise IdentityNotProven unless this caller has proven with this check who this person is, a short time ago."""
    query = select(IdentityCheck.id).where(
        IdentityCheck.id == check_id,
        IdentityCheck.returnee_id == returnee_id,
        IdentityCheck.made_by == actor.principal,
        col(IdentityCheck.proven_until) > now(session),
    )
    if (await session.exec(query)).first() is None:
        raise IdentityNotProven(pointer="identity_check_id")


async def about(session: AsyncSession, returnee_ids: Collection[UUID]) -> Sequence[IdentityCheck]:
    """All checks of these people, oldest first, whoever made them."""
    query = select(IdentityCheck).where(col(IdentityCheck.returnee_id).in_(returnee_ids))
    return (await session.exec(query.order_by(col(IdentityCheck.id)))).all()


def sealed_text(questions: Sequence[Question], language: CheckLanguage) -> str:
    """The questions as a text to seal."""
    return json.dumps({"language": language, "asked": [[one.kind, one.options] for one in questions]})


async def open_questions(row: IdentityCheck, *, vault: Vault) -> tuple[list[Question], CheckLanguage]:
    """The questions of a check, decrypted; none if it has ended, or if the person is erased."""
    key = (await data_keys(vault, [row.returnee_id])).get(row.returnee_id)
    if row.questions_sealed is None or key is None:
        return [], CheckLanguage.ES
    told = json.loads(key.open(row.questions_sealed, table=TABLE, column=f"questions.{row.id}"))
    questions = [Question(Kind(kind), tuple(options)) for kind, options in told["asked"]]
    return questions, CheckLanguage(told["language"])


async def view(row: IdentityCheck, *, pack: Pack, vault: Vault) -> IdentityCheckView:
    """A check with its questions, if it is open."""
    questions, language = await open_questions(row, vault=vault)
    names = pack.reception.identity_checks.languages
    return IdentityCheckView(
        id=row.id,
        answer_by=row.answer_by,
        questions=[
            CheckQuestionView(
                kind=one.kind,
                text=question_text(one.kind, language),
                options=[
                    CheckOptionView(number=number, text=option_text(one.kind, code, language, languages=names))
                    for number, code in enumerate(one.options, 1)
                ],
            )
            for one in questions
        ],
    )


def result(row: IdentityCheck) -> IdentityCheckResult:
    """What the check came to."""
    return IdentityCheckResult(id=row.id, proven=row.proven_until is not None, proven_until=row.proven_until)
