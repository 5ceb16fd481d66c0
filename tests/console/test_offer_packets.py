"""The data of the person of an accepted offer, and requests to delete them."""

import re
from typing import Any

import httpx
import pytest

from tests.console.told import referral
from tests.console.told_provider import AT, accepted, id_, page, provider, soon, tell_names, tell_offers
from tests.console.world import Browser, World


@pytest.fixture
def browser(world: World) -> Browser:
    tell_names(world)
    return provider(world)


# ---- the data of the person


def packet(offer: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "offer_id": offer["id"],
        "referral_id": offer["referral_id"],
        "case_code": offer["case_code"],
        "category": "shelter",
        "service_type": "temporary_shelter",
        "kind": "bed",
        "people_count": 2,
        "fields": ["given_names", "sex", "birth_date", "languages", "safe_contact", "household_members"],
        "person": {"given_names": "Sample Given", "sex": "female", "birth_date": None, "languages": ["spa"]},
        "safe_contact": None,
        "household_members": [{"given_names": "Other Given", "sex": "male", "birth_date": None, "languages": ["spa"]}],
        "members_withheld_count": 1,
        "accepted_at": AT,
        "closes_at": None,
        **changes,
    }


async def test_the_data_of_the_person_say_before_and_there_that_each_look_is_recorded(world: World, browser: Browser):
    offer = accepted()
    tell_offers(world, offer)
    world.services.tell("referral", f"/v1/referrals/{offer['referral_id']}", referral(id=offer["referral_id"]))
    world.services.tell("registration", f"/v1/packets/{offer['id']}", packet(offer))
    before = (await browser.get(f"/offers/{offer['id']}")).text
    assert "Each look at these data is recorded" in before
    assert world.services.sent("GET", f"/v1/packets/{offer['id']}") == []
    shown = await browser.get(f"/offers/{offer['id']}/packet")
    for part in ("Each look at these data is recorded", "Sample Given", "Other Given", "The data of 1 member are not"):
        assert part in shown.text
    assert shown.headers["cache-control"] == "no-store"
    assert "Sample Given" not in re.findall("<title>.*</title>", shown.text)[0]
    assert "hx-get" not in shown.text
    assert len(world.services.sent("GET", f"/v1/packets/{offer['id']}")) == 1


async def test_data_that_are_not_ready_are_asked_for_again_by_the_page_itself(world: World, browser: Browser):
    offer = accepted()
    world.services.refuse("registration", f"/v1/packets/{offer['id']}", "packet-not-ready", method="GET")
    shown = await browser.get(f"/offers/{offer['id']}/packet")
    assert shown.status_code == 202  # a 2xx, so that htmx takes the part
    assert "ready in a moment" in shown.text
    assert f'hx-get="/offers/{offer["id"]}/packet"' in shown.text


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [("packet-halted", 403, "closed until a desk"), ("packet-closed", 410, "over"), ("returnee-erased", 410, "erased")],
)
async def test_data_that_are_closed_are_explained(world: World, browser: Browser, code: str, status: int, words: str):
    offer = accepted()
    world.services.refuse("registration", f"/v1/packets/{offer['id']}", code, method="GET", status=status)
    shown = await browser.get(f"/offers/{offer['id']}/packet")
    assert (shown.status_code, words in shown.text) == (status, True)
    assert "hx-get" not in shown.text


async def test_data_of_another_organisations_offer_and_without_the_right_do_not_exist(world: World, browser: Browser):
    assert (await browser.get(f"/offers/{id_()}/packet")).status_code == 404
    assert (await provider(world, without="packets:read").get(f"/offers/{id_()}/packet")).status_code == 404
    world.services.away.add("registration")
    shown = await browser.get(f"/offers/{id_()}/packet")
    assert (shown.status_code, "does not answer now" in shown.text) == (200, True)


# ---- requests to delete data


def request_to_delete(**changes: Any) -> dict[str, Any]:
    return {
        "offer_id": id_(),
        "referral_id": id_(),
        "organization_id": id_(),
        "case_code": "GT-7K3M-9QXC",
        "reason": "consent_withdrawn",
        "requested_at": AT,
        "answer_by": soon(600),
        "overdue": False,
        "answer": None,
        "ground": None,
        "answered_at": None,
        **changes,
    }


async def test_a_request_to_delete_data_is_answered_from_its_row(world: World, browser: Browser):
    one = request_to_delete()
    world.services.tell("registration", "/v1/deletion-requests", page(one))
    listed = (await browser.get("/offers/deletions")).text
    for part in ("GT-7K3M-9QXC", "the person has withdrawn their consent", "left", "health record"):
        assert part in listed
    path = f"/v1/packets/{one['offer_id']}/deletion"
    world.services.tell("registration", path, [one], method="POST")
    fields = {"answer": "kept_by_law", "ground": "accounts", "case_code": "GT-7K3M-9QXC", "form_key": "k"}
    done = await browser.post(f"/offers/deletions/{one['offer_id']}", **fields)
    assert done.status_code == 303
    (sent,) = world.services.sent("POST", path)
    assert sent.body == {"answer": "kept_by_law", "ground": "accounts", "case_code": "GT-7K3M-9QXC"}
    assert sent.headers["idempotency-key"] == "k"
    world.services.refuse("registration", path, "idempotency-key-reused", status=422)
    shown: httpx.Response = await browser.post(f"/offers/deletions/{one['offer_id']}", **fields)
    assert (shown.status_code, "sent already with other values" in shown.text) == (422, True)


async def test_requests_to_delete_data_need_their_own_right(world: World):
    browser = provider(world, without="deletions:read")
    assert (await browser.get("/offers/deletions")).status_code == 404
    assert (await browser.post(f"/offers/deletions/{id_()}", answer="deleted")).status_code == 404


async def test_the_number_is_shown_with_its_conditions(world: World, browser: Browser):
    offer = accepted()
    tell_offers(world, offer)
    contact = {
        "channel": "call",
        "address": "+50251234567",
        "address_owner": "employer",
        "code_word": "zanate",
        "may_name_organization": False,
        "language": "spa",
        "hours_from": None,
        "hours_until": None,
        "may_leave_message": False,
        "expires_at": soon(60),
    }
    world.services.tell("registration", f"/v1/packets/{offer['id']}", packet(offer, safe_contact=contact))
    shown = (await browser.get(f"/offers/{offer['id']}/packet")).text
    for part in ("+50251234567", "of the employer", "Say this word first: zanate", "do not name your organisation"):
        assert part in shown
    assert "Use it until" in shown
