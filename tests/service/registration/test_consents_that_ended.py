"""A consent whose end has passed allows nothing, in any of the queries that ask for consents."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.registration.consent.queries import relied_on, still_standing, who_allow
from tests.service.registration.conftest import a_consent
from tests.service.registration.test_grants import a_packet, reason
from tests.service.registration.test_named_consents import give, known_organization, naming
from tests.service.registration.test_packets import a_person, fetch


async def ended_yesterday(registration, person):
    """All consents of this person. The trigger lets nobody change a consent, so the database's owner does."""
    await registration.fetch("ALTER TABLE consent DISABLE TRIGGER USER")
    await registration.fetch(
        "UPDATE consent SET given_at = now() - interval '2 days', expires_at = now() - interval '1 day'"
        " WHERE returnee_id = $1",
        UUID(person["id"]),
    )
    await registration.fetch("ALTER TABLE consent ENABLE TRIGGER USER")


async def test_after_its_end_a_consent_opens_no_packet_and_its_grant_is_invalid(registration):
    person = await a_person(registration)
    known, packet = await a_packet(registration, person)
    assert await reason(registration, known, packet) is None
    await ended_yesterday(registration, person)
    refused = await fetch(registration, known)
    assert (refused.status_code, refused.json()["code"]) == (403, "consent-missing")
    assert await reason(registration, known, packet) == "consent_ended"
    (shown,) = (await registration.get(f"/v1/returnees/{person['id']}/consents")).json()
    assert shown["standing"] is False


async def test_every_query_counts_a_consent_until_its_end_and_not_from_then_on(registration):
    named, ends = await known_organization(registration), datetime.now(UTC) + timedelta(days=2)
    of_class = await registration.register(consents=[a_consent(expires_at=ends.isoformat())])
    by_name = await registration.register()
    assert (await give(registration, by_name, naming(named, expires_at=ends.isoformat()))).status_code == 201
    people = [UUID(one["id"]) for one in (of_class, by_name)]
    gate = registration.pack.consents.gate_of("health")
    moment = timedelta(microseconds=1)
    async with registration.database.transaction() as session:
        asked = {"gate": gate, "organization_id": named}
        consents = [one.consent_id for one in await relied_on(session, people, at=ends - moment, **asked)]
        assert len(consents) == 2
        assert (await who_allow(session, people, at=ends - moment, **asked)).keys() == set(people)
        assert set((await still_standing(session, consents, at=ends - moment)).values()) == set(people)
        assert await relied_on(session, people, at=ends, **asked) == []
        assert await who_allow(session, people, at=ends, **asked) == {}
        assert await still_standing(session, consents, at=ends) == {}
