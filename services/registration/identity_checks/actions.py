"""Make a check of who a person is, judge its answers, use it as a proof."""

from collections.abc import Collection
from datetime import date
from hmac import compare_digest
from uuid import UUID

from sqlmodel import col, update
from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from libs.chassis.database import now, raw
from libs.chassis.errors import InvalidInput
from services.registration.audit.actions import record
from services.registration.audit.rules import Access, AccessKind, AccessPurpose, Actor
from services.registration.identity_checks import queries
from services.registration.identity_checks.queries import TABLE
from services.registration.identity_checks.rules import (
    Candidates,
    Kind,
    Question,
    Rank,
    answer_faults,
    candidates,
    choose,
    needs_child_desk,
)
from services.registration.identity_checks.schemas import CheckAnswersBody, IdentityCheckBody, IdentityCheckView
from services.registration.identity_checks.tables import IdentityCheck
from services.registration.pack import Pack
from services.registration.people.actions.merging import lock_people, records_of
from services.registration.people.queries import returnee
from services.registration.people.tables import Returnee
from services.registration.protection import IdentityCheckPolicy
from services.registration.protection_errors import (
    ChildDeskOnly,
    IdentityCheckEnded,
    IdentityCheckLocked,
    TooLittleKnown,
)
from services.registration.vault.queries import data_key
from services.registration.vault.sealing import MasterKey, Vault

_OF_CALLER = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
_HASH_BYTES = 16


async def make(
    session: AsyncSession, returnee_id: UUID, body: IdentityCheckBody, *, actor: Actor, pack: Pack, vault: Vault
) -> UUID:
    """Choose the questions of a new check. It counts as a try until it is proven, and ends earlier checks of the
    person."""
    person = await returnee(session, returnee_id, actor=actor)
    if needs_child_desk(person.age_group, person.protection_flags) and not actor.sight.children_only:
        raise ChildDeskOnly
    policy, at, check_id = pack.reception.identity_checks, now(session), uuid7()
    day = pack.reception.day_of(at)
    await _take_try(session, person, day=day, policy=policy, actor=actor)
    key = await data_key(vault, person.id)
    facts = await queries.facts_of(session, person, key, pack=pack)
    known = candidates(facts, today=day, languages=policy.languages)
    if len(known) < policy.questions:
        raise TooLittleKnown
    questions = _chosen(known, person.id, check_id, policy=policy, master=vault.master)
    told = queries.sealed_text(questions, body.language)
    row = IdentityCheck(
        id=check_id,
        returnee_id=person.id,
        made_by=actor.principal,
        made_on=day,
        made_at=at,
        answer_by=at + policy.answer_within,
        questions_sealed=key.seal(told, table=TABLE, column=f"questions.{check_id}"),
        right_keys=_right_keys(questions, known, check_id, master=vault.master),
    )
    session.add(row)
    await session.flush()
    asked = [f"asked.{one.kind.value}" for one in questions]
    await record(session, actor, [_access(row, AccessKind.READ, "make", asked)])
    return check_id


async def _take_try(
    session: AsyncSession, person: Returnee, *, day: date, policy: IdentityCheckPolicy, actor: Actor
) -> None:
    """Raise IdentityCheckLocked if the tries of the day are used up; otherwise end the earlier checks of the person.

    All records of the person are locked, and then the caller. Whoever makes a check at the same time waits, so that no
    try is left out of the count.
    """
    records = {person.id, *await records_of(session, [person.id])}
    await lock_people(session, records)
    await (await raw(session)).execute(_OF_CALLER, f"{TABLE}|{actor.principal}")
    if await queries.tries_of_person(session, records, day=day) >= policy.tries_per_person:
        raise IdentityCheckLocked
    if await queries.tries_of_caller(session, actor.principal, day=day) >= policy.tries_per_caller:
        raise IdentityCheckLocked
    await _end_open(session, records)


