"""Free places of a provider: the age of the figures, and a new declaration in two taps."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.console.places import rules
from tests.console.told_provider import AT, ORGANIZATION, SERVICE, id_, page, provider, service, tell_names
from tests.console.world import Browser, World

POOL = "0198d2a4-5f10-7c3e-9a55-0d7c5b1f2a77"
PATH = f"/v1/services/{SERVICE}/capacity"


def ago(hours: float) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat()


def ledger(**changes: Any) -> dict[str, Any]:
    """A pool as referral knows it."""
    return {
        "pool_id": POOL,
        "provider_service_id": SERVICE,
        "organization_id": ORGANIZATION,
        "category": "shelter",
        "kind": "adult_beds",
        "maximum": 40,
        "available": 14,
        "as_of": ago(1),
        "held": 3,
        "taken": 5,
        "taken_uncounted": 1,
        "free": 10,
        "closed": False,
        "over_committed": False,
        "starts_on": None,
        "ends_on": None,
        **changes,
    }


def pool(**changes: Any) -> dict[str, Any]:
    dates = {"starts_on": None, "ends_on": None}
    return {"id": POOL, "kind": "adult_beds", "maximum": 40, "available": 14, **dates, **changes}


def capacity(*pools: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "provider_service_id": SERVICE,
        "organization_id": ORGANIZATION,
        "version": 7,
        "as_of": ago(1),
        "declared_at": ago(1),
        "accepted_left_out": False,
        "pools": list(pools or (pool(),)),
        "trust": 1.0,
        "said_full_at": None,
        "refresh_requested_at": None,
        **changes,
    }


@pytest.fixture
def browser(world: World) -> Browser:
    tell_names(world)
    world.services.tell("provider_directory", f"/v1/services/{SERVICE}", service())
    world.services.tell("provider_directory", PATH, capacity())
    world.services.tell("referral", "/v1/places", page(ledger()))
    return provider(world)


async def test_each_pool_shows_what_is_free_held_and_taken_and_how_old_the_figure_is(world: World, browser: Browser):
    shown = await browser.get("/places")
    for part in ("Casa Sample", "beds for adults", "Declared 60 minutes ago", ">14<", ">40<", ">3<", ">5<"):
        assert part in shown.text
    assert "old figure" not in shown.text
    (asked,) = world.services.sent("GET", "/v1/services")
    assert asked.query["organization_id"] == [ORGANIZATION]


async def test_an_old_figure_a_closed_pool_and_a_service_without_places_are_marked(world: World, browser: Browser):
    other = service(id=id_(), name="Casa Other", status="suspended")
    world.services.tell("provider_directory", "/v1/services", page(service(), other))
    pools = page(ledger(as_of=ago(13), closed=True, over_committed=True))
    world.services.tell("referral", "/v1/places", pools)
    text = (await browser.get("/places")).text
    for part in ("old figure", "closed since", "more people than places", "no places declared", "suspended"):
        assert part in text


async def test_a_service_that_is_away_leaves_the_other_part(world: World, browser: Browser):
    world.services.away.add("referral")
    text = (await browser.get("/places")).text
    assert "does not answer now" in text
    assert "Casa Sample" in text
    world.services.away.add("provider_directory")
    assert (await browser.get("/places")).status_code == 200


async def test_two_taps_confirm_the_figures_for_the_declaration_that_was_read(world: World, browser: Browser):
    form = (await browser.get(f"/places/{SERVICE}")).text
    assert f'name="available-{POOL}" type="number" value="14"' in form
    assert "&#34;7&#34;" in form
    world.services.tell("provider_directory", PATH, capacity(), method="PUT")
    fields = {f"available-{POOL}": "12", f"maximum-{POOL}": "40", "etag": '"7"'}
    assert (await browser.post(f"/places/{SERVICE}", **fields)).status_code == 303
    (sent,) = world.services.sent("PUT", PATH)
    assert sent.headers["if-match"] == '"7"'
    assert sent.body == {"accepted_left_out": False, "pools": [pool(available=12)]}


async def test_one_button_says_that_nothing_is_free(world: World, browser: Browser):
    world.services.tell("provider_directory", PATH, capacity(), method="PUT")
    fields = {f"available-{POOL}": "14", f"maximum-{POOL}": "40", "etag": '"7"', "left_out": "yes", "full": "yes"}
    await browser.post(f"/places/{SERVICE}", **fields)
    assert world.services.sent("PUT", PATH)[0].body == {"accepted_left_out": True, "pools": [pool(available=0)]}


async def test_a_wrong_figure_is_shown_beside_its_field_and_nothing_is_lost(world: World, browser: Browser):
    fault = {"pointer": "/pools/0", "rule": "available-above-maximum", "detail": "x"}
    world.services.refuse("provider_directory", PATH, "invalid-input", method="PUT", status=422, errors=[fault])
    fields = {f"available-{POOL}": "50", f"maximum-{POOL}": "40", "etag": '"7"'}
    shown = await browser.post(f"/places/{SERVICE}", **fields)
    assert shown.status_code == 422
    assert f'id="available-{POOL}-fault1">There cannot be more free places than places.' in shown.text
    assert f'name="available-{POOL}" type="number" value="50"' in shown.text


async def test_figures_that_somebody_else_has_declared_are_not_overwritten(world: World, browser: Browser):
    world.services.refuse("provider_directory", PATH, "version-mismatch", method="PUT", status=412)
    fields = {f"available-{POOL}": "2", f"maximum-{POOL}": "40", "etag": '"6"'}
    shown = await browser.post(f"/places/{SERVICE}", **fields)
    assert (shown.status_code, "Somebody has changed this" in shown.text) == (412, True)
    assert 'value="2"' in shown.text
    assert "Declared: 14." in shown.text
    same = await browser.post(f"/places/{SERVICE}", **{**fields, f"available-{POOL}": "14"})
    assert same.status_code == 303  # sent twice: it holds already


async def test_the_first_places_of_a_service_are_declared_under_an_id_that_follows_from_the_form(
    world: World, browser: Browser
):
    world.services.refuse("provider_directory", PATH, "capacity-not-declared", method="GET", status=404)
    assert "No places have been declared" in (await browser.get(f"/places/{SERVICE}")).text
    world.services.tell("provider_directory", PATH, capacity(), method="PUT")
    fields = {"new_kind": "women_beds", "new_available": "3", "new_maximum": "4", "etag": "", "form_key": "k"}
    for _ in range(2):
        assert (await browser.post(f"/places/{SERVICE}", **fields)).status_code == 303
    first, second = (one.body["pools"] for one in world.services.sent("PUT", PATH))
    assert first == second
    assert [(one["kind"], one["available"], one["maximum"]) for one in first] == [("women_beds", 3, 4)]


async def test_a_first_declaration_does_not_replace_one_that_came_in_between(world: World, browser: Browser):
    fields = {"new_kind": "women_beds", "new_available": "3", "new_maximum": "4", "etag": ""}
    assert (await browser.post(f"/places/{SERVICE}", **fields)).status_code == 412
    assert world.services.sent("PUT", PATH) == []


async def test_another_organisations_service_does_not_exist(world: World, browser: Browser):
    theirs = service(organization_id=id_())
    world.services.tell("provider_directory", f"/v1/services/{SERVICE}", theirs)
    assert (await browser.get(f"/places/{SERVICE}")).status_code == 404


async def test_without_the_right_to_declare_there_is_no_page(world: World):
    for browser in (provider(world, without="capacity:write"), world.client("capacity:write", "directory:read")):
        assert (await browser.get("/places")).status_code == 404
        assert (await browser.post(f"/places/{SERVICE}", etag='"7"')).status_code == 404
    assert world.services.asked == []


def test_a_pool_of_another_service_is_not_shown():
    now = datetime.now(UTC)
    (found,) = rules.by_service([service()], [ledger(), ledger(provider_service_id=id_())], now=now)
    assert len(found.pools) == 1
    assert (found.stale, rules.is_stale(datetime.fromisoformat(AT), now=now)) == (False, True)
