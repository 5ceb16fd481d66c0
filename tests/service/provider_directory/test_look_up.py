"""Several services or organisations by id, with one request."""

from uuid import uuid4

from tests.service.provider_directory.making import READER, STEWARD


async def test_several_services_and_organizations_are_looked_up_by_id_with_one_request(directory):
    """Seen to fail with the filter taken out, and with one that shows what is restricted."""
    first, second = await directory.an_organization(), await directory.an_organization()
    shown = [str(await directory.a_service(first, name=name)) for name in ("Uno", "Dos")]
    await directory.a_service(first, name="Tres")
    restricted = str(await directory.a_service(second, name="Cuatro", category="gbv"))

    async def ids(path, *wanted, scopes=READER):
        answer = await directory.get(path, scopes=scopes, params={"id": list(wanted)})
        assert answer.status_code == 200, answer.text
        return {item["id"] for item in answer.json()["items"]}

    assert await ids("/v1/services", *shown, restricted, str(uuid4())) == set(shown)
    assert await ids("/v1/services", restricted, scopes=STEWARD) == {restricted}
    assert await ids("/v1/organizations", str(first), str(uuid4())) == {str(first)}
    for path in ("/v1/services", "/v1/organizations"):
        for wanted in (["no-id"], [str(uuid4())] * 201):
            refused = await directory.get(path, params={"id": wanted})
            assert (refused.status_code, refused.json()["code"]) == (422, "invalid-input")
