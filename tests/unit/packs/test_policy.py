"""Routing, mechanism, roles and clients of the packs agree with each other."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from deploy.packs.directory import load_directory, organization_id
from libs.events.codes import NeedCategory, Urgency
from services.referral.pack.clocks import OfferClock, Wait
from services.referral.pack.policy import load_policy

PACKS = Path(__file__).parents[3] / "deploy" / "packs"
GUATEMALA, DEMO = PACKS / "guatemala", PACKS / "demo"
FOUR_WEEKS_SECONDS = 28 * 24 * 3600


def read(name: str) -> Any:
    return yaml.safe_load((GUATEMALA / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("pack", [GUATEMALA, DEMO])
def test_the_routing_policy_is_valid(pack: Path) -> None:
    policy = load_policy(pack)
    assert policy.country == "GT"
    assert set(policy.places) == set(read("places.yaml")["places"])


def test_centres_are_those_of_places() -> None:
    policy = load_policy(GUATEMALA)
    for code, place in read("places.yaml")["places"].items():
        assert place.pop("languages") is not None
        assert policy.places[code].model_dump() == place


def test_the_demo_differs_from_the_real_pack_in_its_clocks_only() -> None:
    real, demo = load_policy(GUATEMALA), load_policy(DEMO)
    clocks = {"clocks", "route_within", "start_clocks", "report_clocks", "waitlist_within", "owner_clocks"}
    for category in NeedCategory:
        assert real.categories[category].model_dump(exclude=clocks) == demo.categories[category].model_dump(
            exclude=clocks
        )
        assert all(clock.answer_within <= 15 for clock in demo.categories[category].clocks.values())
    for alike in ("weights", "places", "steward_desk", "small_cells_below", "child_desk", "escalates_to", "holidays"):
        assert getattr(real, alike) == getattr(demo, alike), alike


@pytest.mark.parametrize("pack", [GUATEMALA, DEMO])
def test_stays_are_watched_at_24_48_and_60_hours_of_72_in_the_days_of_the_reception(pack: Path) -> None:
    policy = load_policy(pack)
    assert [72 - before / 3600 for before in policy.stays.alarms_before_end] == [24, 48, 60]
    assert policy.stays.of_type["child_shelter"].maximum == 72 * 3600
    assert policy.timezone == read("reception.yaml")["timezone"]
    assert policy.stays == load_policy(GUATEMALA).stays


def test_a_document_has_four_weeks() -> None:
    clocks = load_policy(GUATEMALA).categories[NeedCategory.DOCUMENTS].report_clocks
    assert {clock.within for clock in clocks.values()} == {FOUR_WEEKS_SECONDS}


def test_a_more_urgent_need_never_waits_longer() -> None:
    for policy in load_policy(GUATEMALA).categories.values():
        waits = (
            [policy.clocks[urgency].answer_within for urgency in Urgency],
            [policy.start_clocks[urgency].within for urgency in Urgency],
            [policy.report_clocks[urgency].within for urgency in Urgency],
            [policy.route_within[urgency] for urgency in Urgency],
            [policy.waitlist_within[urgency] for urgency in Urgency],
        )
        for ascending in waits:
            assert ascending == sorted(ascending)


@pytest.mark.parametrize(
    ("clock", "values", "rule"),
    [
        (Wait, {"within": 60, "remind_after": [30, 20]}, "reminders must ascend"),
        (Wait, {"within": 60, "remind_after": [20, 20]}, "reminders must ascend"),
        (Wait, {"within": 60, "remind_after": [30, 60]}, "before within"),
        (Wait, {"within": 60, "remind_after": [0]}, "greater than 0"),
        (OfferClock, {"answer_within": 60, "remind_after": [30, 20]}, "reminders must ascend"),
        (OfferClock, {"answer_within": 60, "remind_after": [60]}, "before answer_within"),
        (OfferClock, {"answer_within": 60, "remind_after": [], "acknowledge_within": 60}, "before answer_within"),
    ],
)
def test_a_clock_whose_times_are_out_of_order_is_refused(clock, values, rule):
    """Taken out: `_ascending`, `_require_before` and the look at `acknowledge_within`, each by itself."""
    with pytest.raises(ValidationError, match=rule):
        clock(**values)


@pytest.mark.parametrize("pack", [GUATEMALA, DEMO])
def test_every_wait_for_a_provider_has_a_reminder(pack: Path) -> None:
    for policy in load_policy(pack).categories.values():
        waits = [*policy.clocks.values(), *policy.start_clocks.values(), *policy.report_clocks.values()]
        assert all(wait.remind_after for wait in waits)


def test_refusing_to_share_costs_no_basic_service() -> None:
    policy = load_policy(GUATEMALA)
    for basic in ("shelter", "food", "health", "transport", "family_contact", "child_protection"):
        assert policy.is_basic(NeedCategory(basic))


def test_restricted_categories_are_decided_by_a_person() -> None:
    for category, policy in load_policy(GUATEMALA).categories.items():
        assert policy.restricted == (category in {NeedCategory.ANTI_TRAFFICKING, NeedCategory.GBV})
        assert policy.review == policy.restricted


def test_the_mechanism_has_six_stages_and_every_category_one_with_its_lead_desk() -> None:
    categories = load_policy(GUATEMALA).categories
    stages = read("nrm.yaml")["stages"]
    assert [stage["stage"] for stage in stages] == [1, 2, 3, 4, 5, 6]
    seen = []
    for stage in stages:
        desks = {lead["desk"] for lead in stage["leads"]}
        for category in map(NeedCategory, stage["categories"]):
            seen.append(category)
            assert categories[category].stage == stage["stage"]
            assert categories[category].lead_desk in desks
    assert sorted(seen) == sorted(NeedCategory)


def test_lead_agencies_are_organisations_of_the_directory() -> None:
    known = {one.slug for one in load_directory(GUATEMALA).organizations}
    for stage in read("nrm.yaml")["stages"]:
        for lead in stage["leads"]:
            assert {lead["organization"], *lead["co_leads"]} <= known


def test_every_organisation_has_a_client_with_its_id_and_only_restricted_ones_see_restricted_categories() -> None:
    clients = {one["client_id"]: one for one in read("clients.yaml")["clients"]}
    for organization in load_directory(GUATEMALA).organizations:
        client = clients[organization.slug]
        assert client["organization_id"] == str(organization_id(organization.slug)) == str(organization.id)
        assert client["roles"] == ["restricted_provider" if organization.is_restricted else "provider"]


def test_every_desk_of_the_policy_has_a_client_and_every_role_exists() -> None:
    policy, roles = load_policy(GUATEMALA), read("roles.yaml")["roles"]
    clients = read("clients.yaml")["clients"]
    desks = {policy.steward_desk, policy.child_desk, *(one.lead_desk for one in policy.categories.values())}
    assert desks <= {client["client_id"] for client in clients}
    assert {role for client in clients for role in client["roles"]} <= set(roles)


def test_only_the_reception_and_the_child_desk_may_read_or_write_people_and_no_partner_may() -> None:
    roles = read("roles.yaml")["roles"]
    readers = {name for name, role in roles.items() if "returnees:read" in role["scopes"]}
    assert readers == {"reception_system", "intake_desk", "child_desk", "data_protection_officer"}
    assert not any("returnees" in scope for name in ("provider", "restricted_provider", "network_steward")
                   for scope in roles[name]["scopes"])  # fmt: skip


def test_no_role_is_police() -> None:
    assert not {"police", "enforcement"} & {part for name in read("roles.yaml")["roles"] for part in name.split("_")}


def test_completion_facts_are_asked_of_services_that_exist_and_of_every_bed_document_and_course() -> None:
    """A misspelt service type would ask nobody anything."""
    types = {service.service_type: service.category for service in load_directory(GUATEMALA).services}
    wanted = load_policy(GUATEMALA).completion_facts
    assert set(wanted) <= set(types)
    shelters = {one for one, category in types.items() if category is NeedCategory.SHELTER}
    assert {"identity_card", "birth_certificate", "baking_course"} | shelters <= set(wanted)
