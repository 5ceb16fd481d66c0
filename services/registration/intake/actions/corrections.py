"""Creates households and corrects stored data, with the consequences for consents."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.etag import Condition
from libs.events.catalogue.registration import DeletionReason
from services.registration.audit.rules import Actor
from services.registration.consent.actions.consents import tell_again, tell_that_nothing_is_granted
from services.registration.consent.queries import never_heard, opened_categories
from services.registration.consent.rules import CHILDREN
from services.registration.households import actions as households
from services.registration.households.queries import members_of
from services.registration.households.rules import ClaimDecision
from services.registration.households.schemas import HouseholdBody, HouseholdCorrection
from services.registration.pack import Pack
from services.registration.people.actions.people import correct_returnee as correct_record
from services.registration.people.queries import returnee
from services.registration.people.schemas import ReturneeCorrection
from services.registration.sharing.actions import Withdrawn, ask_for_deletion
from services.registration.vault.sealing import Vault


async def create_household(session: AsyncSession, body: HouseholdBody, *, actor: Actor) -> UUID:
    """Create a household of people who were registered separately. Publish the consent of those for whom it was never
    published."""
    household_id = await households.create_household(session, body, actor=actor)
    await _tell_of_the_silent(session, household_id)
    return household_id


async def correct_household(
    session: AsyncSession,
    household_id: UUID,
    correction: HouseholdCorrection,
    *,
    condition: Condition,
    actor: Actor,
) -> None:
    """Change a household. Publish the consent of members for whom it was never published."""
    await households.correct_household(session, household_id, correction, condition=condition, actor=actor)
    await _tell_of_the_silent(session, household_id)


async def decide_claim(session: AsyncSession, claim_id: UUID, decision: ClaimDecision, *, actor: Actor) -> None:
    """Decide whether somebody belongs to a household. Publish the consent of members for whom it was never
    published."""
    await _tell_of_the_silent(session, await households.decide_claim(session, claim_id, decision, actor=actor))


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
    opened = await opened_categories(session, returnee_id, pack.consents)
    before = await correct_record(
        session, returnee_id, correction, condition=condition, actor=actor, vault=vault, pack=pack
    )
    if before is not None:
        row = await returnee(session, returnee_id, actor=actor)
        if (before in CHILDREN) != (row.age_band in CHILDREN):
            await tell_again(session, returnee_id, traceparent=row.traceparent)
            withdrawn = Withdrawn(
                returnee_id,
                row.case_code,
                DeletionReason.CONSENT_INVALID,
                categories=opened - await opened_categories(session, returnee_id, pack.consents),
                traceparent=row.traceparent,
            )
            await ask_for_deletion(session, withdrawn, pack=pack, actor=actor)
