"""A consent for one named organisation, in the real service: who gets a packet, and what its end closes."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from libs.events.catalogue.arrivals import ReturneeArrived
from libs.events.catalogue.directory import Accreditation, Agreement
from services.registration.packets.actions.lapses import act_on_ended_consents
from tests.service.registration.conftest import a_consent, a_returnee
from tests.service.registration.offline import Device
from tests.service.registration.test_deletion_requests import asked
from tests.service.registration.test_grants import claims_of, reason
from tests.service.registration.test_packets import IDENTITY, accepted, facts, fetch

NAME = "Casa de Acogida Ejemplo"


def naming(organization_id, **changes):
    """A consent to referral to this organisation only."""
    told = {name: value for name, value in a_consent().items() if name != "recipient_class"}
    return told | {"recipient_organization_id": str(organization_id), "recipient_name": NAME} | changes


async def known_organization(registration, **changes):
    organization_id = uuid4()
    await registration.provider(organization_id, **changes)
    return organization_id


async def give(registration, person, body):
    return await registration.post(f"/v1/returnees/{person['id']}/consents", body)


async def an_offer(registration, person, organization_id, **changes):
    known = facts(person, organization_id=organization_id, **changes)
    await registration.hear(accepted(known))
    return known


async def test_only_the_named_organisation_gets_a_packet_until_the_consent_is_withdrawn(registration):
    person, named = await registration.register(identity=IDENTITY), await known_organization(registration)
    given = await give(registration, person, naming(named))
    assert given.status_code == 201, given.text
    told = given.json()
    assert (told["recipient_class"], told["recipient_organization_id"], told["recipient_name"]) == (
        None,
        str(named),
        NAME,
    )
    mine, foreign = [await an_offer(registration, person, one) for one in (named, uuid4())]
    answer = await fetch(registration, mine)
    assert answer.status_code == 200, answer.text
    refused = await fetch(registration, foreign)
    assert (refused.status_code, refused.json()["code"]) == (403, "consent-missing")
    claims = claims_of(answer.json())
    assert (claims["aud"], claims["recipient_classes"]) == (str(named), [])
    assert [one["id"] for one in claims["consents"]] == [told["id"]]
    assert await reason(registration, mine, answer.json()) is None
    withdrawn = await registration.post(f"/v1/returnees/{person['id']}/consents/{told['id']}/withdraw")
    assert withdrawn.status_code == 200, withdrawn.text
    assert (await fetch(registration, mine)).status_code == 403
    assert await reason(registration, mine, answer.json()) == "consent_ended"


async def test_the_event_tells_it_apart_from_a_consent_for_a_class(registration):
    person, named = await registration.register(), await known_organization(registration)
    await give(registration, person, naming(named))
    await give(registration, person, a_consent())
    first, last = await registration.events("consent.changed.v1", key=person["id"])
    assert first["grants"] == [], "an older reader sees nothing, and never the whole class"
    assert [one["organization_id"] for one in first["organizations"]] == [str(named)]
    assert [one["recipient_class"] for one in last["grants"]] == ["providers"]
    assert last["organizations"] == first["organizations"]
    assert NAME not in str(last)


@pytest.mark.parametrize(
    ("changes", "pointer", "rule"),
    [
        ({"recipient_class": "providers"}, "/recipient_organization_id", "one-recipient"),
        ({"recipient_organization_id": None}, "/recipient_organization_id", "one-recipient"),
        ({"recipient_name": None}, "/recipient_name", "name-of-organization"),
        ({"recipient_organization_id": str(uuid4())}, "/recipient_organization_id", "known-organization"),
        ({"purpose": "statistics"}, "/purpose", "purpose-of-offers"),
    ],
)
async def test_a_recipient_that_cannot_be_is_refused_and_nothing_is_kept(registration, changes, pointer, rule):
    person, named = await registration.register(), await known_organization(registration)
    refused = await give(registration, person, naming(named, **changes))
    assert refused.status_code == 422, refused.text
    assert [(one["pointer"], one["rule"]) for one in refused.json()["errors"]] == [(pointer, rule)]
    assert (await registration.get(f"/v1/returnees/{person['id']}/consents")).json() == []


async def test_a_suspended_organisation_and_one_for_restricted_needs_only_are_not_named(registration):
    person, until = await registration.register(), date(2099, 1, 1)
    suspended = await known_organization(registration, status="suspended")
    restricted = sorted(registration.pack.routing.restricted)
    sealed = await known_organization(
        registration,
        accreditations=[Accreditation(category=one, valid_until=until) for one in restricted],
        agreements=[Agreement(category=one, valid_until=until) for one in restricted],
    )
    for organization_id, rule in ((suspended, "active-organization"), (sealed, "known-organization")):
        refused = await give(registration, person, naming(organization_id))
        assert [one["rule"] for one in refused.json()["errors"]] == [rule]


async def test_the_end_of_one_consent_closes_only_what_no_other_carries(registration):
    person = await registration.register(identity=IDENTITY, consents=[a_consent()])
    named = await known_organization(registration)
    given = (await give(registration, person, naming(named))).json()
    mine, other = [await an_offer(registration, person, one) for one in (named, uuid4())]
    for one in (mine, other):
        assert (await fetch(registration, one)).status_code == 200
    path = f"/v1/returnees/{person['id']}/consents"
    (of_class,) = [one["id"] for one in (await registration.get(path)).json() if one["recipient_class"]]
    await registration.post(f"{path}/{of_class}/withdraw")
    assert [(await fetch(registration, one)).status_code for one in (mine, other)] == [200, 403]
    assert {one["organization_id"] for one in await asked(registration, person)} == {str(other["organization_id"])}
    await registration.post(f"{path}/{given['id']}/withdraw")
    assert (await fetch(registration, mine)).status_code == 403
    told = [one["organization_id"] for one in await asked(registration, person)]
    assert told == [str(other["organization_id"]), str(named)]


async def test_a_named_consent_that_has_expired_is_followed_by_a_request_to_delete(registration):
    person, named = await registration.register(identity=IDENTITY), await known_organization(registration)
    ends = datetime.now(UTC) + timedelta(days=2)
    await give(registration, person, naming(named, expires_at=ends.isoformat()))
    mine = await an_offer(registration, person, named)
    assert (await fetch(registration, mine)).status_code == 200
    await registration.fetch(
        "UPDATE packet_share SET lapses_at = now() - interval '1 second' WHERE offer_id = $1", mine["offer_id"]
    )
    async with registration.database.transaction() as session:
        await act_on_ended_consents(session, pack=registration.pack, limit=100)
    assert await asked(registration, person) == [], "the consent goes on, so the share is extended"
    # The trigger lets nobody shorten a consent, so the database's owner does.
    await registration.fetch("ALTER TABLE consent DISABLE TRIGGER USER")
    await registration.fetch(
        "UPDATE consent SET given_at = now() - interval '2 days', expires_at = now() - interval '1 day'"
        " WHERE returnee_id = $1",
        UUID(person["id"]),
    )
    await registration.fetch("ALTER TABLE consent ENABLE TRIGGER USER")
    await registration.fetch(
        "UPDATE packet_share SET lapses_at = now() - interval '1 second' WHERE offer_id = $1", mine["offer_id"]
    )
    async with registration.database.transaction() as session:
        await act_on_ended_consents(session, pack=registration.pack, limit=100)
    (event,) = await asked(registration, person)
    assert (event["organization_id"], event["reason"]) == (str(named), "consent_expired")


async def test_a_childs_own_named_consent_is_refused_and_a_guardians_counts(registration):
    child = {
        "nationality": "GT",
        "identity_document": "lost_on_route",
        "age": {"group": "child", "basis": "staff_judgement"},
    }
    person = await registration.register(identity={"given_names": "Muestra", "family_names": "Menor"}, profile=child)
    named = await known_organization(registration)
    refused = await give(registration, person, naming(named))
    assert [one["rule"] for one in refused.json()["errors"]] == ["guardian-required"]
    assert (await give(registration, person, naming(named, given_by="guardian"))).status_code == 201


async def test_members_of_a_household_are_in_the_packet_of_the_organisation_that_they_name(registration):
    named, reference = await known_organization(registration), f"family/{uuid4()}"
    told = {"household_reference": reference, "household_size": 3}
    head = await registration.register(identity=IDENTITY, consents=[a_consent()], **told)
    member = {"given_names": "Muestra Dos", "family_names": "Ejemplo"}
    await registration.register(identity=member, named_consents=[naming(named)], **told)
    elsewhere = {"given_names": "Muestra Tres", "family_names": "Ejemplo"}
    other = await known_organization(registration)
    await registration.register(identity=elsewhere, named_consents=[naming(other)], **told)
    known = facts(head, category="shelter", organization_id=named)
    await registration.hear(accepted(known, service_type="family_shelter", people_count=3))
    packet = (await fetch(registration, known)).json()
    assert [one["given_names"] for one in packet["household_members"]] == ["Muestra Dos"]
    assert packet["members_withheld_count"] == 1


async def test_an_arrival_by_event_tells_named_consents_and_a_wrong_one_waits_for_a_desk(registration):
    named, unknown = await known_organization(registration), uuid4()
    reference = f"named-{uuid4()}"
    told = a_returnee(sender_reference=reference, named_consents=[naming(named), naming(unknown)])
    event = ReturneeArrived.model_validate(told)
    await registration.hear(event)
    rows = await registration.fetch(
        "SELECT c.returnee_id, c.recipient_organization_id FROM consent c WHERE c.recipient_organization_id = $1", named
    )
    assert len(rows) == 1
    person = str(rows[0]["returnee_id"])
    parts = await registration.fetch("SELECT pointer, rule FROM doubtful_part WHERE returnee_id = $1", UUID(person))
    assert [tuple(one) for one in parts] == [("/named_consents/1", "known-organization")]
    await registration.hear(event)
    assert len((await registration.get(f"/v1/returnees/{person}/consents")).json()) == 1, "a repetition adds nothing"
    more = ReturneeArrived.model_validate(told | {"named_consents": [*told["named_consents"], naming(named)]})
    await registration.hear(more)
    assert len((await registration.get(f"/v1/returnees/{person}/consents")).json()) == 2, "a later message adds"


async def test_a_named_consent_is_given_without_a_line_and_a_withdrawal_meanwhile_is_a_conflict(registration):
    device = Device(registration)
    person, named = await registration.register(), await known_organization(registration)
    other = await known_organization(registration)
    (done,) = await device.send(device.op("give_consent", returnee_id=person["id"], data=naming(named)))
    assert (done["status"], done["outcome"]) == (201, "done"), done
    path = f"/v1/returnees/{person['id']}/consents"
    late = [device.op("give_consent", ago=timedelta(hours=1), returnee_id=person["id"], data=naming(one))
            for one in (named, other)]  # fmt: skip
    assert (await registration.post(f"{path}/{done['created_id']}/withdraw")).status_code == 200
    results = await device.send(*late)
    assert [one["outcome"] for one in results] == ["conflict", "done"], "another organisation is another consent"


async def test_the_receipt_and_the_report_name_the_organisation_and_an_erasure_forgets_it(registration):
    person, named = await registration.register(), await known_organization(registration)
    given = (await give(registration, person, naming(named))).json()
    path = f"/v1/returnees/{person['id']}"
    page = (await registration.get(f"{path}/consents/{given['id']}/receipt")).text
    assert f"Solo {NAME}, y ninguna otra organización" in page
    assert (await registration.post(f"{path}/erasure")).status_code < 300
    (row,) = await registration.fetch(
        "SELECT recipient_organization_id, recipient_name_sealed FROM consent WHERE id = $1", UUID(given["id"])
    )
    assert tuple(row) == (None, None)
