"""Says whether a question was answered, and counts questions that are asked again."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import own_work, raw
from libs.chassis.errors import FieldError, InvalidInput
from libs.instruments.model import Question
from services.registration.answers.queries import answer_set, keys_of, opened, stored
from services.registration.answers.tables import AnswerSet
from services.registration.audit.actions import record
from services.registration.audit.rules import RESTRICTED, Access, AccessKind, AccessPurpose, Actor
from services.registration.pack import Pack
from services.registration.packets.actions.opening import person_behind
from services.registration.packets.queries import packet_access
from services.registration.packets.tables import PacketAccess
from services.registration.people.queries import returnee
from services.registration.people.tables import Returnee
from services.registration.told.rules import NETWORK, may_learn
from services.registration.told.schemas import QuestionBody, ToldView
from services.registration.vault.sealing import Vault

_COUNT: Final = """
    INSERT INTO asked_again (organization_id, instrument, question, times) VALUES ($1, $2, $3, 1)
    ON CONFLICT (organization_id, instrument, question) DO UPDATE SET times = asked_again.times + 1
"""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who wants to ask, and by which right."""

    actor: Actor
    access: PacketAccess | None = None
    """The accepted offer; None: somebody who sees the person."""

    @property
    def recipient(self) -> frozenset[str] | None:
        """What the accepted offer is about."""
        return None if self.access is None else frozenset({self.access.category, self.access.service_type})


async def check_by_sight(
    session: AsyncSession, returnee_id: UUID, body: QuestionBody, *, actor: Actor, vault: Vault, pack: Pack
) -> ToldView | None:
    """For somebody who sees the person: the answer; None if they must not ask and may not learn it."""
    person = await returnee(session, returnee_id, actor=actor)
    return await _checked(session, person, body, Asker(actor), vault=vault, pack=pack)


async def check_by_offer(
    session: AsyncSession, offer_id: UUID, body: QuestionBody, *, actor: Actor, vault: Vault, pack: Pack
) -> ToldView | None:
    """The same for an organisation that has accepted an offer, under the conditions of its packet."""
    access = await packet_access(session, offer_id, actor=actor)
    async with own_work(session):  # the organisation does not see the row of the person
        person = await person_behind(session, access, pack=pack)
        return await _checked(session, person, body, Asker(actor, access), vault=vault, pack=pack)


async def _checked(
    session: AsyncSession, person: Returnee, body: QuestionBody, asker: Asker, *, vault: Vault, pack: Pack
) -> ToldView | None:
    row = await answer_set(session, person.id, body.instrument)
    question = _question(pack, body, row)
    sees_private = not asker.actor.hidden_categories(person.organization_id)
    learns = may_learn(question, asker.recipient, sees_private=sees_private)
    known = None if row is None else (await stored(session, row.id)).get(body.question)
    await record(session, asker.actor, [_access(person.id, body, asker)])
    if row is None or known is None:
        # An organisation never asks for soft indicators, so it does not learn either that nobody has asked.
        return None if question.restricted and asker.access is not None else _view(body)
    counted = asker.actor.organization_id or NETWORK, body.instrument, body.question
    await (await raw(session)).execute(_COUNT, *counted)
    if not learns:
        return None
    instrument = pack.instruments.find(row.instrument, row.instrument_version)
    assert instrument is not None, "the check of the pack keeps published versions"
    keys = await keys_of(session, person.id, instrument, vault=vault)
    values = opened({body.question: known}, keys, instrument, set_id=row.id, only={body.question})
    told = {"value": values[body.question], "answered_at": known.answered_at}
    return _view(body).model_copy(update={"answered": True, "instrument_version": instrument.version, **told})


def _question(pack: Pack, body: QuestionBody, row: AnswerSet | None) -> Question:
    """The question in the version that the person has begun, or in the current one. InvalidInput if there is none."""
    begun = None if row is None else pack.instruments.find(body.instrument, row.instrument_version)
    for instrument in (begun, pack.instruments.find(body.instrument)):
        if instrument is not None and body.question in instrument.by_id:
            return instrument.by_id[body.question]
    fault = FieldError("/question", "unknown-question", "No current instrument has this question")
    raise InvalidInput(errors=[fault])


def _view(body: QuestionBody) -> ToldView:
    return ToldView(
        instrument=body.instrument,
        question=body.question,
        answered=False,
        instrument_version=None,
        value=None,
        answered_at=None,
    )


def _access(returnee_id: UUID, body: QuestionBody, asker: Asker) -> Access:
    access = asker.access
    hidden = access is not None and access.category in asker.actor.sight.restricted_categories
    return Access(
        subject_id=returnee_id,
        kind=AccessKind.READ,
        action=f"{RESTRICTED}answer.check" if hidden else "answer.check",
        purpose=AccessPurpose.REGISTRATION if access is None else AccessPurpose.REFERRAL,
        fields=[f"{body.instrument}.{body.question}"],
        referral_id=None if access is None else access.referral_id,
        offer_id=None if access is None else access.offer_id,
    )
