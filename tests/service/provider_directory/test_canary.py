"""Every text that a request to the directory can carry gets a mark; then the marks are looked for.

The directory knows nobody who returns. Its texts are about organisations and are published, but anybody may write the
name or the number of a contact person into them, and a certificate names its holder. So a text stays in the column in
which it was entered: in no event, log, span, metric or refusal.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tests.marks import PHONE, Marks, mark, watching
from tests.service.provider_directory.making import location_body, organization_body, service_body
from tests.service.provider_directory.test_certificates import BODY as CERTIFICATE
from tests.service.provider_directory.test_certificates import STEWARD as CERTIFYING

ADDRESS = ("address_1", "address_2", "city", "region", "state_province", "postal_code")
ONLY_REFUSED = {f"PUT /v1/{name}s/{{{name}_id}} /timezone" for name in ("location", "service")}
"""Names of the time zone database: a marked one is none of them."""
PUBLISHED = {
    f"{table}.{column}"
    for table, columns in {
        "organization": ("name", "alternate_name", "description", "website", "words"),
        "location": ("name", "description", "words"),
        "service": ("name", "description", "words"),
        "address": (*ADDRESS, "words"),
    }.items()
    for column in columns
}
"""Columns with these texts. `words` is the index of the text search over them."""
OF_STAFF = {"certificate.holder", "certificate.issuing_body"}
"""What staff alone may read, and nobody else sees in the database either."""


def words() -> str:
    """A marked text with a telephone number."""
    return f"{mark()}, {PHONE}"


async def entered(directory: Any) -> None:
    """An organisation, its location and service, each with its texts; a certificate; and a search."""
    place = {"country": "GT"} | {name: words() for name in ADDRESS}
    site = f"https://{mark()}.example/{mark()}"
    texts = {"name": words(), "description": words()}
    made = await directory.put(
        f"/v1/organizations/{(one := uuid4())}", organization_body(**texts, alternate_name=words(), website=site)
    )
    assert made.status_code == 201, made.text
    for name, body in (
        ("locations", location_body(one, **texts) | {"address": place}),
        ("services", service_body(one, **texts) | {"address": place}),
    ):
        answer = await directory.put(f"/v1/{name}/{uuid4()}", body)
        assert answer.status_code == 201, answer.text
    certificate = CERTIFICATE | {"holder": mark(), "issuing_body": words()}
    headers = {"Idempotency-Key": str(uuid4())}
    answer = await directory.post("/v1/certificates", certificate, scopes=CERTIFYING, headers=headers)
    assert answer.status_code == 201, answer.text
    found = await directory.post("/v1/services/search", {"text": texts["name"].partition(",")[0]})
    assert [hit["service"]["name"] for hit in found.json()["items"]] == [texts["name"]], "it is where it belongs"


async def refusals(directory: Any) -> None:
    """Marked texts that break a rule."""
    one = await directory.an_organization()
    for path, body in (
        (f"organizations/{uuid4()}", organization_body(name=mark() * 30)),
        (f"organizations/{uuid4()}", organization_body(website=f"ftp://{mark()}.example")),
        (f"locations/{uuid4()}", location_body(one, timezone=mark())),
        (f"services/{uuid4()}", service_body(one, timezone=mark())),
        (f"services/{uuid4()}", service_body(one, place=mark(), category=mark())),
    ):
        answer = await directory.put(f"/v1/{path}", body)
        assert answer.status_code == 422, (path, answer.text)
    certificate = CERTIFICATE | {"holder": f"{mark()} {mark()}", "kind": mark()}
    answer = await directory.post("/v1/certificates", certificate, scopes=CERTIFYING)
    assert 400 <= answer.status_code < 500
    for query in ({"text": mark() * 30}, {"text": mark(), "place": mark()}):
        assert (await directory.post("/v1/services/search", query)).status_code == 422


async def test_every_text_of_every_request_is_marked_and_stays_in_its_own_column(directory, caplog, capfd):
    """Seen to fail with words of requests in logs, output, spans, metrics, refusals and events."""
    with watching(caplog, capfd) as watch:
        marks = Marks((await directory.client.get("/openapi.json")).json())
        directory.client.event_hooks["response"].append(marks.look)
        await entered(directory)
        await refusals(directory)
        await marks.ask_with_marks(directory.client, directory.issuer.headers(f"directory:read {CERTIFYING}"))
        search = await directory.post("/v1/services/search", {}, params={"after": mark()})
        assert search.status_code == 422
        assert marks.missing(ONLY_REFUSED) == {}
        assert len(await directory.fetch("SELECT 1 FROM outbox")) > 3, "there are events"
        assert await watch.leaks(marks, directory.database_url, OF_STAFF | PUBLISHED) == {}
