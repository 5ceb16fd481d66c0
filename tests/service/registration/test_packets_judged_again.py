"""A packet is judged again at each fetch: by what registration knows at once, and by what referral tells of facts."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from libs.events.catalogue.directory import Accreditation, Agreement
from libs.events.catalogue.journeys import JudgedOn, JudgedProfile
from libs.events.catalogue.referral import OfferHalted, OfferUpheld, ReferralCompleted
from tests.service.registration.conftest import a_consent
from tests.service.registration.test_packets import IDENTITY, a_person, accepted, facts, fetch


def judged(person, version=1, household_version=None):
    profile = JudgedProfile(returnee_id=UUID(person["id"]), version=version)
    return JudgedOn(profiles=[profile], household_version=household_version)


async def correct(registration, person, body, *, version=1):
    answer = await registration.patch(f"/v1/returnees/{person['id']}", body, etag=f'"{version}"')
    assert answer.status_code == 200, answer.text
    return answer.json()


async def an_accepted(registration, **changes):
    person = await a_person(registration, **changes)
    known = facts(person)
    await registration.hear(accepted(known, judged_on=judged(person)))
    assert (await fetch(registration, known)).status_code == 200
    return person, known


async def told(registration, known):
    answer = await fetch(registration, known)
    return answer.status_code, answer.json().get("code")


async def test_an_organisation_that_the_person_avoids_gets_no_packet_from_that_commit_on(registration):
    person, known = await an_accepted(registration)
    await correct(registration, person, {"profile": {"avoid_organizations": [str(known["organization_id"])]}})
    assert await told(registration, known) == (403, "packet-halted")
    await registration.hear(OfferUpheld(**known, judged_on=judged(person, 2), by_desk=False))
    assert await told(registration, known) == (403, "packet-halted"), "whatever is told, the person's word holds here"


async def test_a_packet_waits_until_changed_facts_are_judged(registration):
    person, known = await an_accepted(registration)
    await correct(registration, person, {"profile": {"languages": ["mam"]}})
    early = await fetch(registration, known)
    assert (early.status_code, early.json()["code"], early.headers["Retry-After"]) == (409, "packet-not-ready", "1")
    await registration.hear(OfferUpheld(**known, judged_on=judged(person, 2), by_desk=False))
    assert (await fetch(registration, known)).status_code == 200
    await correct(registration, person, {"identity": {"document_number": "7"}}, version=2)
    assert (await fetch(registration, known)).status_code == 200, "nothing that rules judge by has changed"


async def test_a_halted_packet_stays_closed_until_a_desk_lets_the_offer_go_on(registration):
    person, known = await an_accepted(registration)
    await registration.hear(OfferHalted(**known, reason="facts_changed", judged_on=judged(person)))
    assert await told(registration, known) == (403, "packet-halted")
    await registration.hear(OfferUpheld(**known, judged_on=judged(person), by_desk=False))
    assert await told(registration, known) == (403, "packet-halted")
    await registration.hear_at_once(
        [
            OfferUpheld(**known, judged_on=judged(person), by_desk=True),
            OfferHalted(**known, reason="facts_changed", judged_on=judged(person)),
        ]
    )
    assert await told(registration, known) == (403, "packet-halted"), "the last of a batch counts"
    await registration.hear(OfferUpheld(**known, judged_on=judged(person), by_desk=True))
    assert (await fetch(registration, known)).status_code == 200


async def test_a_childs_own_consent_stops_counting_when_it_turns_out_to_be_a_child(registration):
    person, known = await an_accepted(registration)
    before = len(await registration.events("consent.changed.v1", key=person["id"]))
    await correct(registration, person, {"identity": {"birth_date": "2010-05-17"}})
    *_, last = await registration.events("consent.changed.v1", key=person["id"])
    assert last["grants"] == []
    assert len(await registration.events("consent.changed.v1", key=person["id"])) == before + 1
    await registration.hear(OfferUpheld(**known, judged_on=judged(person, 2), by_desk=False))
    assert await told(registration, known) == (403, "consent-missing")
    path = f"/v1/returnees/{person['id']}/consents"
    (shown,) = (await registration.get(path)).json()
    assert shown["standing"] is False
    given = await registration.post(path, a_consent(given_by="guardian"))
    assert given.status_code == 201
    assert (await fetch(registration, known)).status_code == 200
    await correct(registration, person, {"identity": {"birth_date": IDENTITY["birth_date"]}}, version=2)
    *_, again = await registration.events("consent.changed.v1", key=person["id"])
    assert len(again["grants"]) == 1, "grown up after all, their own word counts again"


STANDINGS = {
    "suspended": {"status": "suspended"},
    "withdrawn": {"status": "withdrawn"},
    "no agreement": {"agreements": []},
    "no licence": {"accreditations": []},
    "agreement over": {"agreements": [Agreement(category="health", valid_until=date(2020, 1, 1))]},
    "licence of another category": {"accreditations": [Accreditation(category="food", valid_until=date(2099, 1, 1))]},
}


@pytest.mark.parametrize("standing", STANDINGS)
async def test_an_organisation_without_standing_gets_no_packet(registration, standing):
    _, known = await an_accepted(registration)
    organization = known["organization_id"]
    await registration.provider(organization, version=3, **STANDINGS[standing])
    assert await told(registration, known) == (403, "packet-halted")
    await registration.provider(organization, version=2)
    assert await told(registration, known) == (403, "packet-halted"), "an older word changes nothing"
    await registration.provider(organization, version=4)
    assert (await fetch(registration, known)).status_code == 200


async def test_an_organisation_that_nothing_was_heard_of_waits(registration):
    _, known = await an_accepted(registration)
    await registration.fetch("DELETE FROM provider_standing WHERE organization_id = $1", known["organization_id"])
    assert await told(registration, known) == (409, "packet-not-ready")


async def test_the_packet_of_an_ended_service_waits_for_nobody_but_avoiding_still_closes_it(registration):
    person, known = await an_accepted(registration)
    await registration.hear(ReferralCompleted(**known | {"at": datetime.now(UTC)}, outcome="need_met"))
    await correct(registration, person, {"profile": {"languages": ["mam"]}})
    assert (await fetch(registration, known)).status_code == 200
    await correct(
        registration, person, {"profile": {"avoid_organizations": [str(known["organization_id"])]}}, version=2
    )
    assert await told(registration, known) == (403, "packet-halted")


async def test_a_household_that_changes_closes_the_packet_until_it_is_judged(registration):
    head, other = await a_person(registration), await a_person(registration)
    known = facts(head, category="shelter")
    await registration.hear(accepted(known, service_type="family_shelter", judged_on=judged(head)))
    body = {"reference_returnee_id": head["id"], "member_ids": [head["id"], other["id"]], "expected_size": 2}
    made = await registration.post("/v1/households", body | {"stay_together": True})
    assert made.status_code == 201, made.text
    assert await told(registration, known) == (409, "packet-not-ready")
    await registration.hear(OfferUpheld(**known, judged_on=judged(head, 2), by_desk=False))
    assert await told(registration, known) == (409, "packet-not-ready"), "the household is not judged yet"
    await registration.hear(OfferUpheld(**known, judged_on=judged(head, 2, 1), by_desk=False))
    assert (await fetch(registration, known)).status_code == 200


async def test_what_was_accepted_before_facts_were_told_counts_as_judged_until_the_next_change(registration):
    person = await a_person(registration)
    known = facts(person)
    await registration.hear(accepted(known))
    assert (await fetch(registration, known)).status_code == 200
    await correct(registration, person, {"profile": {"access_needs": ["wheelchair"]}})
    assert await told(registration, known) == (409, "packet-not-ready")
