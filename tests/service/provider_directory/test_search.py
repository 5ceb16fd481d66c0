from datetime import UTC, datetime

import pytest
from sqlalchemy.dialects.postgresql import asyncpg
from sqlmodel import select

from services.provider_directory.listings.tables import ProviderService
from services.provider_directory.search.queries import is_found
from tests.service.provider_directory.making import organization_body, pool_body

WEEK = [{"weekday": day, "opens_minute": 480, "closes_minute": 960} for day in range(1, 6)]


@pytest.fixture
async def organization_id(directory):
    return await directory.an_organization(name="Red de Ejemplo")


@pytest.mark.parametrize(
    "text",
    ["Migración", "migracion", "MIGRACIÓN", "migra atenc", "atención migración", "migracio\u0301n", "niñez", "NINEZ"],
)
async def test_words_are_found_without_accents_capitals_or_endings(directory, organization_id, text):
    await directory.a_service(organization_id, name="Atención al migrante", description="Migración y niñez")
    await directory.a_service(organization_id, name="Otra cosa")
    assert await directory.search(text=text) == ["Atención al migrante"]


@pytest.mark.parametrize("text", ["migrante ausente", "%", "_", "&|!", "'", "a:b", "<->", "\\"])
async def test_text_is_never_a_pattern_and_all_its_words_must_appear(directory, organization_id, text):
    await directory.a_service(organization_id, name="Atención al migrante", description="")
    assert await directory.search(text=text) == []


async def test_words_typed_in_two_ways_of_writing_accents_are_the_same(directory, organization_id):
    await directory.a_service(organization_id, name="Nin\u0303ez")
    assert await directory.search(text="niñez") == await directory.search(text="nin\u0303ez") == ["Niñez"]


@pytest.mark.parametrize("text", ["Fundación K\u02bciche\u02bc", "fundacion k'iche'", "KICHE", "k\u2019iche", "ayuda"])
async def test_a_service_is_found_by_what_its_organization_is_called(directory, text):
    owner = await directory.an_organization(name="Fundación K\ua78ciche\ua78c", alternate_name="Ayuda Mutua")
    await directory.a_service(owner, name="Albergue temporal")
    other = await directory.an_organization(name="Casa Ejemplo")
    await directory.a_service(other, name="Clínica")
    assert await directory.search(text=text) == ["Albergue temporal"]
    assert await directory.search(text=f"{text} albergue") == ["Albergue temporal"], "each word may stand elsewhere"
    assert await directory.search(text=f"{text} clinica") == []


async def test_a_service_is_found_by_the_words_of_its_place(directory, organization_id):
    at = await directory.a_location(
        organization_id,
        name="Terminal de Buses",
        description="",
        place="GT1301",
        address={"address_1": "0 Calle", "city": "Chiantla", "country": "GT"},
    )
    lent = {"location_id": str(at), "place": None, "timezone": None}
    await directory.a_service(organization_id, name="En la terminal", **lent)
    await directory.a_service(organization_id, name="Con lugar propio", place="GT12")
    for text in ("terminal buses", "chiantla", "HUEHUETENANGO", "huehue terminal"):
        assert await directory.search(text=text) == ["En la terminal"], text
    assert await directory.search(text="san marcos") == ["Con lugar propio"]
    assert await directory.search(text="quetzaltenango") == []


async def test_a_hidden_address_is_not_found_by_its_town(directory, organization_id):
    hidden = {"address": {"address_1": "0 Calle", "city": "Chiantla", "country": "GT"}, "address_hidden": True}
    await directory.a_service(organization_id, name="Escondido", **hidden)
    at = await directory.a_location(organization_id, name="Casa Secreta", **hidden)
    await directory.a_service(organization_id, name="En casa", location_id=str(at))
    for text in ("chiantla", "secreta"):
        assert await directory.search(text=text) == []
        assert await directory.search(text=text, scopes="directory:read restricted:read") == []


