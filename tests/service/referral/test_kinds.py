"""What exactly is needed decides who is asked, and whether the need is met: with the taxonomy of Guatemala."""

import pytest
import pytest_asyncio

from libs.events.catalogue.directory import Accreditation, Agreement
from libs.events.detail_values import ToldDetail
from services.referral.pack.policy import load_policy
from tests.added_category import ADDED, ADDED_KIND, pack_with_childcare
from tests.service.referral import making
from tests.service.referral.kinds import DOCUMENTS, HEALTH, LEGAL, TAXONOMY, asked, gives, refine, served, symptoms
from tests.service.referral.world import World


@pytest_asyncio.fixture
async def world(new_world):
    async with new_world(taxonomy=TAXONOMY) as one:
        yield one


async def test_a_kind_goes_to_who_gives_it_and_to_nobody_else(world: World):
    """Without the rule the hospital, which is nearer in every respect, is asked for a prosthesis."""
    await world.provider(category=HEALTH, kinds=gives("hospital_care", "basic_care"))
    await world.provider(category=HEALTH)  # has not said what it gives
    icrc = await world.provider(category=HEALTH, kinds=gives("prosthesis"), place="GT13")
    returnee = await world.person({"category": HEALTH, "kind": "prosthesis"})
    await world.round()
    assert await asked(world, returnee) == icrc.service_id
    offer = await world.offer_of(returnee)
    view = await world.ask(f"offers/{offer['offer_id']}", headers=world.partner(icrc))
    assert (view["kind"], view["offered_kind"], view["detail_values"]) == ("prosthesis", "prosthesis", [])
    why = await world.ask(f"offers/{offer['offer_id']}/explanation")
    assert (why["kind"], why["of_other_kinds"], why["excluded"]) == ("prosthesis", 2, [])
    assert why["ranked"][0]["kind"] == "prosthesis"
    (made,) = await world.published("offer.made.v1")
    assert (made["kind"], made["offered_kind"]) == ("prosthesis", "prosthesis")


async def test_what_nobody_gives_goes_to_the_lead_desk_with_that_reason(world: World):
    await world.provider(category=HEALTH, kinds=gives("hospital_care"))
    returnee = await world.person({"category": HEALTH, "kind": "prosthesis"})
    await world.round()
    assert await asked(world, returnee) is None
    need = await world.need_of(returnee)
    assert (need["owner"], need["owner_reason"]) == ("lead", "kind_not_offered")
    icrc = await world.provider(category=HEALTH, kinds=gives("prosthesis"))
    await world.round()
    assert await asked(world, returnee) == icrc.service_id, "a new service is seen"
    assert await world.promises() == {}


async def test_a_scope_excludes_what_it_does_not_cover(world: World):
    post = await world.provider(
        category=HEALTH, kinds=gives(simple_medication={"symptom_group": ["pain", "skin"]}), accepts_automatically=True
    )
    need = {"category": HEALTH, "kind": "simple_medication"}
    pain = await world.person({**need, "detail_values": symptoms("pain")})
    not_told = await world.person(need)
    fracture = await world.person({**need, "detail_values": symptoms("fracture_or_wound")})
    await world.round()
    rows = await world.rows("SELECT returnee_id FROM offer WHERE provider_service_id = $1", post.service_id)
    assert {row["returnee_id"] for row in rows} == {pain, not_told}
    assert (await world.need_of(fracture))["owner_reason"] == "beyond_scope"


async def test_beyond_reach_is_not_beyond_scope(world: World):
    await world.provider(category=HEALTH, kinds=gives("prosthesis"), catchment=["GT13"])
    returnee = await world.person({"category": HEALTH, "kind": "prosthesis"})
    await world.round()
    assert (await world.need_of(returnee))["owner_reason"] in {"no_candidate", "kind_not_offered"}
    await world.provider(category=HEALTH, kinds=gives(prosthesis={"limb": ["arm"]}))
    leg = [ToldDetail(detail="limb", value="leg")]
    other = await world.person({"category": HEALTH, "kind": "prosthesis", "detail_values": leg})
    await world.round()
    assert (await world.need_of(other))["owner_reason"] == "beyond_scope"


async def test_a_kind_that_stands_in_is_offered_after_the_kind_itself_and_says_so(world: World):
    hospital = await world.provider(category=HEALTH, kinds=gives("hospital_care"))
    post = await world.provider(places=1, category=HEALTH, kinds=gives("basic_care"), place="GT13")
    first, second = [await world.person({"category": HEALTH, "kind": "basic_care"}) for _ in range(2)]
    await world.round()
    by_service = {await asked(world, one): one for one in (first, second)}
    assert set(by_service) == {hospital.service_id, post.service_id}
    offer = await world.offer_of(by_service[hospital.service_id])
    view = await world.ask(f"offers/{offer['offer_id']}", headers=world.partner(hospital))
    assert (view["kind"], view["offered_kind"]) == ("basic_care", "hospital_care")
    why = await world.ask(f"offers/{offer['offer_id']}/explanation")
    assert (why["ranked"][0]["kind"], why["ranked"][0]["stands_in"]) == ("hospital_care", True)
    answer = await served(
        world, hospital, by_service[hospital.service_id], outcome="need_met", facts={"treatment": "treated"}
    )
    assert answer.status_code == 200, answer.text
    assert (await world.need_of(by_service[hospital.service_id]))["status"] == "met"


async def test_what_stands_in_near_by_does_not_keep_the_search_from_the_kind_far_away(new_world):
    rings = {HEALTH: {"rings_km": (5.0, 500.0)}}
    async with new_world(taxonomy=TAXONOMY, categories=rings) as world:
        await world.provider(category=HEALTH, kinds=gives("hospital_care"))
        post = await world.provider(category=HEALTH, kinds=gives("basic_care"), place="GT13")
        returnee = await world.person({"category": HEALTH, "kind": "basic_care"})
        await world.round()
        assert await asked(world, returnee) == post.service_id


