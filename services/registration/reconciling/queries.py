"""The data of registration whose keys referral also knows."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.chassis.knowing import Known
from libs.events.catalogue.kept_apart import PeopleKeptApartEnded
from services.registration.needs.restricted import every_one
from services.registration.needs.rules import NeedStatus
from services.registration.vault.queries import erased_subjects
from services.registration.vault.rules import SubjectKind
from services.registration.vault.sealing import Vault

# Of a pair of people who must be kept apart only the id of the exclusion: neither who they are nor who said it. That an
# exclusion has ended is known from the event, because its row is deleted.
_KNOWN = f"""
SELECT 'returnee' AS kind, id, version, CASE WHEN erased_at IS NULL THEN 'known' ELSE 'erased' END AS state, id AS of
FROM returnee
UNION ALL
SELECT 'consent', returnee_id, consent_state.version, '', returnee_id
FROM consent_state JOIN returnee ON returnee.id = returnee_id WHERE erased_at IS NULL
UNION ALL
SELECT 'household', household.id, household.version, '', household.reference_returnee_id FROM household
WHERE EXISTS (SELECT FROM returnee WHERE household_id = household.id)
UNION ALL
SELECT 'need', need.id, 0, CASE WHEN need.status = 'reported' THEN 'open' ELSE need.status END, returnee_id
FROM need JOIN returnee ON returnee.id = returnee_id WHERE erased_at IS NULL
UNION ALL
SELECT 'packet', offer_id, 0, '', returnee_id FROM packet_access
UNION ALL
SELECT 'pair', told.id, 0, 'known', NULL FROM excluded_person AS told
WHERE other_returnee_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM returnee WHERE id IN (told.returnee_id, told.other_returnee_id) AND erased_at IS NOT NULL
)
UNION ALL
SELECT DISTINCT 'pair', key::uuid, 0, 'ended', NULL::uuid FROM (
    SELECT key, topic, type FROM outbox UNION ALL SELECT key, topic, type FROM outbox_sent
) AS published
WHERE topic = '{PeopleKeptApartEnded.topic}' AND type = '{PeopleKeptApartEnded.type}'
  AND NOT EXISTS (SELECT FROM excluded_person WHERE id::text = key)
"""  # noqa: S608 (constants)


async def known(session: AsyncSession, *, vault: Vault) -> list[Known]:
    """All returnees, consents, households, needs, packets and pairs of people who must be kept apart, as ids, versions
    and states."""
    rows = await (await raw(session)).fetch(_KNOWN)
    ordinary = [Known(**dict(row)) for row in rows]
    return sorted([*ordinary, *await _restricted(session, vault)], key=lambda one: (one.kind, one.id))


async def _restricted(session: AsyncSession, vault: Vault) -> list[Known]:
    """The restricted needs. As in referral's list, nothing distinguishes them from other needs."""
    return [
        Known(
            kind="need",
            id=one.id,
            version=0,
            state="open" if one.status is NeedStatus.REPORTED else one.status.value,
            of=one.returnee_id,
        )
        for one in await every_one(session, vault=vault)
    ]


async def erased(session: AsyncSession, vault: Vault) -> frozenset[UUID]:
    """Everybody on either list of erased people."""
    rows = await (await raw(session)).fetch("SELECT returnee_id FROM erasure")
    return frozenset({row["returnee_id"] for row in rows} | set(await erased_subjects(vault, kind=SubjectKind.PERSON)))
