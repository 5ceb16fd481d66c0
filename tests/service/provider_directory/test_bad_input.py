"""Bad input is refused with the field and the rule, stores nothing and is never a 5xx."""

import json
from uuid import uuid4

import pytest

from tests.service.provider_directory.making import location_body, organization_body, pool_body, service_body

ORGANIZATION = uuid4()


def _opening(**changes):
    return {"weekday": 1, "opens_minute": 480, "closes_minute": 720, **changes}


def _service(**changes):
    return service_body(ORGANIZATION, **changes)


def _eligible(**changes):
    return _service(eligibility=changes)


SERVICES = [
    (_service(surprise=1), "/surprise", "extra-forbidden"),
    ({}, "/organization_id", "missing"),
    ([], "", "model-attributes-type"),
    (_service(name=""), "/name", "string-too-short"),
    (_service(name="   "), "/name", "string-too-short"),
    (_service(name="x" * 201), "/name", "string-too-long"),
    (_service(name="nul\x00"), "/name", "nul-character"),
    (_service(name="bell\x07"), "/name", "string-pattern-mismatch"),
    (_service(name="half \ud800"), "/name", "lone-surrogate"),
    (_service(name=7), "/name", "string-type"),
    (_service(description="x" * 5001), "/description", "string-too-long"),
    (_service(category="spa"), "/category", "unknown-category"),
    (_service(category="Spa"), "/category", "string-pattern-mismatch"),
    (_service(service_type="With Blank"), "/service_type", "string-pattern-mismatch"),
    (_service(place="Guatemala"), "/place", "string-pattern-mismatch"),
    (_service(place="GT01\n"), "/place", "string-pattern-mismatch"),
    (_service(catchment=["GT13", "g"]), "/catchment/1", "string-pattern-mismatch"),
    (_service(catchment=["GT01"] * 501), "/catchment", "too-long"),
    (_service(languages=[]), "/languages", "too-short"),
    (_service(languages=["es"]), "/languages/0", "string-pattern-mismatch"),
    (_service(access=["ramp"]), "/access/0", "enum"),
    (_service(timezone="America/Nowhere"), "/timezone", "time-zone"),
    (_service(timezone="../../etc/passwd"), "/timezone", "time-zone"),
    (_service(timezone="localtime"), "/timezone", "time-zone"),
    (_service(place=None), "", "place-or-location"),
    (_service(timezone=None), "", "place-or-location"),
    (_service(status="closed"), "/status", "enum"),
    (_service(max_stay_hours=0), "/max_stay_hours", "greater-than-equal"),
    (_service(max_stay_hours=10**12), "/max_stay_hours", "less-than-equal"),
    (_service(openings=[_opening(weekday=8)]), "/openings/0/weekday", "less-than-equal"),
    (_service(openings=[_opening(closes_minute=1441)]), "/openings/0/closes_minute", "less-than-equal"),
    (_service(openings=[_opening(closes_minute=480)]), "/openings/0", "closes-after-opening"),
    (_service(openings=[_opening(), _opening(opens_minute=719, closes_minute=900)]), "/openings", "openings-overlap"),
    (_service(openings=[_opening(), _opening()]), "/openings", "openings-overlap"),
    (_service(address={"address_1": "Calle"}), "/address/city", "missing"),
    (_service(organization_id="7"), "/organization_id", "uuid-parsing"),
    (_eligible(minimum_age=7), "/eligibility/minimum_age", "age-band-edge"),
    (_eligible(maximum_age=18), "/eligibility/maximum_age", "age-band-edge"),
    (_eligible(minimum_age=False), "/eligibility/minimum_age", "int-type"),
    (_eligible(minimum_age=10**30), "/eligibility/minimum_age", "number-out-of-range"),
    (_eligible(minimum_age=18, maximum_age=17), "/eligibility", "ages-admit-nobody"),
    (_eligible(sexes=["f"]), "/eligibility/sexes/0", "enum"),
    (_eligible(nationalities=["Guatemala"]), "/eligibility/nationalities/0", "string-pattern-mismatch"),
    (_eligible(documents_required=["visa"]), "/eligibility/documents_required", "unknown-document"),
    (
        _eligible(documents_required=["passport", "a visa"]),
        "/eligibility/documents_required/1",
        "string-pattern-mismatch",
    ),
]

CAPACITIES = [
    ({}, "/pools", "missing"),
    ({"pools": [pool_body(available=11)]}, "/pools/0", "available-above-maximum"),
    ({"pools": [pool_body(available=-1)]}, "/pools/0/available", "greater-than-equal"),
    ({"pools": [pool_body(maximum=10**30)]}, "/pools/0/maximum", "number-out-of-range"),
    ({"pools": [pool_body(available=1.5)]}, "/pools/0/available", "int-type"),
    ({"pools": [pool_body(kind="Beds!")]}, "/pools/0/kind", "string-pattern-mismatch"),
    ({"pools": [pool_body(id=str(ORGANIZATION)), pool_body(id=str(ORGANIZATION))]}, "/pools", "pool-repeated"),
    ({"pools": [pool_body(starts_on="2026-02-02", ends_on="2026-02-01")]}, "/pools/0", "ends-before-start"),
    ({"pools": [pool_body(starts_on="0001-01-01")]}, "/pools/0/starts_on", "too-long-ago"),
    ({"pools": [pool_body(ends_on="9999-12-31")]}, "/pools/0/ends_on", "too-far-ahead"),
    ({"pools": [pool_body(starts_on=0)]}, "/pools/0/starts_on", "day"),
    ({"pools": [pool_body(starts_on="2026-01-01T00:00:00")]}, "/pools/0/starts_on", "day"),
    ({"pools": [pool_body() for _ in range(101)]}, "/pools", "too-long"),
    ({"as_of": "2026-01-01T00:00:00", "pools": []}, "/as_of", "time-zone"),
    ({"as_of": "0001-01-01T00:00:00+14:00", "pools": []}, "/as_of", "too-long-ago"),
    ({"as_of": "9999-12-31T23:59:59-14:00", "pools": []}, "/as_of", "too-far-ahead"),
    ({"as_of": "yesterday", "pools": []}, "/as_of", "moment"),
]