async def test_an_organization_that_is_renamed_or_suspended_is_found_as_it_stands(directory):
    owner = await directory.an_organization(name="Nombre Viejo")
    await directory.a_service(owner, name="Comedor")
    assert await directory.search(text="viejo") == ["Comedor"]
    path = f"/v1/organizations/{owner}"
    renamed = organization_body(name="Nombre Nuevo")
    assert (await directory.put(path, renamed, headers={"If-Match": "*"})).status_code == 200
    assert await directory.search(text="viejo") == []
    assert await directory.search(text="nuevo") == ["Comedor"]
    assert (await directory.put(path, renamed | {"status": "suspended"}, headers={"If-Match": "*"})).status_code == 200
    assert await directory.search(text="nuevo") == []


async def test_whose_own_name_has_the_words_comes_first_on_every_page(directory):
    owner = await directory.an_organization(name="Pastoral Quetzal")
    other = await directory.an_organization(name="Otra")
    await directory.a_service(owner, name="Albergue")
    await directory.a_service(owner, name="Zapatería Quetzal")
    await directory.a_service(other, name="Alimentos", description="Cerca del parque Quetzal")
    order = ["Zapatería Quetzal", "Albergue", "Alimentos"]
    assert await directory.search(text="quetzal") == order
    seen, after = [], None
    while True:
        params = {"limit": 1} | ({"after": after} if after else {})
        answer = await directory.post(
            "/v1/services/search", {"text": "quetzal"}, scopes="directory:read", params=params
        )
        page = answer.json()
        seen += [hit["service"]["name"] for hit in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == order


async def test_a_text_is_found_by_indexes_among_very_many_services(directory):
    await directory.fetch(
        """
        INSERT INTO organization (id, name, description, organization_type, restricted, status, version, created_at,
                                  changed_at)
        SELECT gen_random_uuid(), 'Red ' || n, '', 'civil_society', false, 'active', 1, now(), now()
        FROM generate_series(1, 400) n
        """
    )
    owner = await directory.an_organization(name="Pastoral Quetzal")
    pattern = await directory.a_service(owner, name="Albergue", place="GT13")
    columns = await directory.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'service'::regclass AND attnum > 0 AND NOT attisdropped"
        " AND attgenerated = '' AND attname NOT IN ('id', 'organization_id', 'name', 'place')"
    )
    names = ", ".join(row["attname"] for row in columns)
    copied = ", ".join(f"s.{row['attname']}" for row in columns)
    await directory.fetch(
        f"""
        INSERT INTO service (id, organization_id, name, place, {names})
        SELECT gen_random_uuid(), o.id, 'Servicio ' || n, 'GT' || lpad((n % 22 + 30)::text, 2, '0'), {copied}
        FROM organization o, generate_series(1, 50) n,
             (SELECT {names} FROM service WHERE id = $1) s
        """,
        pattern,
    )
    for table in ("service", "organization", "location", "address"):
        await directory.fetch(f"VACUUM ANALYZE {table}")
    statement = select(ProviderService.id).where(is_found("pastoral huehuetenango", {"GT13": "Huehuetenango"}))
    written = statement.compile(dialect=asyncpg.dialect())
    values = [written.params[name] for name in written.positiontup]
    explained = await directory.fetch(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {written}", *values)
    plan = "\n".join(row[0] for row in explained)
    assert "Seq Scan on service" not in plan, plan
    assert await directory.search(text="pastoral huehuetenango") == ["Albergue"]


async def test_codes_narrow_the_search(directory, organization_id):
    await directory.a_service(organization_id, name="Albergue", languages=["spa", "mam"])
    await directory.a_service(organization_id, name="Clínica", category="health", service_type="clinic")
    assert await directory.search(category="health") == ["Clínica"]
    assert await directory.search(service_type="temporary_shelter") == ["Albergue"]
    assert await directory.search(language="mam") == ["Albergue"]
    assert await directory.search(language="kek") == []
    assert await directory.search(language="mam", category="health") == []


async def test_a_place_is_served_by_what_covers_it_and_by_what_serves_everywhere(directory, organization_id):
    for name, catchment in (("Todo", []), ("País", ["GT"]), ("Huehue", ["GT13"]), ("Otro", ["GT12", "HN"])):
        await directory.a_service(organization_id, name=name, catchment=catchment)
    assert await directory.search(place="GT13") == ["Huehue", "País", "Todo"]
    assert await directory.search(place="GT1301") == ["Huehue", "País", "Todo"]
    assert await directory.search(place="GT12") == ["Otro", "País", "Todo"]


async def test_open_at_goes_by_the_clock_where_the_service_is(directory, organization_id):
    await directory.a_service(organization_id, name="Guatemala", openings=WEEK)
    await directory.a_service(organization_id, name="Madrid", openings=WEEK, timezone="Europe/Madrid")
    await directory.a_service(organization_id, name="Siempre")
    # Monday 2026-01-05: 8 o'clock in Guatemala is 14 UTC, in Madrid 7 UTC.
    assert await directory.search(open_at="2026-01-05T14:00:00Z") == ["Guatemala", "Madrid", "Siempre"]
    assert await directory.search(open_at="2026-01-05T08:00:00-06:00") == ["Guatemala", "Madrid", "Siempre"]
    assert await directory.search(open_at="2026-01-05T13:59:59Z") == ["Madrid", "Siempre"]
    assert await directory.search(open_at="2026-01-05T07:00:00Z") == ["Madrid", "Siempre"]
    assert await directory.search(open_at="2026-01-05T22:00:00Z") == ["Siempre"]
    assert await directory.search(open_at="2026-01-04T15:00:00Z") == ["Siempre"]


async def test_a_location_lends_its_clock_and_its_hours(directory, organization_id):
    at = await directory.a_location(organization_id, openings=WEEK, timezone="Europe/Madrid")
    lent = {"location_id": str(at), "place": None, "timezone": None}
    await directory.a_service(organization_id, name="Con su horario", **lent)
    await directory.a_service(organization_id, name="Sin horario", openings=[], **lent)
    assert await directory.search(open_at="2026-01-05T07:00:00Z") == ["Con su horario", "Sin horario"]
    assert await directory.search(open_at="2026-01-05T15:00:00Z") == ["Sin horario"]


async def test_accepts_now_wants_a_free_place_by_what_stands(directory, organization_id):
    pools = {
        "Libre": [pool_body()],
        "Llena": [pool_body(available=0)],
        "Pasada": [pool_body(ends_on="2020-01-31")],
        "Futura": [pool_body(starts_on=f"{datetime.now(UTC).year + 5}-01-01")],
        "Con una": [pool_body(available=0), pool_body(kind="seats", available=1)],
    }
    for name, declared in pools.items():
        await directory.a_declaration(await directory.a_service(organization_id, name=name), *declared)
    await directory.a_service(organization_id, name="Sin cifras")
    assert await directory.search(accepts_now=True) == ["Con una", "Libre"]
    answer = await directory.post("/v1/services/search", {"text": "con una"})
    [hit] = answer.json()["items"]
    assert (hit["available"], hit["organization_name"]) == (1, "Red de Ejemplo")
    [hit] = (await directory.post("/v1/services/search", {"text": "cifras"})).json()["items"]
    assert (hit["available"], hit["as_of"]) == (None, None)


async def test_what_takes_no_part_in_routing_is_not_found(directory, organization_id):
    service_id = await directory.a_service(organization_id, name="Activa")
    suspended = await directory.a_service(organization_id, name="Suspendida")
    await directory.post(f"/v1/services/{suspended}/suspend")
    assert await directory.search() == ["Activa"]
    away = organization_body(status="suspended")
    await directory.put(f"/v1/organizations/{organization_id}", away, headers={"If-Match": "*"})
    assert await directory.search() == []
    assert (await directory.get(f"/v1/services/{service_id}")).status_code == 200


async def test_the_search_is_paged_without_gaps_or_repeats(directory, organization_id):
    names = ["B", "A", "C", "A", "B"]
    for name in names:
        await directory.a_service(organization_id, name=f"Casa {name}")
    found, params = [], {"limit": 2}
    while True:
        page = (await directory.post("/v1/services/search", {"text": "casa"}, params=params)).json()
        found += [hit["service"]["id"] for hit in page["items"]]
        if page["next"] is None:
            break
        params["after"] = page["next"]
    assert len(found) == len(set(found)) == len(names)


async def test_a_cursor_of_another_list_is_refused(directory, organization_id):
    for name in ("A", "B"):
        await directory.a_service(organization_id, name=name)
    cursor = (await directory.get("/v1/services", params={"limit": 1})).json()["next"]
    refused = await directory.post("/v1/services/search", {}, params={"after": cursor})
    assert (refused.status_code, refused.json()["errors"][0]["rule"]) == (422, "bad-cursor")
