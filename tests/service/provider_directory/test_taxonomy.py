"""The taxonomy over HTTP: one language, an ETag that spares reading it again, and refusals that name the field."""

import pytest

from services.provider_directory.taxonomy.rules import language_for

READER = "directory:read"


async def read(directory, *, query="", scopes=READER, **headers):
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return await directory.client.get(f"/v1/taxonomy{query}", headers=directory.issuer.headers(scopes) | told)


async def test_categories_and_kinds_are_read_in_the_language_that_is_asked_for(directory):
    english = await read(directory, query="?language=en")
    assert english.status_code == 200
    assert english.headers["content-language"] == "en"
    assert english.headers["vary"] == "Accept-Language"
    found = english.json()
    assert (found["country"], found["language"], found["languages"]) == ("GT", "en", ["es", "en"])
    kinds = {kind["code"]: kind for kind in found["kinds"]}
    assert kinds["prosthesis"]["label"] == "Prosthesis"
    assert kinds["prosthesis"]["category"] == "health"
    assert kinds["prosthesis"]["details"] == ["limb", "side"]
    assert kinds["identity_document"]["yields"] == ["identity_card"]
    assert {kind["category"] for kind in found["kinds"]} == {category["code"] for category in found["categories"]}
    spanish = (await read(directory, query="?language=es")).json()
    assert {kind["code"] for kind in spanish["kinds"]} == kinds.keys()
    assert next(one["label"] for one in spanish["kinds"] if one["code"] == "prosthesis") == "Prótesis"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (None, "es"),
        ("en", "en"),
        ("en-US,en;q=0.9", "en"),
        ("fr, en;q=0.5, es;q=0.4", "en"),
        ("en;q=0, es", "es"),
        ("es;q=0.2, en;q=0.8", "en"),
        ("fr", "es"),
        ("*", "es"),
        ("en;q=often", "es"),
        (";;;,,", "es"),
    ],
)
async def test_without_a_language_in_the_address_the_header_decides(directory, accepted, language):
    answer = await read(directory, **({} if accepted is None else {"Accept_Language": accepted}))
    assert (answer.status_code, answer.json()["language"]) == (200, language)
    assert language_for(accepted, ["es", "en"]) == language


async def test_a_reader_who_has_it_already_gets_no_body(directory):
    first = await read(directory, query="?language=en")
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await read(directory, query="?language=en", If_None_Match=known)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    other = await read(directory, query="?language=es", If_None_Match=tag)
    assert other.status_code == 200
    assert other.headers["etag"] != tag


async def test_a_language_that_the_pack_lacks_and_a_tag_without_quotes_are_refused(directory):
    answer = await read(directory, query="?language=fr")
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["pointer"], error["rule"]) == ("language", "language")
    assert "es, en" in error["detail"]
    for query in ("?language=ENGLISH", "?language="):
        answer = await read(directory, query=query)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "language")
    answer = await read(directory, If_None_Match="abc")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "If-None-Match")


async def test_it_is_for_callers_of_the_network_alone(directory):
    assert (await directory.client.get("/v1/taxonomy")).status_code == 401
    assert (await read(directory, scopes="offers:answer")).status_code == 403


async def test_the_same_taxonomy_is_read_as_terms_of_hsds(directory):
    """Seen to fail without `response_model_exclude_none`: HSDS has no null."""
    found = await read(directory, query="/terms?language=en")
    assert (found.status_code, found.headers["content-language"]) == (200, "en")
    terms = {one["code"]: one for one in found.json()["taxonomy_terms"]}
    assert terms["prosthesis"]["parent_id"] == terms["health"]["id"]
    assert "parent_id" not in terms["health"]
    assert {one["taxonomy_id"] for one in terms.values()} == {found.json()["taxonomy"]["id"]}
    tag = found.headers["etag"]
    assert (await read(directory, query="/terms?language=en", If_None_Match=tag)).status_code == 304
    assert tag != (await read(directory, query="?language=en")).headers["etag"]
    assert (await read(directory, query="/terms?language=fr")).status_code == 422
    assert (await read(directory, query="/terms", scopes="offers:read")).status_code == 403


async def test_reception_reads_the_words_of_needs_and_no_other_row(directory):
    """Seen to fail with the taxonomy for organisations and staff alone."""
    headers = directory.issuer.headers(READER, staff=False, reception_places=["GT01"])
    assert (await directory.client.get("/v1/taxonomy", headers=headers)).status_code == 200
    assert (await directory.client.get("/v1/services", headers=headers)).status_code == 403
