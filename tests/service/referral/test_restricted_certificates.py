"""Staff see restricted rows of referral with the scope and a certificate that is valid now, never without it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from libs.chassis.auth import Caller
from libs.chassis.database import raw
from libs.chassis.tenancy import Tenant
from libs.events.catalogue.directory import CertificatePublished
from services.referral.access import rights_of, said_of
from services.referral.certificates.api import look_up_certificates
from tests.certifying import a_certificate
from tests.service.referral.conftest import NewWorld
from tests.service.referral.world import PARTNER, STAFF, World

DAYS = timedelta(days=2)
YESTERDAY, TOMORROW = date.today() - DAYS, date.today() + DAYS  # noqa: DTZ011 (two days: any zone)
SCOPES = f"{STAFF} restricted:read"
PROGRAM = "client:trained"


def a_program(world: World) -> dict[str, str]:
    return world.issuer.headers(SCOPES, client_id="trained")


async def certify(world: World, holder: str = PROGRAM, **changes: Any) -> CertificatePublished:
    certificate = a_certificate(holder, changes.pop("organization_id", None), **changes)
    await world.hear(certificate)
    return certificate


async def revoke(world: World, certificate: CertificatePublished) -> None:
    await world.hear(certificate.model_copy(update={"version": 2, "revoked_at": datetime.now(UTC)}))


async def sees(world: World, need_id: object, headers: dict[str, str]) -> bool:
    """Whether the caller reads the need, is shown its review, and may act on it: all of them or none."""
    read = await world.client.get(f"/v1/needs/{need_id}", headers=headers)
    reviews = await world.ask("reviews", headers=headers)
    acted = await world.step(f"needs/{need_id}/acknowledge", headers=headers)
    found = {read.status_code == 200, bool(reviews["items"]), acted.status_code != 404}
    assert len(found) == 1, (read.text, reviews, acted.text)
    return found.pop()


WRONG: dict[str, dict[str, Any]] = {
    "none": {},
    "of another kind": {"kind": "first_aid"},
    "of another holder": {"holder": "client:somebody-else"},
    "of the bare name": {"holder": "trained"},
    "for an organisation": {"organization_id": "00000000-0000-7000-8000-000000000001"},
    "not yet valid": {"valid_from": TOMORROW},
    "no longer valid": {"valid_until": YESTERDAY},
    "revoked": {"revoked_at": datetime(2026, 1, 1, tzinfo=UTC)},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
async def test_without_a_certificate_that_is_valid_now_restricted_needs_do_not_exist(
    world: World, wrong: dict[str, Any]
):
    need = await world.need_of(await world.person({"category": "gbv"}))
    if wrong:
        await certify(world, **wrong)
    assert not await sees(world, need["need_id"], a_program(world))
    await certify(world)
    assert await sees(world, need["need_id"], a_program(world))


async def test_the_certificate_is_asked_at_each_act_so_a_revocation_closes_the_next_one(world: World):
    need = await world.need_of(await world.person({"category": "gbv"}))
    certificate, headers = await certify(world), a_program(world)
    assert await sees(world, need["need_id"], headers)
    await revoke(world, certificate)
    assert not await sees(world, need["need_id"], headers)


async def test_several_kinds_open_nothing_until_all_of_them_are_held(new_world: NewWorld):
    kinds = {"gbv": "protected_cases", "anti_trafficking": "trafficking_cases"}
    async with new_world(certificates=kinds) as world:
        need = await world.need_of(await world.person({"category": "gbv"}))
        await certify(world)
        assert not await sees(world, need["need_id"], a_program(world))
        await certify(world, kind="trafficking_cases")
        assert await sees(world, need["need_id"], a_program(world))


async def test_where_the_pack_names_no_kind_nothing_opens(new_world: NewWorld):
    async with new_world(certificates={}) as world:
        need = await world.need_of(await world.person({"category": "gbv"}))
        await certify(world)
        assert not await sees(world, need["need_id"], a_program(world))


async def test_a_certificate_opens_nothing_without_the_scope(world: World):
    need = await world.need_of(await world.person({"category": "gbv"}))
    await certify(world)
    assert not await sees(world, need["need_id"], world.issuer.headers(STAFF, client_id="trained"))
    assert await sees(world, need["need_id"], a_program(world))


async def test_a_person_is_certified_by_their_name_and_never_by_the_program_they_use(world: World):
    person = a_caller()
    for holder in (f"client:{person.client_id}", f"client:{person.subject}"):
        await certify(world, holder)
    async with world.database.transaction_of(person.tenant, said_of(person)) as session:
        await look_up_certificates(session, person, policy=world.policy)
        assert not rights_of(person).restricted
    await certify(world, person.subject)
    async with world.database.transaction_of(person.tenant, said_of(person)) as session:
        await look_up_certificates(session, person, policy=world.policy)
        assert rights_of(person).restricted


async def test_an_organisation_needs_no_certificate_for_the_offer_that_it_received(world: World):
    house = await world.provider(category="gbv", service_type="safe_house", restricted=True)
    await world.person({"category": "gbv"})
    desk = world.staff(restricted=True)
    (review,) = (await world.ask("reviews", headers=desk))["items"]
    assert (await world.step(f"reviews/{review['id']}/approve", {}, headers=desk)).status_code == 200
    await world.round()
    partner = world.issuer.headers(
        f"{PARTNER} restricted:read", organization_id=house.organization_id, client_id="untrained"
    )
    (offer,) = (await world.ask("offers", headers=partner))["items"]
    assert (await world.step(f"offers/{offer['id']}/accept", headers=partner)).status_code == 200
    stranger = world.issuer.headers(SCOPES, client_id="untrained")
    assert (await world.ask("offers", headers=stranger))["items"] == []


async def test_the_database_itself_hides_the_rows_until_the_certificate_is_found(world: World):
    await world.person({"category": "gbv"})
    caller = a_caller()
    await certify(world, caller.subject)
    count = "SELECT count(*) FROM need"
    async with world.database.transaction_of(caller.tenant, said_of(caller)) as session:
        assert (await (await raw(session)).fetchval(count), rights_of(caller).restricted) == (0, False)
        await look_up_certificates(session, caller, policy=world.policy)
        assert (await (await raw(session)).fetchval(count), rights_of(caller).restricted) == (1, True)
        assert await (await raw(session)).fetchval("SELECT count(*) FROM certificate") == 0


async def test_a_request_that_needs_a_second_transaction_asks_again(world: World):
    """For example after a conflict. Taken out: `certified.clear()`."""
    caller = a_caller()
    certificate = await certify(world, caller.subject)
    for is_valid in (True, False):
        async with world.database.transaction_of(caller.tenant, said_of(caller)) as session:
            await look_up_certificates(session, caller, policy=world.policy)
            assert bool(caller.certified) is is_valid
            assert rights_of(caller).restricted is is_valid
        await revoke(world, certificate)


async def test_a_revocation_waits_for_an_act_that_is_under_way(world: World):
    caller = a_caller()
    certificate = await certify(world, caller.subject)
    other = await asyncpg.connect(world.url)
    revoking = "UPDATE certificate SET revoked_at = now() WHERE certificate_id = $1"
    try:
        async with world.database.transaction_of(caller.tenant, said_of(caller)) as session:
            await look_up_certificates(session, caller, policy=world.policy)
            assert caller.certified
            await other.execute("SET lock_timeout = '200ms'")
            with pytest.raises(asyncpg.LockNotAvailableError):
                await other.execute(revoking, certificate.certificate_id)
        await other.execute(revoking, certificate.certificate_id)
        async with world.database.transaction_of(caller.tenant) as session:
            await look_up_certificates(session, caller, policy=world.policy)
            assert not caller.certified
    finally:
        await other.close()


def a_caller() -> Caller:
    """Somebody of the network who signed in."""
    scopes = frozenset({"restricted:read"})
    tenant = Tenant.of({"client_id": "enlace-console", "staff": True}, scopes)
    return Caller(subject=f"desk-{uuid4()}", client_id="enlace-console", scopes=scopes, tenant=tenant, person=True)
