"""Locks journeys and loads their contents."""

from collections.abc import Collection, Mapping
from dataclasses import fields
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.database import raw
from libs.events.codes import OwnerReason, Urgency
from libs.events.detail_values import from_stored
from services.referral.journeys.facts import Household, Journey, Need, Offer, Referral
from services.referral.lifecycles.rules import NeedStatus, OfferStatus, ReferralStatus

SETS: Final = ("approved_for", "overruled", "halted_for")
"""The columns of a referral that contain a set."""
_ENUMS: dict[str, type[StrEnum]] = {"urgency": Urgency, "owner_reason": OwnerReason}


def _columns(kind: type[Any]) -> str:
    return ", ".join(field.name for field in fields(kind))


_WAITS = """
SELECT need_id, after_need_id AS waits_on FROM need
WHERE returnee_id = ANY($1::uuid[]) AND after_need_id IS NOT NULL
UNION ALL
SELECT need_id, blocked_by FROM referral
WHERE returnee_id = ANY($1::uuid[]) AND status = 'blocked' AND blocked_by IS NOT NULL
"""

_JOURNEY = (
    "returnee_id, case_code, profile, profile_version, consent_version, consents, household_id,"
    " arrival_batch_id, erased_at, merged_into, journey_ended_at, journey_end_reason, traceparent"
)
_NEEDS = f"SELECT {_columns(Need)} FROM need WHERE returnee_id = ANY($1::uuid[])"  # noqa: S608
_REFERRALS = f"SELECT {_columns(Referral)} FROM referral WHERE returnee_id = ANY($1::uuid[])"  # noqa: S608
_OFFERS = f"SELECT {_columns(Offer)} FROM offer WHERE returnee_id = ANY($1::uuid[])"  # noqa: S608


COMPLETE_HOUSEHOLD: Final = """
cardinality(household.member_ids) >= household.expected_size AND NOT EXISTS (
    SELECT 1 FROM unnest(household.member_ids) AS wanted(returnee_id)
    LEFT JOIN journey AS member ON member.returnee_id = wanted.returnee_id
    WHERE coalesce(member.profile_version, 0) = 0 OR member.consent_version = 0)
"""
"""Condition on a row of `household`: it has all the members that registration expects, each member has a profile, and
registration has reported the consent of each member. Until then the needs of the household are not routed."""


async def lock(session: AsyncSession, returnee_ids: Collection[UUID]) -> Collection[UUID]:
    """Lock these journeys in the order of their ids and return all ids. Waits while another transaction holds one."""
    await (await raw(session)).execute(
        "SELECT 1 FROM journey WHERE returnee_id = ANY($1::uuid[]) ORDER BY returnee_id FOR UPDATE",
        sorted(returnee_ids),
    )
    return returnee_ids


async def claim(session: AsyncSession, returnee_ids: Collection[UUID]) -> set[UUID]:
    """Lock those journeys that no other transaction holds, and return their ids."""
    rows = await (await raw(session)).fetch(
        "SELECT returnee_id FROM journey WHERE returnee_id = ANY($1::uuid[])"
        " ORDER BY returnee_id FOR UPDATE SKIP LOCKED",
        sorted(returnee_ids),
    )
    return {row["returnee_id"] for row in rows}


async def load(session: AsyncSession, returnee_ids: Collection[UUID]) -> dict[UUID, Journey]:
    """The full contents of these journeys. They must be locked, otherwise the contents may be outdated when used."""
    connection, ids = await raw(session), sorted(returnee_ids)
    journeys = await heads(session, ids)
    for row in await connection.fetch(_NEEDS, ids):
        journeys[row["returnee_id"]].needs[row["need_id"]] = need_of(row)
    for row in await connection.fetch(_REFERRALS, ids):
        journeys[row["returnee_id"]].referrals[row["referral_id"]] = referral_of(row)
    for row in await connection.fetch(_OFFERS, ids):
        journeys[row["returnee_id"]].offers[row["offer_id"]] = offer_of(row)
    return journeys


async def heads(session: AsyncSession, returnee_ids: Collection[UUID]) -> dict[UUID, Journey]:
    """These journeys without their needs, referrals and offers."""
    statement = f"SELECT {_JOURNEY} FROM journey WHERE returnee_id = ANY($1::uuid[])"  # noqa: S608 (a constant)
    rows = await (await raw(session)).fetch(statement, list(returnee_ids))
    return {row["returnee_id"]: journey_of(row) for row in rows}


async def households(session: AsyncSession, household_ids: Collection[UUID]) -> dict[UUID, Household]:
    """These households, by id."""
    if not household_ids:
        return {}
    rows = await (await raw(session)).fetch(
        "SELECT household_id, version, member_ids, expected_size, stay_together FROM household"
        " WHERE household_id = ANY($1::uuid[])",
        list(household_ids),
    )
    return {row["household_id"]: Household(**{**row, "member_ids": tuple(row["member_ids"])}) for row in rows}


async def waits_of(session: AsyncSession, returnee_ids: Collection[UUID]) -> dict[UUID, set[UUID]]:
    """For each need of these returnees: the needs that it waits for, set by people or found by the router."""
    waits: dict[UUID, set[UUID]] = {}
    for row in await (await raw(session)).fetch(_WAITS, list(returnee_ids)):
        waits.setdefault(row["need_id"], set()).add(row["waits_on"])
    return waits


def journey_of(row: Mapping[str, Any]) -> Journey:
    """A journey from its row."""
    return Journey(**row)


def need_of(row: Mapping[str, Any]) -> Need:
    """A need from its row."""
    values = _decoded(row, NeedStatus)
    return Need(**{**values, "detail_values": from_stored(values["detail_values"])})


def referral_of(row: Mapping[str, Any]) -> Referral:
    """A referral from its row."""
    values = _decoded(row, ReferralStatus)
    return Referral(**{**values, **{name: frozenset(values[name]) for name in SETS}})


def offer_of(row: Mapping[str, Any]) -> Offer:
    """An offer from its row."""
    values = _decoded(row, OfferStatus)
    return Offer(**{**values, "detail_values": from_stored(values["detail_values"])})


def _decoded(row: Mapping[str, Any], status: type[StrEnum]) -> dict[str, Any]:
    values = dict(row)
    values["status"] = status(values["status"])
    for name, enum in _ENUMS.items():
        if values.get(name) is not None:
            values[name] = enum(values[name])
    return values
