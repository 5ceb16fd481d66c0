"""The search for certain people: what may accept them, and why a service is a result."""

import pytest

from services.provider_directory.search.eligibility import admits
from services.provider_directory.search.schemas import PersonTraits
from tests.service.provider_directory.making import pool_body


@pytest.fixture
async def organization_id(directory):
    return await directory.an_organization(name="Red de Ejemplo")


def woman(**more):
    return {"sex": "female", "age": 31, **more}


ELIGIBILITIES = {
    "Mujeres": {"eligibility": {"sexes": ["female"]}},
    "Adultos": {"eligibility": {"minimum_age": 18}},
    "Niñez": {"eligibility": {"maximum_age": 17, "unaccompanied_children": True}},
    "Sin hogares": {"eligibility": {"households": False}},
    "Nacionales": {"eligibility": {"nationalities": ["GT"]}},
    "Con papeles": {"eligibility": {"documents_required": ["passport", "birth_certificate"]}},
    "Accesible": {"access": ["wheelchair", "visual"]},
}


@pytest.mark.parametrize(
    ("people", "excluded"),
    [
        ([{}], []),
        ([woman()], ["Niñez"]),
        ([{"sex": "male"}], ["Mujeres"]),
        ([{"sex": "unknown"}], ["Mujeres"]),
        ([woman(), {"sex": "male", "age": 8}], ["Adultos", "Niñez", "Sin hogares"]),
        ([woman(), {"sex": "male", "age": 18}], ["Mujeres", "Niñez", "Sin hogares"]),
        ([woman(), {"sex": "male"}], ["Mujeres", "Niñez", "Sin hogares"]),
        ([{"sex": "male", "age": 8}], ["Adultos", "Mujeres"]),
        ([{}, {}], ["Sin hogares"]),
        ([{"age_group": "adult"}], ["Niñez"]),
        ([{"age_group": "child"}], ["Adultos"]),
        ([{"age_group": "unsure"}], []),
        ([{"age_group": "adult", "age": 8}], ["Adultos"]),
        ([woman(), {"age_group": "child", "sex": "male"}], ["Adultos", "Niñez", "Sin hogares"]),
        ([{"nationality": "HN"}], ["Nacionales"]),
        ([{"nationality": "GT"}], []),
        ([{"documents_held": []}], ["Con papeles"]),
        ([{"documents_held": ["passport"]}], ["Con papeles"]),
        ([{"documents_held": ["passport", "birth_certificate"]}], []),
        ([{}, {"documents_held": []}], ["Sin hogares"]),
    ],
)
async def test_people_are_offered_only_what_may_accept_all_of_them(directory, organization_id, people, excluded):
    for name, limits in ELIGIBILITIES.items():
        await directory.a_service(organization_id, name=name, **limits)
    found = await directory.search(for_people=people)
    assert sorted(ELIGIBILITIES.keys() - set(found)) == excluded


async def test_a_child_alone_needs_a_licence_and_access_may_be_that_of_the_location(directory, organization_id):
    for name, limits in ELIGIBILITIES.items():
        await directory.a_service(organization_id, name=name, **limits)
    at = await directory.a_location(organization_id, access=["visual"])
    await directory.a_service(organization_id, name="En casa", location_id=str(at), place=None, timezone=None)
    assert await directory.search(for_people=[{"age": 15, "unaccompanied_child": True}]) == ["Niñez"]
    assert await directory.search(for_people=[{"access_needs": ["visual"]}]) == ["Accesible", "En casa"]
    assert await directory.search(for_people=[{"access_needs": ["visual", "wheelchair"]}]) == ["Accesible"]


async def test_a_free_place_for_each_of_the_people_is_wanted(directory, organization_id):
    pools = {
        "Dos y una": [pool_body(available=2), pool_body(kind="family_beds", available=1)],
        "Dos y una pasada": [pool_body(available=2), pool_body(kind="family_beds", available=1, ends_on="2020-01-31")],
        "Cuatro": [pool_body(available=4)],
    }
    for name, declared in pools.items():
        await directory.a_declaration(await directory.a_service(organization_id, name=name), *declared)
    assert await directory.search(accepts_now=True, for_people=[{}, {}, {}]) == ["Cuatro", "Dos y una"]
    assert await directory.search(accepts_now=True, for_people=[{}, {}]) == ["Cuatro", "Dos y una", "Dos y una pasada"]


async def test_each_result_says_which_criteria_it_meets_and_how(directory, organization_id):
    night = [{"weekday": 1, "opens_minute": 0, "closes_minute": 1440}]
    shelter = {"languages": ["spa", "quc"], "kinds": [{"kind": "refreshments"}], "category": "food"}
    service_id = await directory.a_service(
        organization_id, name="Casa Xela", place="GT0901", catchment=["GT09"], openings=night, **shelter
    )
    await directory.a_service(organization_id, name="Todo", description="Casa", **shelter)
    await directory.a_declaration(service_id, pool_body(available=7))
    wanted = {
        "text": "casa", "category": "food", "kind": "refreshments", "service_type": "temporary_shelter",
        "place": "GT09", "language": "quc", "open_at": "2026-01-05T14:00:00Z",
        "for_people": [woman(nationality="GT", documents_held=[]), {"age": 8, "sex": "male"}],
    }  # fmt: skip
    [one, other] = (await directory.post("/v1/services/search", wanted)).json()["items"]
    people = ["sex", "age", "nationality", "household", "documents"]
    codes = ["category", "kind", "service_type"]
    assert one["matches"] == ["name", *codes, "serves_place", "located_there", "language", "open_then", *people]
    assert other["matches"] == ["words", *codes, "serves_everywhere", "language", "always_open", *people]
    [full] = (await directory.post("/v1/services/search", {"accepts_now": True})).json()["items"]
    assert full["matches"] == ["free_places"]
    [*every] = (await directory.post("/v1/services/search", {"text": "ejemplo"})).json()["items"]
    assert [hit["matches"] for hit in every] == [["organization"]] * 2


def test_the_conditions_are_as_many_for_a_large_household_as_for_a_small_one():
    mother = PersonTraits(**woman(nationality="GT", documents_held=["passport"], access_needs=["visual"]))
    small, large = (list(map(str, admits([mother, *[PersonTraits(age=4)] * count]))) for count in (1, 29))
    assert small == large