def _chosen(
    known: dict[Kind, Candidates], person_id: UUID, check_id: UUID, *, policy: IdentityCheckPolicy, master: MasterKey
) -> list[Question]:
    def rank(whose: UUID) -> Rank:
        return lambda kind, option: master.blind("identity check", str(whose), kind, option)

    return choose(
        known,
        questions=policy.questions,
        options=policy.options,
        of_person=rank(person_id),
        of_check=rank(check_id),
    )


def _right_keys(
    questions: list[Question], known: dict[Kind, Candidates], check_id: UUID, *, master: MasterKey
) -> bytes:
    right = (one.options.index(known[one.kind].right) + 1 for one in questions)
    return b"".join(_position_key(check_id, place, number, master=master) for place, number in enumerate(right))


def _position_key(check_id: UUID, place: int, number: int, *, master: MasterKey) -> bytes:
    return master.blind("identity check answer", str(check_id), str(place), str(number))


async def _end_open(session: AsyncSession, returnee_ids: Collection[UUID]) -> None:
    """End the open checks of a person. They stay unproven, so they still count as tries."""
    mine = col(IdentityCheck.returnee_id).in_(returnee_ids), col(IdentityCheck.questions_sealed).is_not(None)
    await session.exec(update(IdentityCheck).where(*mine).values(questions_sealed=None, right_keys=None))


async def judge(
    session: AsyncSession, check_id: UUID, body: CheckAnswersBody, *, actor: Actor, pack: Pack, vault: Vault
) -> UUID:
    """Judge all answers at once, and only once."""
    row = await queries.check_of(session, check_id, actor=actor, lock=True)
    questions, _ = await queries.open_questions(row, vault=vault)
    at, policy = now(session), pack.reception.identity_checks
    if not questions or row.right_keys is None or at >= row.answer_by:
        raise IdentityCheckEnded
    faults = answer_faults(body.answers, [len(one.options) for one in questions])
    if faults:
        raise InvalidInput(errors=faults)
    wrong = _wrong(row.right_keys, body.answers, check_id, master=vault.master)
    row.questions_sealed = row.right_keys = None
    row.judged_at = at
    row.proven_until = at + policy.proof_lasts if wrong <= policy.wrong_allowed else None
    session.add(row)
    await session.flush()
    outcome = "not_proven" if row.proven_until is None else "proven"
    await record(session, actor, [_access(row, AccessKind.WRITE, "judge", [f"identity_check.{outcome}"])])
    return row.id


def _wrong(right_keys: bytes, answers: list[int], check_id: UUID, *, master: MasterKey) -> int:
    """How many answers are wrong. Every answer is compared, in the same time."""
    given = [_position_key(check_id, place, number, master=master) for place, number in enumerate(answers)]
    right = [right_keys[n : n + _HASH_BYTES] for n in range(0, len(right_keys), _HASH_BYTES)]
    return sum([not compare_digest(one, other) for one, other in zip(given, right, strict=True)])


async def show(session: AsyncSession, check_id: UUID, *, actor: Actor, pack: Pack, vault: Vault) -> IdentityCheckView:
    """A check with its questions, for the caller that has just made it."""
    return await queries.view(await queries.check_of(session, check_id, actor=actor), pack=pack, vault=vault)


async def use_for_correction(session: AsyncSession, check_id: UUID, *, returnee_id: UUID, actor: Actor) -> None:
    """Record that a correction follows from a proof; IdentityNotProven if the check proves nothing any more."""
    await queries.require_proven(session, check_id, returnee_id=returnee_id, actor=actor)
    used = Access(
        subject_id=returnee_id,
        kind=AccessKind.WRITE,
        action="identity_check.use",
        purpose=AccessPurpose.CORRECTION,
        fields=["proof.identity_check", f"identity_check.{check_id}"],
    )
    await record(session, actor, [used])


def _access(row: IdentityCheck, kind: AccessKind, verb: str, fields: list[str]) -> Access:
    return Access(
        subject_id=row.returnee_id,
        kind=kind,
        action=f"identity_check.{verb}",
        purpose=AccessPurpose.REQUEST_OF_PERSON,
        fields=[*fields, f"identity_check.{row.id}"],
    )