SEARCHES = [
    ({"text": ""}, "/text", "string-too-short"),
    ({"text": "x" * 201}, "/text", "string-too-long"),
    ({"text": "a\x00b"}, "/text", "nul-character"),
    ({"category": "spa"}, "/category", "unknown-category"),
    ({"place": "gt01"}, "/place", "string-pattern-mismatch"),
    ({"language": "spanish"}, "/language", "string-pattern-mismatch"),
    ({"open_at": "2026-01-05T08:00:00"}, "/open_at", "time-zone"),
    ({"open_at": "9999-12-31T23:59:59-14:00"}, "/open_at", "too-far-ahead"),
    ({"accepts_now": "true"}, "/accepts_now", "bool-type"),
    ({"near": "GT01"}, "/near", "extra-forbidden"),
    ({"for_people": []}, "/for_people", "too-short"),
    ({"for_people": [{}] * 31}, "/for_people", "too-long"),
    ({"for_people": [{"age": 121}]}, "/for_people/0/age", "less-than-equal"),
    ({"for_people": [{}, {"sex": "woman"}]}, "/for_people/1/sex", "enum"),
    ({"for_people": [{"name": "Sample"}]}, "/for_people/0/name", "extra-forbidden"),
    ({"for_people": [{"documents_held": ["pasport"]}]}, "/for_people/0/documents_held/0", "unknown-document"),
]

ORGANIZATIONS = [
    (organization_body(website="ftp://provider.example"), "/website", "string-pattern-mismatch"),
    (organization_body(organization_type="club"), "/organization_type", "enum"),
    (organization_body(description=None), "/description", "string-type"),
    ({"name": "Sin descripción"}, "/description", "missing"),
]

LOCATIONS = [
    (location_body(ORGANIZATION, latitude=14.6), "", "latitude-with-longitude"),
    (location_body(ORGANIZATION, latitude=91, longitude=0), "/latitude", "less-than-equal"),
    (location_body(ORGANIZATION, location_type="mobile"), "/location_type", "enum"),
    (location_body(ORGANIZATION, place=None), "/place", "string-type"),
]

# Not drawn anew: names of tests hold them, and each worker of a parallel run must collect the same names.
SERVICE = "/v1/services/6a1f0f0e-6d0c-4d3b-9a53-0d3b5f5f7c11"
NOT_THERE = "/v1/organizations/b9a6a0de-3c0a-4f0b-8f5e-51e6a1c0d7a2"
TABLE = [
    *(("PUT", SERVICE, *row) for row in SERVICES),
    *(("PUT", f"{SERVICE}/capacity", *row) for row in CAPACITIES),
    *(("POST", "/v1/services/search", *row) for row in SEARCHES),
    *(("PUT", f"/v1/organizations/{uuid4()}", *row) for row in ORGANIZATIONS),
    *(("PUT", f"/v1/locations/{uuid4()}", *row) for row in LOCATIONS),
]


async def test_every_bad_body_is_refused_with_its_field_and_rule(directory):
    await directory.an_organization(ORGANIZATION)
    before = await directory.fetch("SELECT count(*) FROM outbox")
    wrong = []
    for method, path, body, pointer, rule in TABLE:
        # As ASCII: half of a surrogate pair can be written in JSON, but not in UTF-8.
        sent = {"content": json.dumps(body), "headers": {"Content-Type": "application/json"}}
        answer = await directory.call(method, path, **sent)
        told = answer.json()
        errors = [(error["pointer"], error["rule"]) for error in told.get("errors", [])]
        if answer.status_code != 422 or told["code"] != "invalid-input" or (pointer, rule) not in errors:
            wrong.append((path, pointer, rule, answer.status_code, errors))
    assert wrong == [], wrong
    assert await directory.fetch("SELECT count(*) FROM outbox") == before


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/services/not-an-id", 422),
        ("GET", "/v1/services?limit=0", 422),
        ("GET", "/v1/services?limit=201", 422),
        ("GET", "/v1/services?category=spa", 422),
        ("GET", "/v1/services?after=forged", 422),
        ("PUT", f"{NOT_THERE}/accreditations/spa", 422),
        ("GET", "/v1/nothing", 404),
        ("DELETE", SERVICE, 405),
    ],
)
async def test_every_error_is_a_problem_document(directory, method, path, status):
    answer = await directory.call(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


async def test_an_error_never_repeats_what_was_sent(directory):
    marked = "Persona-Marcada-9731"
    for body in (
        _service(name=[marked]),
        _service(category=marked),
        _service(timezone=marked),
        _service(**{marked: 1}),
        _service(openings=[{marked: marked}]),
    ):
        answer = await directory.put(SERVICE, body)
        told = {error["detail"] for error in answer.json()["errors"]} | {answer.json()["detail"]}
        assert answer.status_code == 422
        assert marked not in str(told)


async def test_what_is_not_json_is_refused(directory):
    for content in (b"", b"{", b"\xff\xfe", b'{"name": NaN}', b"null", b'"text"'):
        answer = await directory.call("PUT", SERVICE, content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422), content
