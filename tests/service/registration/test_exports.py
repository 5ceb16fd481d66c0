"""Files of people: de-identified by default, identified only after a second person (domain P21, P8, P7, P19, P22)."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID, uuid4

import pytest

from services.registration.exports.actions.ending import forget_reasons
from services.registration.exports.rules import DOWNLOADS_MAX, EXPORTS_PER_DAY_MAX
from tests.service.registration.conftest import a_consent
from tests.service.registration.exporting import (
    ASKER,
    FIELDS,
    OFFICER,
    PATH,
    PLACE,
    REASON,
    a_person_of_today,
    approved,
    asked,
    counted,
    decided,
    file_of,
    follow_up,
    in_month,
    month_before,
    named,
    people,
    rows_in,
)


async def test_a_deidentified_file_says_nothing_about_one_person(registration):
    first, last = month_before(2)
    found = await people(registration, 5, first=first)
    (rare,) = await people(registration, 1, first=first, needs=[{"category": "health"}, {"category": "gbv"}])
    export = await asked(registration, counted(first, last))
    assert export["state"] == "open"
    answer = await file_of(registration, export)
    rows = rows_in(answer)
    assert len(rows) == 5
    assert {(row["month"], row["area"], row["needs"]) for row in rows} == {(f"{first:%Y-%m}", "GT12", "food")}
    assert len({row["row"] for row in rows}) == 5
    for person in [*found, rare]:
        stored = (await registration.get(f"/v1/returnees/{person['id']}")).json()
        names = stored["identity"]["given_names"], stored["identity"]["family_names"]
        for word in (person["id"], person["case_code"], *names, PLACE, in_month(first)[:10], "gbv", "health"):
            assert word not in answer.text, word
    whole = (await registration.get(f"{PATH}/{export['id']}", **ASKER)).json()
    (told,) = whole["downloaded"]
    assert (told["people_count"], told["left_out"], told["who"]) == (5, 5, "intake-desk")
    again = rows_in(await file_of(registration, export))
    assert not {row["row"] for row in rows} & {row["row"] for row in again}, "no number leads from file to file"


async def test_only_people_who_allow_statistics_are_counted_and_a_withdrawal_counts_at_once(registration):
    first, last = month_before(3)
    found = await people(registration, 6, first=first)
    await people(registration, 6, first=first, consents=[], needs=[{"category": "legal"}])
    export = await asked(registration, counted(first, last))
    rows = rows_in(await file_of(registration, export))
    assert [row["needs"] for row in rows] == ["food"] * 6
    path = f"/v1/returnees/{found[0]['id']}/consents"
    (consent,) = (await registration.get(path)).json()
    assert (await registration.post(f"{path}/{consent['id']}/withdraw")).status_code == 200
    assert len(rows_in(await file_of(registration, export))) == 5


async def test_fewer_people_than_the_pack_allows_are_no_row(registration):
    first, last = month_before(4)
    await people(registration, 4, first=first)
    export = await asked(registration, counted(first, last))
    assert rows_in(await file_of(registration, export)) == []
    (told,) = (await registration.get(f"{PATH}/{export['id']}", **ASKER)).json()["downloaded"]
    assert (told["people_count"], told["left_out"]) == (0, 5)


async def test_without_the_approval_of_a_second_person_there_is_no_identified_file(registration):
    person = await a_person_of_today(registration)
    export = await asked(registration, await named(registration))
    waiting = await file_of(registration, export)
    assert (waiting.status_code, waiting.json()["code"], waiting.json()["state"]) == (
        403, "export-not-approved", "waiting",
    )  # fmt: skip
    listed = await registration.get(f"{PATH}?waiting=true&limit=200", **OFFICER)
    assert export["id"] in listed.text
    whole = await registration.get(f"{PATH}/{export['id']}", **OFFICER)
    assert (whole.json()["reason"], whole.headers["Cache-Control"]) == (REASON, "no-store")
    answer = await decided(registration, export)
    assert (answer.status_code, answer.json()["state"]) == (200, "open")
    file = await file_of(registration, export)
    (row,) = [row for row in rows_in(file) if row["case_code"] == person["case_code"]]
    until = registration.pack.reception.day_of(datetime.fromisoformat(answer.json()["ends_at"])).isoformat()
    assert (row["export"], row["for"], row["purpose"], row["delete_by"]) == (
        export["id"], export["recipient_organization_id"], "follow_up", until,
    )  # fmt: skip
    assert row["document_number"] == "2987654320101"
    assert set(row) == {"export", "for", "purpose", "delete_by", *FIELDS}
    assert file.headers["Cache-Control"] == "no-store"
    assert f"{export['id']}-until-{until}" in file.headers["Content-Disposition"]
    twice = await decided(registration, export, "reject", version=2)
    assert (twice.status_code, twice.json()["code"]) == (409, "export-decided")


async def test_nobody_approves_what_they_asked_for(registration):
    both = {"scopes": f"{ASKER['scopes']} exports:approve"}
    export = await asked(registration, await named(registration), **both)
    own = await decided(registration, export, **(ASKER | both))
    assert (own.status_code, own.json()["code"]) == (409, "second-person-needed")
    no_scope = await decided(registration, export, **ASKER)
    assert (no_scope.status_code, no_scope.json()["code"]) == (403, "insufficient-scope")


async def test_a_rejected_export_has_no_file(registration):
    export = await asked(registration, await named(registration))
    assert (await decided(registration, export, "reject")).json()["state"] == "rejected"
    answer = await file_of(registration, export)
    assert (answer.status_code, answer.json()["state"]) == (403, "rejected")


async def test_who_excludes_the_recipient_did_not_allow_it_has_a_restricted_need_or_is_erased_is_left_out(registration):
    body = await named(registration)
    to = body["recipient"]["organization_id"]
    one = await a_person_of_today(registration)
    profile = {"nationality": "GT", "identity_document": "lost_on_route"}
    avoiding = await a_person_of_today(registration)
    path, avoided = f"/v1/returnees/{avoiding['id']}", {"profile": {"avoid_organizations": [to]}}
    changed = await registration.patch(path, avoided, etag='"1"')
    assert changed.status_code == 200, changed.text
    left_out = [
        avoiding,
        await a_person_of_today(registration, consents=[a_consent()]),
        await a_person_of_today(registration, consents=[follow_up(recipient_class="network_staff")]),
        await a_person_of_today(registration, needs=[{"category": "gbv"}]),
        await a_person_of_today(registration, profile=profile | {"protection_flags": ["restricted_path"]}),
    ]
    erased = await a_person_of_today(registration)
    await registration.post(f"/v1/returnees/{erased['id']}/erasure")
    codes = {row["case_code"] for row in rows_in(await file_of(registration, await approved(registration, body)))}
    assert one["case_code"] in codes
    assert not codes & {person["case_code"] for person in [*left_out, erased]}


async def test_who_excludes_the_state_for_which_the_recipient_acts_is_left_out(registration):
    """Taken out: the state in `_RECORDS`."""
    body = await named(registration)
    await registration.provider(UUID(body["recipient"]["organization_id"]), version=2, acts_for="US")
    one, other, avoiding = [await a_person_of_today(registration) for _ in range(3)]
    for person, states in ((other, ["MX"]), (avoiding, ["MX", "US"])):
        path, told = f"/v1/returnees/{person['id']}", {"profile": {"avoid_countries": states}}
        changed = await registration.patch(path, told, etag='"1"')
        assert changed.status_code == 200, changed.text
    codes = {row["case_code"] for row in rows_in(await file_of(registration, await approved(registration, body)))}
    assert {one["case_code"], other["case_code"]} <= codes
    assert avoiding["case_code"] not in codes


async def test_each_person_in_an_identified_file_finds_it_in_their_list_and_nobody_else_does(registration):
    person = await a_person_of_today(registration)
    other = await a_person_of_today(registration, consents=[])
    export = await approved(registration, await named(registration))
    await file_of(registration, export)
    await file_of(registration, export)
    logs = [
        [entry for entry in (await registration.get(f"/v1/returnees/{one['id']}/access-log")).json()["items"]
         if entry["action"] == "export.read" and f"export.{export['id']}" in entry["fields"]]
        for one in (person, other)
    ]  # fmt: skip
    assert [len(log) for log in logs] == [2, 0]
    entry = logs[0][0]
    assert (entry["who"], entry["purpose"]) == ("intake-desk", "follow_up")
    assert set(entry["fields"]) == {
        *FIELDS, f"export.{export['id']}", f"recipient.{export['recipient_organization_id']}",
    }  # fmt: skip


async def test_after_its_end_there_is_no_file_and_the_reason_is_deleted_and_counted(registration):
    export = await approved(registration, await named(registration))
    assert (await file_of(registration, export)).status_code == 200
    sql = "UPDATE people_export SET ends_at = ends_at - interval '8 days' WHERE id = $1"
    await registration.fetch(sql, UUID(export["id"]))
    gone = await file_of(registration, export)
    assert (gone.status_code, gone.json()["code"]) == (410, "export-ended")
    before = await gone_reasons(registration)
    async with registration.database.transaction() as session:
        assert await forget_reasons(session, limit=1000) >= 1
    assert await gone_reasons(registration) > before
    whole = (await registration.get(f"{PATH}/{export['id']}", **ASKER)).json()
    assert (whole["state"], whole["reason"], len(whole["downloaded"])) == ("ended", None, 1)
    (row,) = await registration.fetch("SELECT reason_sealed FROM people_export WHERE id = $1", UUID(export["id"]))
    assert row["reason_sealed"] is None


async def gone_reasons(registration):
    sql = "SELECT coalesce(sum(gone_count), 0) AS count FROM retention_day WHERE kind = 'export_reasons'"
    return (await registration.fetch(sql))[0]["count"]


async def test_a_recipient_that_is_suspended_after_the_approval_gets_nothing(registration):
    body = await named(registration)
    export = await approved(registration, body)
    await registration.provider(UUID(body["recipient"]["organization_id"]), version=2, status="suspended")
    answer = await file_of(registration, export)
    assert (answer.status_code, answer.json()["code"]) == (409, "export-recipient-inactive")


async def test_only_the_caller_who_asked_gets_the_file_and_others_do_not_see_the_request(registration):
    export = await approved(registration, await named(registration))
    other = ASKER | {"client_id": "another-desk"}
    for path in (f"{PATH}/{export['id']}", f"{PATH}/{export['id']}/file"):
        assert (await registration.get(path, **other)).status_code == 404
    assert export["id"] not in (await registration.get(f"{PATH}?limit=200", **other)).text
    assert (await file_of(registration, export, **OFFICER)).status_code == 404, "to approve is not to read"


async def test_who_may_not_see_restricted_needs_gets_no_identified_file(registration):
    scopes = {"scopes": "exports:write exports:read returnees:read"}
    refused = await registration.post(PATH, await named(registration), **(ASKER | scopes))
    assert (refused.status_code, refused.json()["code"]) == (403, "restricted-sight-needed")
    export = await approved(registration, await named(registration))
    answer = await file_of(registration, export, **scopes)
    assert (answer.status_code, answer.json()["code"]) == (403, "restricted-sight-needed")


async def test_the_file_has_only_people_whom_the_caller_sees(registration):
    person = await a_person_of_today(registration)
    elsewhere = {"reception_places": ["GT01"]}
    export = await asked(registration, await named(registration), **elsewhere)
    assert (await decided(registration, export)).status_code == 200
    answer = await file_of(registration, export, **elsewhere)
    assert person["case_code"] not in answer.text
    assert rows_in(answer) == []


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"reception_places": ["GT99"]}, "/reception_places/0"),
        ({"reception_places": []}, "/reception_places"),
        ({"fields": ["safe_contact"]}, "/fields/0"),
        ({"fields": ["needs"]}, "/fields/0"),
        ({"purpose": "justice"}, "/purpose"),
        ({"reason": " "}, "/reason"),
        ({"reason": None}, "/reason"),
        (
            {"recipient": {"organization_id": str(uuid4()), "recipient_class": "providers"}},
            "/recipient/organization_id",
        ),
        ({"approved": True}, "/approved"),
        ({"arrived_until": "2999-01-01"}, "/arrived_until"),
    ],
)
async def test_a_request_that_breaks_a_rule_names_it_and_stores_nothing(registration, changes, pointer):
    before = await registration.fetch("SELECT count(*) FROM people_export")
    answer = await registration.post(PATH, await named(registration, **changes), **ASKER)
    assert answer.status_code == 422, answer.text
    assert pointer in [fault["pointer"] for fault in answer.json()["errors"]]
    assert await registration.fetch("SELECT count(*) FROM people_export") == before


async def test_one_caller_asks_for_and_downloads_only_so_many(registration):
    caller = {"client_id": f"desk-{uuid4()}"}
    first, last = month_before(5)
    for _ in range(EXPORTS_PER_DAY_MAX):
        export = await asked(registration, counted(first, last), **caller)
    more = await registration.post(PATH, counted(first, last), **(ASKER | caller))
    assert (more.status_code, more.json()["code"]) == (409, "exports-of-the-day-used")
    for _ in range(DOWNLOADS_MAX):
        assert (await file_of(registration, export, **caller)).status_code == 200
    used = await file_of(registration, export, **caller)
    assert (used.status_code, used.json()["code"]) == (409, "export-downloads-used")


async def test_the_same_request_twice_is_one_export(registration):
    first, last = month_before(6)
    headers = registration.headers(**ASKER)
    answers = [await registration.client.post(PATH, json=counted(first, last), headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert date.fromisoformat(answers[0].json()["arrived_from"]) == first
