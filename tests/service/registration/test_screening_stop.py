"""Nobody who may not read a screening learns that there is one, or whether it was stopped or completed."""

import json

from tests.service.registration.matching import a_name_of_their_own
from tests.service.registration.screening import CALM, SCOPES, TROUBLED, certified
from tests.service.registration.test_restricted import (
    CALLERS,
    a_twin,
    alike,
    listed,
    reading_routes,
)
from tests.service.registration.whole_lists import to_the_end

UNCERTIFIED = {"client_id": "restricted-desk", "scopes": SCOPES}
"""Holds every scope, and no certificate."""
OFFICER = {"client_id": "officer", "scopes": "returnees:read access-log:read restricted:read"}
"""Sees restricted entries of the record of access."""
_TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname"


async def a_screened_twin(registration, screener, how, answers=CALM, *, family_names):
    twin = await a_twin(registration, restricted=False, family_names=family_names)
    assert (await screener.open(twin.person)).status_code == 201
    for one, value in answers.items():
        assert (await screener.save(twin.person, {one: value})).status_code == 200
    assert (await screener.end(twin.person, how)).status_code == 200
    return twin


async def assert_alike(registration, one, other, callers):
    """What these callers read about both people is the same."""
    compared = 0
    for who, claims in callers.items():
        for template in await reading_routes(registration):
            for mine, theirs in zip(one.paths(template), other.paths(template), strict=True):
                query = "?purpose=registration" if template.endswith("/safe-contact") else ""
                query = "?proof=document_seen" if "/access-report" in template else query
                answers = [await registration.get(path + query, **claims) for path in (mine, theirs)]
                if "{" in template:
                    assert alike(answers[0]) == alike(answers[1]), (who, mine)
                else:
                    lists = [
                        await to_the_end(registration, path, answer, claims)
                        for path, answer in zip((mine, theirs), answers, strict=True)
                    ]
                    assert listed(lists[0], one) == listed(lists[1], other), (who, template)
                compared += answers[0].status_code == 200
    assert compared > 8, "most answers tell something"


async def rows_about(registration, twin):
    """How many rows of each table name the person."""
    found = {}
    for table in await registration.fetch(_TABLES):
        sql = f"SELECT count(*) FROM {table['relname']} t WHERE to_jsonb(t)::text LIKE $1"
        (row,) = await registration.fetch(sql, f"%{twin.person['id']}%")
        found[table["relname"]] = row["count"]
    return found


async def test_for_everybody_else_a_screened_person_is_one_who_was_not(registration):
    """Taken out: the prefix `restricted.` of `_access` (the record of access showed the screening)."""
    both = {"family_names": a_name_of_their_own()}
    screened = await a_screened_twin(registration, await certified(registration), "complete", TROUBLED, **both)
    await assert_alike(registration, screened, await a_twin(registration, restricted=False, **both), CALLERS)


async def test_a_stop_leaves_the_trace_of_a_completion_without_a_finding(registration):
    """Taken out: the one action for all writes in `_access` (the record said how it ended); that a stop deletes the
    answers."""
    screener = await certified(registration)
    both = {"family_names": a_name_of_their_own()}
    stopped, completed = [await a_screened_twin(registration, screener, how, **both) for how in ("stop", "complete")]
    left = [len((await screener.read(twin.person)).json()["answers"]) for twin in (stopped, completed)]
    assert left == [0, len(CALM)], "a stop deletes the answers, and only a screener learns it"
    await assert_alike(registration, stopped, completed, {"a desk": UNCERTIFIED, "an officer": OFFICER})
    assert await rows_about(registration, stopped) == await rows_about(registration, completed)
    events = [await registration.events(key=twin.person["id"]) for twin in (stopped, completed)]
    assert [one["type"] for one in events[0]] == [one["type"] for one in events[1]]
    assert "screening" not in json.dumps(events)
    entries = [
        [dict(row) for row in await registration.fetch(
            "SELECT kind, action, who, purpose, fields, referral_id, offer_id FROM audit_entry"
            " WHERE subject_id = $1 ORDER BY id", twin.person["id"]
        )]
        for twin in (stopped, completed)
    ]  # fmt: skip
    assert entries[0] == entries[1]
    actions = {row["action"] for row in entries[0] if "screening" in row["action"]}
    assert actions == {"restricted.screening.write", "restricted.screening.read"}, "the read is that of the screener"
    facts = [
        dict(row) for row in await registration.fetch(
            "SELECT version, told_version, protection_flags, age_group FROM returnee WHERE id = ANY($1::uuid[])",
            [twin.person["id"] for twin in (stopped, completed)],
        )
    ]  # fmt: skip
    assert facts[0] == facts[1]


async def test_no_event_names_an_answer_a_screening_or_who_led_it(registration):
    screener = await certified(registration)
    alone = {"family_names": a_name_of_their_own()}
    twin = await a_screened_twin(registration, screener, "complete", TROUBLED, **alone)
    told = json.dumps(await registration.events(key=twin.person["id"]))
    for word in ("screening", "papers_kept_by_others", "assistance", screener.subject):
        assert word not in told
    assert "anti_trafficking" in told, "referral learns the need, for those who may see it"
