"""The API document: every operation says what it needs, shows an example where it takes a body, declares its errors."""

import pytest

from services.registration.app import ROUTERS


@pytest.fixture
async def document(registration):
    return (await registration.client.get("/openapi.json")).json()


def operations(document):
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


async def test_every_operation_needs_a_scope_of_its_own_kind(document):
    assert len(operations(document)) == sum(len(router.routes) for router in ROUTERS)
    for name, operation in operations(document):
        (requirement,) = operation["security"]
        assert requirement["bearer"], name


async def test_every_operation_has_a_sentence_and_its_errors(document):
    for name, operation in operations(document):
        assert operation["description"], name
        assert {"401", "403", "500", "503"} <= set(operation["responses"]), name
        if "{" in name:
            assert "404" in operation["responses"], name


async def test_every_body_has_an_example(document):
    schemas = document["components"]["schemas"]
    for name, operation in operations(document):
        for media in operation.get("requestBody", {}).get("content", {}).values():
            schema = schemas.get(media["schema"].get("$ref", "").rpartition("/")[2], {})
            assert "example" in media or "examples" in media or schema.get("examples"), name


async def test_no_reference_leads_nowhere(document):
    def references(part):
        if isinstance(part, dict):
            if "$ref" in part:
                yield part["$ref"]
            for value in part.values():
                yield from references(value)
        elif isinstance(part, list):
            for value in part:
                yield from references(value)

    for reference in references(document):
        here = document
        for step in reference.removeprefix("#/").split("/"):
            assert step in here, reference
            here = here[step]


async def test_an_unknown_token_scope_or_path_is_told_as_a_problem(registration):
    answers = [
        (401, await registration.client.get("/v1/arrival-batches")),
        (403, await registration.get("/v1/arrival-batches", scopes="offers:read")),
        (404, await registration.get("/v1/nothing")),
        (405, await registration.client.delete("/v1/returnees", headers=registration.headers())),
        (413, await registration.post("/v1/returnees", {"padding": "x" * 2_100_000})),
        (400, await registration.client.post("/v1/returnees", json={}, headers=_without_key(registration))),
    ]
    for status, answer in answers:
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"]


def _without_key(registration):
    return {name: value for name, value in registration.headers().items() if name != "Idempotency-Key"}


async def test_readiness_names_both_databases(registration):
    answer = await registration.client.get("/readyz")
    assert answer.status_code == 200, answer.text
    assert {"database", "keys", "migrations"} <= set(answer.json()["parts"])
