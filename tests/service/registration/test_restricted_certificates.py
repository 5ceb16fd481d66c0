"""Restricted needs require the scope and a certificate that is valid at this moment; without it they do not exist."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from libs.chassis.auth import Caller
from libs.chassis.database import raw
from libs.chassis.tenancy import Tenant
from services.registration.audit.api import said_of
from services.registration.certificates.api import look_up_certificates
from services.registration.needs.restricted import of_person
from tests.certifying import SOURCE, a_certificate
from tests.service.registration.conftest import a_returnee
from tests.service.registration.test_restricted import READING, a_twin, alike, an_acceptance, twins

DAYS = timedelta(days=2)
YESTERDAY, TOMORROW = date.today() - DAYS, date.today() + DAYS  # noqa: DTZ011 (two days: any zone)
SCOPES = f"{READING} access-reports:read"


def a_person(**claims):
    """Somebody of the network who signs in and has the scope."""
    signed_in = {"client_id": "enlace-console", "subject": f"desk-{uuid4()}", "scopes": SCOPES, "certified": False}
    return signed_in | claims


def a_program(**claims):
    return {"client_id": f"desk-{uuid4()}", "scopes": SCOPES, "certified": False, **claims}


async def certify(registration, holder, organization_id=None, **changes):
    event = a_certificate(holder, organization_id, **changes)
    await registration.hear(event, source=SOURCE)
    return event


async def revoke(registration, certificate):
    gone = certificate.model_copy(update={"version": certificate.version + 1, "revoked_at": datetime.now(UTC)})
    await registration.hear(gone, source=SOURCE)


async def reads(registration, twin, who):
    """What a caller is told of a person wherever a restricted need could show."""
    person = f"/v1/returnees/{twin.person['id']}"
    paths = [person, f"{person}/needs", *(f"{person}/needs/{one}" for one in [*twin.hidden, *twin.ordinary])]
    paths += [f"{person}/instruments/triage", f"{person}/access-log", f"{person}/access-report?proof=document_seen"]
    return [alike(await registration.get(path, **who)) for path in paths]


async def shows(registration, twin, who):
    """Whether the caller sees the restricted needs of the person."""
    answer = await registration.get(f"/v1/returnees/{twin.person['id']}/needs", **who)
    assert answer.status_code == 200, answer.text
    return "gbv" in answer.text


async def none(registration, who):
    pass


async def lapsed(registration, who):
    await certify(registration, who["subject"], valid_until=YESTERDAY)


async def not_yet(registration, who):
    await certify(registration, who["subject"], valid_from=TOMORROW)


async def of_another_kind(registration, who):
    await certify(registration, who["subject"], kind="protection_screening")


async def of_another_person(registration, who):
    await certify(registration, "somebody-else")


async def of_another_organisation(registration, who):
    await certify(registration, who["subject"], uuid4())


async def of_the_client(registration, who):
    await certify(registration, f"client:{who['client_id']}")


async def revoked(registration, who):
    await certify(registration, who["subject"], revoked_at=datetime.now(UTC))


CERTIFICATES = [
    none, lapsed, not_yet, of_another_kind, of_another_person, of_another_organisation, of_the_client, revoked
]  # fmt: skip


@pytest.mark.parametrize("certificate", CERTIFICATES)
async def test_without_a_certificate_that_is_valid_now_restricted_needs_do_not_exist(registration, certificate):
    """Taken out: `kind in caller.certified` in `actor_of`; each condition of `_FIND` and `_VALID`; the comparison."""
    (one, other), who = await twins(registration), a_person()
    await certificate(registration, who)
    mine, theirs = [await reads(registration, twin, who) for twin in (one, other)]
    assert mine == theirs
    blind = who | {"scopes": SCOPES.replace(" restricted:read", "")}
    assert (await reads(registration, one, blind))[:-2] == mine[:-2], "as without the scope; the logs have grown"
    withdrawn = [
        await registration.post(f"/v1/returnees/{twin.person['id']}/needs/{twin.hidden[0]}/withdraw", **who)
        for twin in (one, other)
    ]
    assert alike(withdrawn[0]) == alike(withdrawn[1])
    assert withdrawn[0].status_code == 404
    async with registration.database.transaction() as session:
        kept = await of_person(session, UUID(one.person["id"]), None, vault=registration.vault)
    assert [need.withdrawn_at for need in kept] == [None] * 3


async def test_the_certificate_is_asked_at_each_act_so_a_revocation_closes_the_next_one(registration):
    twin, who = await a_twin(registration, restricted=True), a_person()
    assert not await shows(registration, twin, who)
    certificate = await certify(registration, who["subject"])
    assert await shows(registration, twin, who)
    await revoke(registration, certificate)
    assert not await shows(registration, twin, who)
    path = f"/v1/returnees/{twin.person['id']}/needs/{twin.hidden[0]}"
    assert (await registration.get(path, **who)).status_code == 404
    assert (await registration.post(f"{path}/withdraw", **who)).status_code == 404


async def test_a_program_is_certified_by_its_client_and_never_by_its_bare_name(registration):
    """Taken out: the prefix in `holder_of` (a certificate of a person with that subject opened the needs)."""
    twin, program = await a_twin(registration, restricted=True), a_program()
    await certify(registration, program["client_id"])
    assert not await shows(registration, twin, program)
    certificate = await certify(registration, f"client:{program['client_id']}")
    assert await shows(registration, twin, program)
    await revoke(registration, certificate)
    assert not await shows(registration, twin, program)


async def test_an_organisation_needs_no_certificate_for_the_packet_it_accepted_but_for_needs_it_does(registration):
    """Taken out: `own_packets` in `hidden_packets` (the packet of a restricted provider was not found)."""
    twin, organization_id, offer_id = await a_twin(registration, restricted=True), uuid4(), uuid7()
    await registration.hear(an_acceptance(twin, offer_id=offer_id, organization_id=organization_id))
    of = {"organization_id": organization_id, "reception_places": [], "client_id": "refuge", "certified": False}
    packet = await registration.get(f"/v1/packets/{offer_id}", scopes="packets:read restricted:read", **of)
    assert packet.status_code == 200, packet.text
    told = a_returnee(needs=[{"category": "gbv"}])
    own = (await registration.post("/v1/returnees", told, **of)).json()
    path, right = f"/v1/returnees/{own['id']}/needs", of | {"scopes": SCOPES}
    assert (await registration.get(path, **right)).json()["items"] == []
    await certify(registration, "client:refuge", organization_id)
    assert [one["category"] for one in (await registration.get(path, **right)).json()["items"]] == ["gbv"]


async def test_lists_for_who_sees_everything_require_the_certificate_too(registration):
    """Incidents and due identity data would look complete."""
    body = {"client_id": "stolen", "since": "2026-11-01T00:00:00Z", "until": "2026-11-02T00:00:00Z"}
    who = a_person(scopes="incidents:read restricted:read retention:read")
    for certified, status in ((False, 403), (True, 200)):
        if certified:
            await certify(registration, who["subject"])
        affected = await registration.post("/v1/incidents/affected", body, **who)
        due = await registration.get("/v1/retention/due", **who)
        assert [affected.status_code, due.status_code] == [status] * 2, (affected.text, due.text)


@pytest.mark.parametrize("certified", [False, True])
async def test_the_database_itself_hides_the_rows_until_the_certificate_is_found(registration, certified):
    """Taken out: `walls.RESTRICTED` in `said_of` (the rows were visible by the scope alone)."""
    twin = await a_twin(registration, restricted=True)
    subject = f"desk-{uuid4()}"
    if certified:
        await certify(registration, subject)
    scopes = frozenset(SCOPES.split())
    claims = {"client_id": "enlace-console", "reception_places": ["GT"], "staff": True}
    tenant = Tenant.of(claims, scopes)
    caller = Caller(
        subject=subject, client_id="enlace-console", scopes=scopes, claims=claims, tenant=tenant, person=True
    )
    said = said_of(caller, pack=registration.pack)
    async with registration.database.transaction_of(tenant, said) as session:
        await look_up_certificates(session, caller, pack=registration.pack)
        connection = await raw(session)
        entries = await connection.fetch("SELECT action FROM audit_entry WHERE subject_id = $1", twin.person["id"])
        assert any(row["action"].startswith("restricted.") for row in entries) is certified
        await connection.execute("SELECT set_config('role', session_user || '_restricted', true)")
        assert (await connection.fetchval("SELECT count(*) FROM restricted_need") > 0) is certified
        await connection.execute("SELECT set_config('role', 'none', true)")


async def test_a_revocation_waits_for_an_act_that_is_under_way(registration):
    """Taken out: `FOR SHARE` in `_HOLD`."""
    subject = f"desk-{uuid4()}"
    certificate = await certify(registration, subject)
    tenant = Tenant.of({"client_id": "enlace-console", "staff": True}, frozenset({"restricted:read"}))
    caller = Caller(
        subject=subject, client_id="enlace-console", scopes=frozenset({"restricted:read"}), tenant=tenant, person=True
    )
    other = await asyncpg.connect(registration.url)
    revoking = "UPDATE certificate SET revoked_at = now() WHERE certificate_id = $1"
    try:
        async with registration.database.transaction_of(tenant) as session:
            await look_up_certificates(session, caller, pack=registration.pack)
            assert caller.certified
            await other.execute("SET lock_timeout = '200ms'")
            with pytest.raises(asyncpg.LockNotAvailableError):
                await other.execute(revoking, certificate.certificate_id)
        await other.execute(revoking, certificate.certificate_id)
    finally:
        await other.close()
