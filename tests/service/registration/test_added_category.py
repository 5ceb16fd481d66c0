"""A category that the pack adds in its taxonomy alone is told and published; one that the pack lacks is refused."""

import pytest

from services.registration.pack import load_pack
from tests.added_category import ADDED, ADDED_KIND, pack_with_childcare
from tests.service.registration.conftest import a_returnee
from tests.service.registration.test_doubtful_parts import arrive, needs, parts


@pytest.fixture(scope="module")
def sample_pack(tmp_path_factory):
    return load_pack(pack_with_childcare(tmp_path_factory.mktemp("added")))


async def test_a_need_of_it_is_told_and_published_by_rest_and_by_event(registration):
    person = await registration.register(needs=[{"category": ADDED, "urgency": "urgent"}])
    again = await registration.post(f"/v1/returnees/{person['id']}/needs", {"category": ADDED, "urgency": "emergency"})
    assert (again.status_code, again.json()["category"], again.json()["told_again"]) == (200, ADDED, True)
    assert await needs(registration, person["id"]) == [(ADDED, "urgent", 1), (ADDED, "emergency", 1)]
    other = await arrive(registration, needs=[{"category": ADDED}, {"category": "food", "after_category": ADDED}])
    assert await needs(registration, other) == [(ADDED, "normal", 1), ("food", "normal", 1)]
    assert await parts(registration, other) == []


async def test_a_need_of_its_kind_is_told_with_details_and_published(registration):
    need = {"category": ADDED, "kind": ADDED_KIND, "detail_values": [{"detail": "nights", "value": 2}]}
    person = await registration.register(needs=[need])
    (told,) = await registration.events("need.reported.v1", key=person["id"])
    assert {name: told[name] for name in need} == need


@pytest.mark.parametrize(
    ("changes", "pointer", "rule", "near"),
    [
        ({"needs": [{"category": "childcair"}]}, "/needs/0/category", "unknown-category", ADDED),
        ({"needs": [{"category": "food", "after_category": "documets"}]}, "/needs/0/after_category",
         "unknown-category", "documents"),
        ({"profile": {"nationality": "GT", "identity_document": "held", "documents_held": ["passport", "pasport"]}},
         "/profile/documents_held/1", "unknown-document", "passport"),
    ],
)  # fmt: skip
async def test_a_code_that_the_pack_lacks_is_refused_with_the_nearest_ones_and_stores_nothing(
    registration, changes, pointer, rule, near
):
    """Taken out: the checks of `need_faults`, and `held_faults` in `arrival_faults`."""
    before = await registration.fetch("SELECT count(*) FROM returnee")
    answer = await registration.post("/v1/returnees", a_returnee(**changes))
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["rule"]) == (pointer, rule)
    assert near in error["detail"]
    assert await registration.fetch("SELECT count(*) FROM returnee") == before


async def test_a_later_need_and_a_correction_are_checked_too(registration):
    """Taken out: `taxonomy` of `report_need`, and `held_faults` in `correct_returnee`."""
    person = await registration.register()
    need = await registration.post(f"/v1/returnees/{person['id']}/needs", {"category": "play"})
    assert (need.status_code, need.json()["errors"][0]["pointer"]) == (422, "/category")
    held = {"profile": {"documents_held": ["birth_certificate", "visa"]}}
    corrected = await registration.patch(f"/v1/returnees/{person['id']}", held, etag='"1"')
    assert corrected.status_code == 422
    (error,) = corrected.json()["errors"]
    assert (error["pointer"], error["rule"]) == ("/profile/documents_held/1", "unknown-document")
