"""The second wall of the directory: restricted listings exist with the scope only, a listing is written by its own."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import pytest

from libs.chassis.clock import Clock
from libs.chassis.database import Database, raw
from libs.chassis.tenancy import Tenant
from services.provider_directory.listings import queries as listings
from services.provider_directory.organizations.rules import Rights
from tests.infra import for_service
from tests.service.provider_directory.making import OWNER, READER, pool_body, service_body

WALLED = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relrowsecurity ORDER BY relname"
SERVICES = {
    "language", "service_area", "required_document", "capacity", "service_capacity", "capacity_declaration", "schedule",
}  # fmt: skip
NOT_ONLY_ADDED_TO = "capacity_declaration"


@pytest.fixture
async def database(directory):
    database = Database(for_service(directory.database_url), clock=Clock(), application_name="walls")
    yield database
    await database.close()


@pytest.fixture
async def two(directory) -> dict[str, dict[str, UUID]]:
    """Two organisations, each with an ordinary and a restricted service at places of their own, and capacity."""
    made = {}
    for name in ("one", "other"):
        organization = await directory.an_organization()
        shown, hidden = [await directory.a_location(organization) for _ in range(2)]
        openings = [{"weekday": 1, "opens_minute": 480, "closes_minute": 960}]
        more = {
            "openings": openings, "catchment": ["GT01"], "eligibility": {"documents_required": ["passport"]},
        }  # fmt: skip
        service = await directory.a_service(organization, location_id=str(shown), **more)
        restricted = await directory.a_service(
            organization, location_id=str(hidden), category="gbv", restricted=True, **more
        )
        for one in (service, restricted):
            await directory.a_declaration(one)
        await directory.put(f"/v1/organizations/{organization}/agreements/gbv", {"valid_until": "2029-01-01"})
        await directory.put(f"/v1/organizations/{organization}/agreements/shelter", {"valid_until": "2029-01-01"})
        made[name] = {
            "organization": organization, "service": service, "restricted": restricted, "shown": shown,
            "hidden": hidden,
        }  # fmt: skip
    return made


RESTRICTED = {"enlace.hidden_categories": "{anti_trafficking,gbv}"}
"""What a request tells the database: the restricted categories of the pack."""


async def counts(database: Database, of: Tenant | None, told: dict[str, str] | None = RESTRICTED) -> dict[str, int]:
    async with database.transaction_of(of, told) as session:
        connection = await raw(session)
        tables = [row["relname"] for row in await connection.fetch(WALLED)]
        return {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in tables}


async def test_restricted_listings_and_all_that_hangs_on_them_exist_with_the_scope_only(database, two):
    tenants = [Tenant("a", organization_id=two["one"]["organization"]), Tenant("a", staff=True)]
    for tenant in tenants:
        shown = await counts(database, tenant)
        assert (shown["organization"], shown["service"], shown["agreement"]) == (2, 2, 2)
        everything = await counts(database, Tenant("a", tenant.organization_id, staff=tenant.staff, restricted=True))
        assert everything["service"] == 4
        assert everything["agreement"] == 4
        for table in SERVICES:
            assert (shown[table], everything[table]) == (2, 4), table
        # A transaction that says nothing of restricted categories sees none at all.
        assert (await counts(database, tenant, None))["agreement"] == 0
    shown = await counts(database, tenants[0])
    assert (shown["location"], shown["address"]) == (2, 2), "a place that lists only what is restricted doesn't exist"


async def test_the_street_of_a_hidden_address_exists_for_its_own_and_with_the_scope(directory, database, two):
    location = await directory.a_location(two["one"]["organization"], address_hidden=True)
    await directory.a_service(two["one"]["organization"], location_id=str(location))
    look = "SELECT count(*) FROM address WHERE location_id = $1"
    for tenant, count in (
        (Tenant("a", organization_id=two["one"]["organization"]), 1),
        (Tenant("a", organization_id=two["other"]["organization"]), 0),
        (Tenant("a", staff=True), 0),
        (Tenant("a", staff=True, restricted=True), 1),
    ):
        async with database.transaction_of(tenant) as session:
            assert await (await raw(session)).fetchval(look, location) == count, tenant


@pytest.mark.parametrize("of", [None], ids=["nobody"])
async def test_nobody_sees_restricted_listings_or_writes(database, two, of):
    async with database.transaction_of(of) as session:
        connection = await raw(session)
        assert await connection.fetchval("SELECT count(*) FROM service WHERE restricted") == 0
        assert await connection.execute("UPDATE service SET name = 'taken'") == "UPDATE 0"


@pytest.mark.parametrize("told", [None, {"enlace.administers": "true"}], ids=["organisation", "administrator"])
async def test_a_listing_is_written_by_its_own_organisation_and_by_administrators(database, two, told):
    one, other = two["one"], two["other"]
    own = told is None
    tenant = Tenant("a", organization_id=one["organization"]) if own else Tenant("a", staff=True)
    tables = ("organization", "service", "location", "schedule", "language", "service_capacity", "capacity")
    keys = {"organization": "id = $1", "service": "organization_id = $1", "location": "organization_id = $1"}
    of_service = "service_id IN (SELECT id FROM service WHERE organization_id = $1)"
    async with database.transaction_of(tenant, told) as session:
        connection = await raw(session)
        for table in tables:
            for whose, may in ((one["organization"], True), (other["organization"], not own)):
                column = (await connection.fetchval(
                    "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0"
                    " AND attgenerated = '' AND NOT attisdropped ORDER BY attnum LIMIT 1", table,
                ))  # fmt: skip
                condition = keys.get(table, of_service)
                done = await connection.execute(f"UPDATE {table} SET {column} = {column} WHERE {condition}", whose)
                assert (done != "UPDATE 0") is may, (table, whose)
        if own:
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                async with session.begin_nested():
                    await (await raw(session)).execute(
                        "INSERT INTO location (id, organization_id, place, timezone, access, address_hidden, version,"
                        " created_at, changed_at) SELECT uuidv7(), $1, place, timezone, access, false, 1, now(), now()"
                        " FROM location LIMIT 1",
                        other["organization"],
                    )
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                await connection.execute("UPDATE service SET organization_id = $1", other["organization"])


async def test_requests_whose_rule_is_gone_still_change_and_show_nothing_foreign(directory, two, monkeypatch):
    """The attack: the same requests against a service whose rules let everything through."""
    for rule in ("may_write", "sees", "sees_category", "sees_address"):
        monkeypatch.setattr(Rights, rule, lambda *_, **__: True)
    monkeypatch.setattr(listings, "location_exists_for", _always)
    one, other = two["one"], two["other"]
    stranger = {"of": other["organization"], "scopes": OWNER, "headers": {"If-Match": "*"}}
    before = await directory.fetch("SELECT count(*) FROM outbox")
    for method, path, body in (
        ("PUT", f"/v1/services/{one['service']}", service_body(one["organization"], name="Taken")),
        ("PUT", f"/v1/services/{one['service']}/capacity", {"pools": [pool_body()]}),
        ("POST", f"/v1/services/{one['service']}/withdraw", None),
    ):
        answer = await directory.call(method, path, json=body, **stranger)
        assert answer.status_code >= 400, path
    assert await directory.fetch("SELECT count(*) FROM outbox") == before
    reader = {"of": other["organization"], "scopes": READER}
    for path in (
        f"services/{one['restricted']}",
        f"services/{one['restricted']}/capacity",
        f"locations/{one['hidden']}",
    ):
        assert (await directory.get(f"/v1/{path}", **reader)).status_code == 404, path
    listed = (await directory.get("/v1/services", **reader)).json()["items"]
    assert {one["service"], other["service"]} == {UUID(item["id"]) for item in listed}
    found = await directory.post("/v1/services/search", {"text": "Albergue"}, **reader)
    assert {UUID(item["service"]["id"]) for item in found.json()["items"]} == {one["service"], other["service"]}


async def _always(*_: object, **__: object) -> bool:
    return True


async def test_lists_walk_their_index_behind_the_wall_and_read_settings_once(database, two):
    async with database.transaction_of(Tenant("a", organization_id=two["one"]["organization"])) as session:
        connection = await raw(session)
        await connection.execute("SET LOCAL enable_seqscan = off")
        for statement, index in (
            ("SELECT * FROM service WHERE NOT restricted ORDER BY name, id LIMIT 50", "service_by_name"),
            ("SELECT * FROM service WHERE category = 'shelter' ORDER BY name, id LIMIT 50", "service_by_category"),
            ("SELECT * FROM organization WHERE NOT restricted ORDER BY name, id LIMIT 50", "organization_by_name"),
            (f"SELECT * FROM language WHERE service_id = '{two['one']['service']}'", "language_of_service"),
        ):
            plan = [row[0].strip() for row in await connection.fetch(f"EXPLAIN (VERBOSE) {statement}")]
            assert any(index in line for line in plan), "\n".join(plan)
            asked = [line for line in plan if "current_setting" in line]
            assert asked
            assert all(line.startswith("Output:") for line in asked), "\n".join(plan)
