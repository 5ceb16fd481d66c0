"""A service names the kinds of need that it meets: checked against the pack's taxonomy, published and found."""

from uuid import uuid4

import pytest

from libs.taxonomy.model import load_taxonomy
from libs.taxonomy.told import kind_faults
from tests.service.provider_directory.conftest import PACK
from tests.service.provider_directory.making import service_body

HEALTH_POST = {
    "category": "health",
    "service_type": "simple_medication",
    "kinds": [{"kind": "simple_medication", "scope": [{"detail": "symptom_group", "values": ["skin", "pain"]}]}],
}


@pytest.fixture
async def organization_id(directory):
    return await directory.an_organization(name="Red de Ejemplo")


async def put(directory, organization_id, **changes):
    body = service_body(organization_id, **changes)
    return await directory.client.put(
        f"/v1/services/{uuid4()}",
        json=body,
        headers=directory.issuer.headers("directory:read directory:write", organization_id=organization_id),
    )


async def test_the_kinds_of_a_service_are_stored_and_published_with_their_scope(directory, organization_id):
    answer = await put(directory, organization_id, **HEALTH_POST)
    assert answer.status_code == 201
    said = [{"kind": "simple_medication", "scope": [{"detail": "symptom_group", "values": ["pain", "skin"]}]}]
    assert answer.json()["kinds"] == said
    assert answer.json()["published"]["kinds"] == said


async def test_a_service_that_says_nothing_of_kinds_is_taken_as_before(directory, organization_id):
    answer = await put(directory, organization_id)
    assert (answer.status_code, answer.json()["kinds"], answer.json()["published"]["kinds"]) == (201, [], [])


async def test_the_same_kinds_again_change_nothing_and_others_make_a_new_version(directory, organization_id):
    first = (await put(directory, organization_id, **HEALTH_POST)).json()
    headers = directory.issuer.headers("directory:read directory:write", organization_id=organization_id)
    address, body = f"/v1/services/{first['id']}", service_body(organization_id, **HEALTH_POST)
    again = await directory.client.put(address, json=body, headers=headers | {"If-Match": '"1"'})
    assert (again.status_code, again.json()["version"]) == (200, 1)
    body["kinds"] = [{"kind": "basic_care"}, {"kind": "simple_medication"}]
    other = await directory.client.put(address, json=body, headers=headers | {"If-Match": '"1"'})
    assert (other.status_code, other.json()["version"]) == (200, 2)
    assert [kind["kind"] for kind in other.json()["published"]["kinds"]] == ["basic_care", "simple_medication"]


@pytest.mark.parametrize(
    ("changes", "pointer", "rule", "near"),
    [
        ({"kinds": [{"kind": "prothesis"}]}, "/kinds/0/kind", "unknown-kind", "prosthesis"),
        ({"kinds": [{"kind": "zzzzzz"}]}, "/kinds/0/kind", "unknown-kind", "the nearest are"),
        ({"kinds": [{"kind": "bus_ticket"}]}, "/kinds/0/kind", "kind-of-another-category", "a kind of transport"),
        ({"kinds": [{"kind": "basic_care"}, {"kind": "basic_care"}]}, "/kinds/1/kind", "kind-repeated", "once"),
        ({"kinds": [{"kind": "prosthesis", "scope": [{"detail": "limbs", "values": ["leg"]}]}]},
         "/kinds/0/scope/0/detail", "unknown-detail", "limb"),
        ({"kinds": [{"kind": "prosthesis", "scope": [{"detail": "limb", "values": ["leg", "tail"]}]}]},
         "/kinds/0/scope/0/values/1", "unknown-value", "the nearest are"),
        ({"kinds": [{"kind": "prosthesis", "scope": [{"detail": "limb", "values": ["leg"]},
                                                     {"detail": "limb", "values": ["arm"]}]}]},
         "/kinds/0/scope/1/detail", "detail-repeated", "once"),
        ({"category": "shelter", "kinds": [{"kind": "temporary_shelter",
                                            "scope": [{"detail": "nights", "values": ["three"]}]}]},
         "/kinds/0/scope/0/detail", "detail-without-values", "no values"),
        ({"kinds": [{"kind": "prosthesis", "scope": [{"detail": "limb", "values": []}]}]},
         "/kinds/0/scope/0/values", None, ""),
        ({"kinds": [{"kind": "Prosthesis"}]}, "/kinds/0/kind", "string-pattern-mismatch", ""),
        ({"kinds": [{"kind": "prosthesis", "price": 5}]}, "/kinds/0/price", None, ""),
        ({"kinds": "prosthesis"}, "/kinds", None, ""),
        ({"kinds": [{"kind": "prosthesis"}] * 51}, "/kinds", None, ""),
    ],
)  # fmt: skip
async def test_what_the_taxonomy_does_not_have_is_refused_and_stores_nothing(
    directory, organization_id, changes, pointer, rule, near
):
    answer = await put(directory, organization_id, **{"category": "health", "service_type": "clinic"} | changes)
    assert answer.status_code == 422, answer.text
    error = answer.json()["errors"][0]
    assert error["pointer"] == pointer
    assert rule in (None, error["rule"])
    assert near in error["detail"]
    assert await directory.search() == []


def test_a_deprecated_kind_is_refused_with_its_successor():
    taxonomy = load_taxonomy(PACK)
    kinds = taxonomy.kinds | {
        "refreshments": taxonomy.kinds["refreshments"].model_copy(update={"deprecated_by": "hot_meals"})
    }
    changed = taxonomy.model_copy(update={"kinds": kinds})
    [fault] = kind_faults(changed, "refreshments", category="food", pointer="/kind")
    assert (fault.rule, "hot_meals" in fault.detail) == ("deprecated-kind", True)
    assert kind_faults(changed, "refreshments", category="food", pointer="/kind", also_deprecated=True) == []


async def test_services_are_found_by_kind(directory, organization_id):
    await directory.a_service(organization_id, name="Puesto de salud", **HEALTH_POST)
    await directory.a_service(
        organization_id, name="Prótesis", category="health", service_type="prostheses", kinds=[{"kind": "prosthesis"}]
    )
    await directory.a_service(organization_id, name="Sin tipos", category="health", service_type="clinic")
    assert await directory.search(kind="prosthesis") == ["Prótesis"]
    assert await directory.search(kind="simple_medication", category="health") == ["Puesto de salud"]
    assert await directory.search(kind="hospital_care") == []


async def test_a_search_for_an_unknown_kind_names_the_nearest(directory):
    for wanted, rule in (({"kind": "prothesis"}, "unknown-kind"),
                         ({"kind": "prosthesis", "category": "food"}, "kind-of-another-category")):  # fmt: skip
        answer = await directory.client.post(
            "/v1/services/search", json=wanted, headers=directory.issuer.headers("directory:read")
        )
        assert answer.status_code == 422
        [error] = answer.json()["errors"]
        assert (error["pointer"], error["rule"]) == ("/kind", rule)
