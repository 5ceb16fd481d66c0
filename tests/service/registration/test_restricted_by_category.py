"""A country may require another certificate for each restricted category: each opens its own needs and nothing else."""

import pytest

from services.registration.pack import Pack, load_pack
from tests.service.registration.conftest import PACK
from tests.service.registration.test_restricted import a_twin
from tests.service.registration.test_restricted_certificates import a_person, certify


@pytest.fixture(scope="session")
def sample_pack() -> Pack:
    pack = load_pack(PACK)
    kinds = {"gbv": "violence", "anti_trafficking": "trafficking"}
    return pack.model_copy(update={"routing": pack.routing.model_copy(update={"certificates": kinds})})


async def test_a_certificate_opens_its_category_and_names_no_need_of_another(registration):
    """Taken out: `_shows` in `needs.queries`; the prerequisite that is left out in `_restricted`."""
    twin, who = await a_twin(registration, restricted=True), a_person()
    path = f"/v1/returnees/{twin.person['id']}"

    async def seen():
        items = (await registration.get(f"{path}/needs", **who)).json()["items"]
        one_by_one = [await registration.get(f"{path}/needs/{one}", **who) for one in twin.hidden]
        assert [one["id"] for one in items if one["id"] in twin.hidden] == [
            one.json()["id"] for one in one_by_one if one.status_code == 200
        ]
        return [one for one in items if one["id"] in twin.hidden]

    await certify(registration, who["subject"], kind="trafficking")
    (need,) = await seen()
    assert (need["category"], need["after_need_id"]) == ("anti_trafficking", None), "it waits for a need of violence"
    alone = await registration.get(f"{path}/needs/{need['id']}", **who)
    assert alone.json() == need
    hidden = next(one for one in twin.hidden if one != need["id"])
    assert (await registration.post(f"{path}/needs/{hidden}/withdraw", **who)).status_code == 404
    log = (await registration.get(f"{path}/access-log", **who)).text
    assert "restricted." not in log, "an entry does not say the category, so all of them are hidden"
    assert "restricted_path" not in (await registration.get(path, **who)).text
    await certify(registration, who["subject"], kind="violence")
    assert sorted(one["category"] for one in await seen()) == ["anti_trafficking", "gbv", "gbv"]
    assert "restricted." in (await registration.get(f"{path}/access-log", **who)).text
