"""The calls that the pages make to read."""

from __future__ import annotations

import asyncio
from typing import Final

from services.console.answers import Json, Part
from services.console.calls import Service, part
from services.console.choices import coded
from services.console.people import Person
from services.console.stays import rules
from services.console.taxonomy import names_of, taxonomy_of

_SHOWN: Final = 50


async def running(person: Person, *, after: str | None) -> Json:
    """The present stays, the earliest end first."""
    page, taxonomy = await asyncio.gather(
        part(person.calls.get(Service.REFERRAL, "/v1/stays", limit=_SHOWN, after=after)), taxonomy_of(person)
    )
    if page.value is None:
        return {"stays": page, "after": None}
    stays = page.value.body["items"]
    names = await names_of(person, stays)
    rows = [
        {
            **one,
            "category_name": taxonomy.category(one["category"]),
            "service": names.service(one["provider_service_id"]),
            "pressing": rules.is_pressing(one, seconds_left=person.moments.seconds_left(one["leaves_at"])),
        }
        for one in stays
    ]
    return {"stays": Part(value=rows), "after": page.value.body["next"]}


async def one(person: Person, referral_id: str) -> Json:
    """One stay with its exit plan and the version that a change must name. Raises Refused with 404."""
    answer, taxonomy = await asyncio.gather(
        person.calls.get(Service.REFERRAL, f"/v1/referrals/{referral_id}/stay"), taxonomy_of(person)
    )
    stay = answer.body
    return {
        "stay": {**stay, "category_name": taxonomy.category(stay["category"])},
        "etag": answer.etag,
        "items": rules.ITEMS,
        "item_statuses": coded(person.words, "item_status"),
        "next_steps": coded(person.words, "next_step"),
        "may_plan": person.may("referrals:write") and (stay["ended_at"] is None or person.rights.staff),
        "may_extend": person.may("referrals:write") and person.rights.staff and stay["ended_at"] is None,
    }