async def test_a_category_alone_goes_to_who_finds_out_and_to_who_names_no_kinds(world: World):
    guidance = await world.provider(category=DOCUMENTS, kinds=gives("document_guidance"), place="GT13")
    await world.provider(category=DOCUMENTS, kinds=gives("identity_document"))
    returnee = await world.person({"category": DOCUMENTS})
    await world.round()
    assert await asked(world, returnee) == guidance.service_id
    old = await world.provider(category=LEGAL)
    await world.provider(category=LEGAL, kinds=gives("legal_aid"))
    other = await world.person({"category": LEGAL})
    await world.round()
    assert await asked(world, other) == old.service_id, "as before, where nobody names kinds"


async def test_what_is_found_out_recalls_an_offer_that_does_not_give_it(world: World):
    await world.provider(category=DOCUMENTS, kinds=gives("document_guidance"))
    office = await world.provider(category=DOCUMENTS, kinds=gives("identity_document"))
    returnee = await world.person()
    event = making.need(returnee, category=DOCUMENTS)
    await world.hear(event)
    await world.round()
    await refine(world, event, kind="identity_document")
    assert await asked(world, returnee) is None
    await world.round()
    assert await asked(world, returnee) == office.service_id
    assert (await world.need_of(returnee))["kind"] == "identity_document"
    steps = await world.rows("SELECT reason FROM step WHERE returnee_id = $1 AND step = 'need.refine'", returnee)
    assert [row["reason"] for row in steps] == ["identity_document"]
    await world.hear(event)
    assert (await world.need_of(returnee))["kind"] == "identity_document", "the old event changes nothing"


async def test_clocks_and_desks_may_differ_for_a_kind(new_world):
    desk = {"kinds": {"prosthesis": {"lead_desk": "prosthesis-desk"}}}
    async with new_world(taxonomy=TAXONOMY, **desk) as world:
        vague = await world.person({"category": HEALTH})
        exact = await world.person({"category": HEALTH, "kind": "prosthesis"})
        await world.round()
        assert [(await world.need_of(one))["owner"] for one in (vague, exact)] == ["lead", "prosthesis-desk"]


async def test_a_person_may_not_choose_a_service_of_another_kind(world: World):
    hospital = await world.provider(category=HEALTH, kinds=gives("hospital_care"))
    returnee = await world.person({"category": HEALTH, "kind": "prosthesis"})
    await world.round()
    referral = (await world.referral_of(returnee))["referral_id"]
    body = {"provider_service_id": str(hospital.service_id), "reason": "They know each other"}
    answer = await world.step(f"referrals/{referral}/override", body)
    assert (answer.status_code, answer.json()["reasons"]) == (409, ["kind_not_offered"])


async def test_a_kind_that_the_pack_adds_by_data_alone_is_told_routed_completed_and_counted(new_world, tmp_path):
    async with new_world(policy=load_policy(pack_with_childcare(tmp_path))) as world:
        valid = {"category": ADDED, "valid_until": making.FAR_AWAY}
        nursery = await world.provider(category=ADDED, kinds=gives(ADDED_KIND))
        licence = {"accreditations": [Accreditation(**valid)], "agreements": [Agreement(**valid)]}
        await world.hear(making.organization(nursery.organization_id, version=2, **licence))
        people = [await world.person({"category": ADDED, "kind": ADDED_KIND}) for _ in range(6)]
        await world.round()
        for one in people:
            done = await served(world, nursery, one, outcome="need_met", facts={"sessions_held": 3})
            assert done.status_code == 200, done.text
        refused = await world.person({"category": ADDED, "kind": ADDED_KIND})
        await world.round()
        none = await served(world, nursery, refused, outcome="need_met", facts={"sessions_held": 0})
        assert none.json()["errors"][0]["rule"] == "facts-contradict"
        (row,) = (await world.ask(f"statistics/{ADDED}"))["kinds"]
        assert (row["kind"], row["needs"]) == (ADDED_KIND, 7)


async def test_a_queue_is_read_and_counted_by_kind(world: World):
    """Seen to fail without the condition in `_where`, and without the kind in `_entry`."""
    for kind in ("bus_ticket", "escort"):
        await world.provider(1, available=0, category="transport", kinds=gives(kind))
    people = {kind: await world.person({"category": "transport", "kind": kind}) for kind in ("bus_ticket", "escort")}
    await world.round()
    whole = (await world.ask("waitlists"))["items"]
    assert {one["kind"]: one["returnee_id"] for one in whole} == {kind: str(who) for kind, who in people.items()}
    (escort,) = (await world.ask("waitlists", kind="escort"))["items"]
    assert escort["returnee_id"] == str(people["escort"])
    assert (await world.ask("waitlists/count", kind="escort"))["count"] == 1
    assert (await world.ask("waitlists/count"))["count"] == 2


@pytest.mark.parametrize("path", ["work-lists/overdue", "waitlists", "work-lists/waiting", "work-lists/unmet"])
async def test_a_list_of_a_kind_that_the_pack_lacks_is_refused(world: World, path):
    answer = await world.client.get(f"/v1/{path}?kind=prostesis", headers=world.staff())
    assert (answer.status_code, answer.json()["errors"][0]["rule"]) == (422, "unknown-kind")
    missing = await world.client.get("/v1/statistics/sheltr", headers=world.staff())
    assert (missing.status_code, missing.json()["errors"][0]["rule"]) == (422, "unknown-category")
