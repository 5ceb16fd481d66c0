"""Exports as tests ask for them, approve them and read their files."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from tests.service.registration.conftest import a_consent
from tests.service.registration.matching import identity

PATH = "/v1/exports"
PLACE = "GT1217"
ASKER = {
    "scopes": "exports:write exports:read returnees:read restricted:read access-log:read", "client_id": "intake-desk",
    "reception_places": ["GT"],
}  # fmt: skip
OFFICER = {
    "scopes": "exports:read exports:approve restricted:read", "client_id": "officer", "reception_places": ["GT"],
}  # fmt: skip
REASON = "Muestra Palabra: visits after half a year (sample)"
FIELDS = ["case_code", "given_names", "family_names", "document_number", "arrived_on"]


def month_before(count):
    """The first and the last day of a whole month that is over."""
    first = datetime.now(UTC).date().replace(day=1)
    for _ in range(count):
        last = first - timedelta(days=1)
        first = last.replace(day=1)
    return first, last


def in_month(first):
    return datetime(first.year, first.month, 15, 18, tzinfo=UTC).isoformat()


def statistics(**changes):
    return a_consent(**({"purpose": "statistics", "recipient_class": "statistics_office"} | changes))


def follow_up(**changes):
    return a_consent(**({"purpose": "follow_up", "recipient_class": "providers"} | changes))


async def people(registration, count, *, first, consents=None, **changes):
    told = {
        "reception_place": PLACE, "arrived_at": in_month(first),
        "consents": [statistics()] if consents is None else consents, "needs": [{"category": "food"}],
    }  # fmt: skip
    return [await registration.register(**(told | {"identity": identity()} | changes)) for _ in range(count)]


def counted(first, last, **changes):
    period = {"arrived_from": first.isoformat(), "arrived_until": last.isoformat(), "reception_places": [PLACE]}
    return {"kind": "deidentified", "purpose": "statistics"} | period | changes


async def named(registration, **changes):
    """The body of an identified export of today, for an organisation that the directory knows."""
    to = uuid4()
    await registration.provider(to)
    today = datetime.now(UTC).date()
    period = {"arrived_from": (today - timedelta(days=1)).isoformat(), "reception_places": [PLACE]}
    recipient = {"organization_id": str(to), "recipient_class": "providers"}
    told = {"kind": "identified", "purpose": "follow_up", "reason": REASON, "fields": FIELDS, "recipient": recipient}
    until = registration.pack.reception.day_of(datetime.now(UTC)).isoformat()
    return {**told, **period, "arrived_until": until} | changes


async def asked(registration, body, **claims):
    answer = await registration.post(PATH, body, **(ASKER | claims))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def decided(registration, export, verb="approve", *, version=1, **claims):
    headers = registration.headers(**(OFFICER | claims)) | {"If-Match": f'"{version}"'}
    return await registration.client.post(f"{PATH}/{export['id']}/{verb}", headers=headers)


async def approved(registration, body):
    export = await asked(registration, body)
    answer = await decided(registration, export)
    assert answer.status_code == 200, answer.text
    return export


def file_of(registration, export, **claims):
    return registration.get(f"{PATH}/{export['id']}/file", **(ASKER | claims))


def rows_in(answer):
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def a_person_of_today(registration, **changes):
    told = {
        "reception_place": PLACE, "consents": [follow_up()],
        "identity": identity(document_number="2987654320101"),
    }  # fmt: skip
    return registration.register(**(told | changes))
