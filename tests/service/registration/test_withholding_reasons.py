"""Why a person withholds something is recorded only if they say it, sealed, and shown as long as they withhold it."""

from typing import Any

import pytest

from tests.service.registration.conftest import Registration, a_consent
from tests.service.registration.test_excluded_people import WORDS, reported

REFUSED = {"about": "purpose", "value": "research", "reason": "will_tell_themselves"}


async def put(registration: Registration, person: dict[str, Any], body: Any) -> Any:
    path = f"/v1/returnees/{person['id']}/withholding-reasons"
    return await registration.client.put(path, json=body, headers=registration.headers())


async def test_a_reason_is_recorded_for_what_is_withheld_and_only_as_long_as_it_is(registration):
    person = await registration.register()
    changed = await registration.patch(
        f"/v1/returnees/{person['id']}", {"profile": {"avoid_countries": ["US"]}}, etag='"1"'
    )
    assert changed.status_code == 200, changed.text
    country = {"about": "country", "value": "US", "reason": "other", "reason_words": WORDS}
    for body in (country, REFUSED):
        assert (await put(registration, person, body)).status_code == 200
    path = f"/v1/returnees/{person['id']}/withholding-reasons"
    shown = (await registration.get(path)).json()
    assert [(one["value"], one["reason"], one["reason_words"]) for one in shown] == [
        ("US", "other", WORDS),
        ("research", "will_tell_themselves", None),
    ]
    report = (await reported(registration, person)).json()
    assert report["records"][0]["withholding_reasons"] == shown
    for row in await registration.fetch("SELECT told_sealed FROM withholding_reason"):
        assert b"will_tell" not in row["told_sealed"]
        assert WORDS.encode() not in row["told_sealed"]
    consent = a_consent(purpose="research", recipient_class="statistics_office")
    given = await registration.post(f"/v1/returnees/{person['id']}/consents", consent)
    assert given.status_code == 201, given.text
    assert [one["value"] for one in (await registration.get(path)).json()] == ["US"], "research is allowed now"
    removed = await put(registration, person, country | {"reason": None, "reason_words": None})
    assert (removed.status_code, removed.json()) == (200, [])


@pytest.mark.parametrize(
    ("body", "pointer", "rule"),
    [
        (REFUSED | {"about": "country", "value": "MX"}, "/value", "withheld"),
        (REFUSED | {"value": "no_purpose"}, "/value", "withheld"),
        (REFUSED | {"reason": "not_said"}, "/reason", "known-reason"),
        (REFUSED | {"reason_words": WORDS}, "/reason_words", "only-with-other"),
        (REFUSED | {"value": 7}, "/value", ""),
    ],
    ids=["not-withheld", "no-purpose", "reason", "words", "number"],
)
async def test_a_reason_that_cannot_be_is_refused_and_nothing_is_stored(registration, body, pointer, rule):
    person = await registration.register()
    answer = await put(registration, person, body)
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert rule in ("", error["rule"])
    assert (await registration.get(f"/v1/returnees/{person['id']}/withholding-reasons")).json() == []


async def test_a_reason_for_what_is_allowed_is_refused(registration):
    person = await registration.register(consents=[a_consent()])
    answer = await put(registration, person, REFUSED | {"value": a_consent()["purpose"]})
    assert (answer.status_code, answer.json()["errors"][0]["rule"]) == (422, "withheld")
