"""Queries for a change of consents."""

from collections.abc import Collection, Iterable
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from services.referral.lifecycles.rules import ASKED_OR_WITH_PROVIDER, in_sql

_CONSENTS = """
SELECT returnee_id, consent_version, consents FROM journey WHERE returnee_id = ANY($1::uuid[])
"""

_OWNED_FOR_CONSENT = """
SELECT DISTINCT need.returnee_id FROM need
WHERE returnee_id = ANY($1::uuid[]) AND status = 'open' AND owner_reason = 'consent_withdrawn'
"""

_AFFECTED = f"""
SELECT DISTINCT referral.returnee_id FROM referral
WHERE category = ANY($2::text[]) AND status IN {in_sql(ASKED_OR_WITH_PROVIDER)}
  AND (returnee_id = ANY($1::uuid[]) OR household_id = ANY(ARRAY(
      SELECT household_id FROM journey WHERE returnee_id = ANY($1) AND household_id IS NOT NULL)))
"""  # noqa: S608 (constants)


async def consents(session: AsyncSession, returnee_ids: Iterable[UUID]) -> dict[UUID, tuple[int, dict[str, str]]]:
    """The version and the content of the stored consents of these returnees."""
    rows = await (await raw(session)).fetch(_CONSENTS, list(returnee_ids))
    return {row["returnee_id"]: (row["consent_version"], row["consents"]) for row in rows}


async def owned_for_consent(session: AsyncSession, returnee_ids: Collection[UUID]) -> set[UUID]:
    """The returnees among these with an open need that a desk owns because a consent was withdrawn."""
    rows = await (await raw(session)).fetch(_OWNED_FOR_CONSENT, list(returnee_ids))
    return {row["returnee_id"] for row in rows}


async def served_by_consent(
    session: AsyncSession, returnee_ids: Collection[UUID], *, categories: Collection[str]
) -> set[UUID]:
    """Of these returnees and their households, those with a referral in these categories that is offered or
    accepted."""
    rows = await (await raw(session)).fetch(_AFFECTED, list(returnee_ids), list(categories))
    return {row["returnee_id"] for row in rows}
