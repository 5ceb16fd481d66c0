"""The packet: after acceptance, to the accepting organisation only, with consent, the minimum, for a time, recorded."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from libs.events.catalogue.referral import (
    OfferAccepted,
    OfferRecalled,
    ReferralCancelled,
    ReferralCompleted,
    ReferralEnteredInError,
    ReferralNotDelivered,
)
from tests.service.registration.conftest import a_consent

IDENTITY = {
    "given_names": "Muestra Paquete",
    "family_names": "Ejemplo Sellado",
    "birth_date": "1990-05-17",
    "document_number": "1111 22222 0101",
}


def facts(person, **changes):
    return {
        "returnee_id": UUID(person["id"]),
        "case_code": person["case_code"],
        "need_id": uuid4(),
        "category": "health",
        "at": datetime.now(UTC),
        "referral_id": uuid4(),
        "offer_id": uuid4(),
        "organization_id": uuid4(),
        "provider_service_id": uuid4(),
    } | changes


def accepted(known, **changes):
    return OfferAccepted(**(known | {"service_type": "hospital_care", "people_count": 1} | changes))


async def fetch(registration, known, organization_id=None):
    return await registration.get(
        f"/v1/packets/{known['offer_id']}",
        scopes="packets:read",
        client_id="a-provider",
        organization_id=organization_id or known["organization_id"],
    )


async def a_person(registration, **changes):
    told = {"identity": IDENTITY, "consents": [a_consent()], "safe_contact": {"channel": "sms", "address": "5123 4567"}}
    return await registration.register(**(told | changes))


async def test_a_packet_that_has_not_been_heard_of_is_asked_for_again(registration):
    known = facts(await a_person(registration))
    early = await fetch(registration, known)
    assert (early.status_code, early.json()["code"]) == (409, "packet-not-ready")
    assert early.headers["Retry-After"] == "1"
    await registration.hear(accepted(known))
    assert (await fetch(registration, known)).status_code == 200


async def test_a_packet_holds_what_the_service_type_needs_and_nothing_else(registration):
    person = await a_person(registration)
    known = facts(person)
    await registration.hear(accepted(known))
    packet = (await fetch(registration, known)).json()
    shown = {name for name, value in packet["person"].items() if value is not None}
    assert shown == {"given_names", "family_names", "birth_date", "sex", "languages", "access_needs"}
    assert packet["person"]["given_names"] == "Muestra Paquete"
    assert packet["safe_contact"]["address"] == "+50251234567"
    assert packet["household_members"] is None
    drinks = facts(person, category="food")
    await registration.hear(accepted(drinks, service_type="refreshments"))
    little = (await fetch(registration, drinks)).json()
    assert {name for name, value in little["person"].items() if value is not None} == {"given_names"}
    assert (little["fields"], little["safe_contact"]) == (["given_names"], None)
    assert "Sellado" not in str(little)


async def test_another_organisations_packet_does_not_exist(registration):
    known = facts(await a_person(registration))
    await registration.hear(accepted(known))
    assert (await fetch(registration, known, organization_id=uuid4())).status_code == 404
    nobody = await registration.get(f"/v1/packets/{known['offer_id']}", scopes="packets:read")
    assert (nobody.status_code, nobody.json()["code"]) == (403, "organization-required")


async def test_without_consent_there_is_no_packet_and_a_withdrawal_closes_it_at_once(registration):
    person = await registration.register(identity=IDENTITY)
    known = facts(person)
    await registration.hear(accepted(known))
    missing = await fetch(registration, known)
    assert (missing.status_code, missing.json()["code"]) == (403, "consent-missing")
    path = f"/v1/returnees/{person['id']}/consents"
    other = await registration.post(path, a_consent(purpose="follow_up"))
    assert other.status_code == 201
    assert (await fetch(registration, known)).status_code == 403, "another purpose is another purpose"
    given = (await registration.post(path, a_consent())).json()
    assert (await fetch(registration, known)).status_code == 200
    await registration.post(f"{path}/{given['id']}/withdraw")
    assert (await fetch(registration, known)).status_code == 403


@pytest.mark.parametrize(
    ("ending", "open_after"),
    [("completed", True), ("not_delivered", True), ("cancelled", False), ("recalled", False)],
)
async def test_a_packet_closes_when_the_packs_days_after_its_end_are_over(registration, ending, open_after):
    known = facts(await a_person(registration))
    await registration.hear(accepted(known))

    def ended(at):
        told = known | {"at": at}
        if ending == "completed":
            return ReferralCompleted(**told, outcome="need_met")
        if ending == "not_delivered":
            return ReferralNotDelivered(**told, reason="other")
        if ending == "recalled":
            return OfferRecalled(**told, reason="overridden")
        named = {name: value for name, value in told.items() if name in ReferralCancelled.model_fields}
        return ReferralCancelled(**named, reason="by_returnee")

    await registration.hear(ended(datetime.now(UTC)))
    assert ((await fetch(registration, known)).status_code == 200) is open_after
    late = facts(await a_person(registration))
    known |= late
    await registration.hear(accepted(late), ended(datetime.now(UTC) - timedelta(days=31)))
    closed = await fetch(registration, late)
    assert (closed.status_code, closed.json()["code"]) == (410, "packet-closed")


@pytest.mark.parametrize("completed_before", [False, True])
async def test_a_referral_entered_in_error_closes_its_packet_at_once(registration, completed_before):
    """Also where the packet of a completed one could still be fetched for days."""
    known = facts(await a_person(registration))
    await registration.hear(accepted(known))
    if completed_before:
        await registration.hear(ReferralCompleted(**known, outcome="need_met"))
    assert (await fetch(registration, known)).status_code == 200
    told = {name: value for name, value in known.items() if name in ReferralEnteredInError.model_fields}
    await registration.hear(ReferralEnteredInError(**told | {"at": datetime.now(UTC)}))
    closed = await fetch(registration, known)
    assert (closed.status_code, closed.json()["code"]) == (410, "packet-closed")


async def test_the_end_of_an_offer_that_was_never_accepted_opens_nothing(registration):
    known = facts(await a_person(registration))
    await registration.hear(OfferRecalled(**known, reason="overridden"))
    assert (await fetch(registration, known)).status_code == 409


async def test_a_households_packet_names_the_members_who_allow_it(registration):
    reference = f"family/{uuid4()}"
    head = await a_person(registration, household_reference=reference, household_size=3)
    allowing = {"given_names": "Muestra Dos", "family_names": "Ejemplo"}
    silent = {"given_names": "Muestra Callada", "family_names": "Ejemplo"}
    await registration.register(identity=allowing, consents=[a_consent()], household_reference=reference)
    await registration.register(identity=silent, household_reference=reference)
    known = facts(head, category="shelter")
    await registration.hear(accepted(known, service_type="family_shelter", people_count=3))
    packet = (await fetch(registration, known)).json()
    assert [member["given_names"] for member in packet["household_members"]] == ["Muestra Dos"]
    assert packet["members_withheld_count"] == 1
    alone = facts(head, category="shelter")
    await registration.hear(accepted(alone, service_type="family_shelter", people_count=1))
    assert (await fetch(registration, alone)).json()["household_members"] is None


async def test_each_look_at_a_packet_is_in_the_persons_list(registration):
    person = await a_person(registration)
    known = facts(person)
    await registration.hear(accepted(known))
    await fetch(registration, known)
    log = (await registration.get(f"/v1/returnees/{person['id']}/access-log")).json()["items"]
    (look,) = [entry for entry in log if entry["action"] == "packet.read"]
    assert look["offer_id"] == str(known["offer_id"])
    assert look["organization_id"] == str(known["organization_id"])
    assert (look["purpose"], look["client_id"]) == ("referral", "a-provider")
    assert "birth_date" in look["fields"]
    assert look["trace_id"]


FOR_EMPLOYERS = {"purpose": "employer_sharing", "recipient_class": "employers"}


async def test_a_jobs_provider_gets_no_packet_on_the_consent_to_referral(registration):
    person = await a_person(registration)
    known = facts(person, category="employment")
    await registration.hear(accepted(known, service_type="local_jobs"))
    refused = await fetch(registration, known)
    assert (refused.status_code, refused.json()["code"]) == (403, "consent-missing")
    path = f"/v1/returnees/{person['id']}/consents"
    await registration.post(path, a_consent(purpose="employer_sharing", recipient_class="family"))
    assert (await fetch(registration, known)).status_code == 403, "another recipient is another consent"
    given = (await registration.post(path, a_consent(**FOR_EMPLOYERS))).json()
    assert (await fetch(registration, known)).status_code == 200
    await registration.post(f"{path}/{given['id']}/withdraw")
    assert (await fetch(registration, known)).status_code == 403
    health = facts(person)
    await registration.hear(accepted(health))
    assert (await fetch(registration, health)).status_code == 200, "what rests on referral goes on"
