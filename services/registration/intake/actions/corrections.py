"""Creates households and corrects stored data, with the consequences for consents."""

from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import now
from libs.chassis.etag import Condition
from libs.chassis.logs import get_logger
from libs.consents.policy import Opened
from libs.events.catalogue.arrivals import AgeTold
from libs.events.codes import DeletionReason, NeedCategory, Urgency
from libs.events.people_codes import AgeGroup
from services.registration.audit.rules import Actor
from services.registration.consent.actions.consents import (
    ask_for_what_is_lost,
    tell_again,
    tell_that_nothing_is_granted,
)
from services.registration.consent.queries import never_heard, opened
from services.registration.excluded_people.queries import kept_apart
from services.registration.households.actions import households
from services.registration.households.queries import members_of
from services.registration.households.schemas import HouseholdBody, HouseholdCorrection, HouseholdDecision
from services.registration.needs.actions.own import report_own
from services.registration.needs.rules import own_needs
from services.registration.pack import Pack
from services.registration.people.actions import correcting
from services.registration.people.actions.correcting import Standing, Turn
from services.registration.people.schemas import ReturneeCorrection
from services.registration.people.tables import Returnee
from services.registration.vault.sealing import Vault

log = get_logger(__name__)
_REFERRAL = Actor(who="urn:enlace:referral", client_id="referral")


async def create_household(session: AsyncSession, body: HouseholdBody, *, actor: Actor, vault: Vault) -> UUID:
    """Create a household of people who were registered separately. Publish the consent of those for whom it was never
    published."""
    household_id = await households.create_household(session, body, actor=actor, vault=vault)
    await _tell_of_the_silent(session, household_id)
    return household_id


async def correct_household(
    session: AsyncSession,
    household_id: UUID,
    correction: HouseholdCorrection,
    *,
    condition: Condition,
    actor: Actor,
    vault: Vault,
    pack: Pack,
) -> None:
    """Change a household. Publish the consent of members for whom it was never published. A child who leaves it and is
    alone now gets protection."""
    before = await members_of(session, household_id)
    await households.correct_household(session, household_id, correction, condition=condition, actor=actor, vault=vault)
    await _tell_of_the_silent(session, household_id)
    for member in before:
        await session.refresh(member)
        await _protect_if_alone(session, member, actor=actor, vault=vault, pack=pack)


async def _protect_if_alone(session: AsyncSession, member: Returnee, *, actor: Actor, vault: Vault, pack: Pack) -> None:
    """Report the need of a child who is in no household any more."""
    category = pack.reception.own_needs.child_alone
    if category is not None and member.household_id is None and correcting.standing(member).child_alone:
        urgency, restricted = Urgency.EMERGENCY, pack.routing.restricted
        await report_own(session, member, category, urgency, restricted=restricted, actor=actor, vault=vault)


async def leave_excluded(session: AsyncSession, person: Returnee, *, actor: Actor, vault: Vault, pack: Pack) -> None:
    """Take a person, whose row is locked, out of a household to which somebody belongs from whom they must be kept
    apart. Children who are alone then get protection."""
    if person.household_id is None:
        return
    members = await members_of(session, person.household_id)
    apart = (await kept_apart(session, [person.id])).get(person.id, set())
    if apart.isdisjoint(member.id for member in members):
        return
    await households.separate(session, person, by=actor.who)
    await _protect_if_alone(session, person, actor=actor, vault=vault, pack=pack)


async def decide_claim(
    session: AsyncSession, claim_id: UUID, body: HouseholdDecision, *, actor: Actor, vault: Vault
) -> None:
    """Decide whether somebody belongs to a household. Publish the consent of members for whom it was never
    published."""
    await _tell_of_the_silent(session, await households.decide_claim(session, claim_id, body, actor=actor, vault=vault))


async def _tell_of_the_silent(session: AsyncSession, household_id: UUID) -> None:
    """Publish the consent of members for whom it was never published, because the needs of a household wait until the
    consent of every member is known, also of those who allow nothing."""
    members = await members_of(session, household_id)
    unheard = await never_heard(session, [member.id for member in members])
    silent = {member.id: member.traceparent for member in members if member.id in unheard}
    await tell_that_nothing_is_granted(session, silent)


async def correct_returnee(
    session: AsyncSession,
    returnee_id: UUID,
    correction: ReturneeCorrection,
    *,
    condition: Condition,
    actor: Actor,
    vault: Vault,
    pack: Pack,
) -> None:
    """Correct the data of a person. If the age changes, other consents may be valid; then this is published too."""
    before = await opened(session, returnee_id, pack.consents)
    turn = await correcting.correct_returnee(
        session, returnee_id, correction, condition=condition, actor=actor, vault=vault, pack=pack
    )
    await _follow(session, turn, before=before, actor=actor, vault=vault, pack=pack)


async def take_age_decision(
    session: AsyncSession, returnee_id: UUID, decided: AgeTold, *, at: datetime, vault: Vault, pack: Pack
) -> None:
    """Take over what a desk at referral decided about the age of a person. A decision about an erased person, and one
    that is older than the stored one, has no effect."""
    before = await opened(session, returnee_id, pack.consents)
    today = pack.reception.day_of(now(session))
    turn = await correcting.decide_age(session, returnee_id, decided, at=at, actor=_REFERRAL, vault=vault, today=today)
    if turn is None:
        log.info("age_decision.without_effect")
        return
    await _follow(session, turn, before=before, actor=_REFERRAL, vault=vault, pack=pack)


async def _follow(session: AsyncSession, turn: Turn, *, before: Opened, actor: Actor, vault: Vault, pack: Pack) -> None:
    """Do what follows from a change: consents are judged again, and a need that the person has now is reported."""
    await _judge_consents(session, turn, before=before, actor=actor, pack=pack)
    earlier, after = _own_needs(turn.before, pack), _own_needs(correcting.standing(turn.row), pack)
    for category, urgency in after.items():
        if category not in earlier:
            restricted = pack.routing.restricted
            await report_own(session, turn.row, category, urgency, restricted=restricted, actor=actor, vault=vault)


def _own_needs(standing: Standing, pack: Pack) -> dict[NeedCategory, Urgency]:
    categories = pack.reception.own_needs
    return own_needs(categories, child_alone=standing.child_alone, perhaps_unlawful=standing.perhaps_unlawful)


async def _judge_consents(session: AsyncSession, turn: Turn, *, before: Opened, actor: Actor, pack: Pack) -> None:
    """A consent that a child has given does not count. So other consents are valid when a person turns out to be a
    child, or not to be one; then this is published. `before`: the categories whose packets were allowed before."""
    row, child = turn.row, AgeGroup.CHILD
    if (turn.before.group is child) == (row.age_group == child):
        return
    await tell_again(session, row.id, traceparent=row.traceparent)
    await ask_for_what_is_lost(session, row, before, reason=DeletionReason.CONSENT_INVALID, pack=pack, actor=actor)
