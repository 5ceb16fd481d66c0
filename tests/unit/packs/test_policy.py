"""Routing, mechanism, roles and clients of the packs agree with each other."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from deploy.packs.directory import load_directory, organization_id
from libs.events.codes import Urgency
from services.referral.pack.clocks import OfferClock, Wait
from services.referral.pack.policy import load_policy

PACKS = Path(__file__).parents[3] / "deploy" / "packs"
GUATEMALA = PACKS / "guatemala"
ALL = [pytest.param(PACKS / name, id=name) for name in ("ethiopia", "guatemala", "honduras")]
FOUR_WEEKS_SECONDS = 28 * 24 * 3600


def read(name: str, pack: Path = GUATEMALA) -> Any:
    return yaml.safe_load((pack / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("pack", ALL)
def test_the_routing_policy_is_valid(pack: Path) -> None:
    policy, places = load_policy(pack), read("places.yaml", pack)
    assert policy.country == places["country"]
    assert set(policy.places) == set(places["places"])


@pytest.mark.parametrize("pack", ALL)
def test_centres_are_those_of_places(pack: Path) -> None:
    policy = load_policy(pack)
    for code, place in read("places.yaml", pack)["places"].items():
        assert place.pop("languages") is not None
        assert policy.places[code].model_dump() == place


@pytest.mark.parametrize("pack", ALL)
def test_stays_are_watched_at_24_48_and_60_hours_of_72_in_the_days_of_the_reception(pack: Path) -> None:
    policy = load_policy(pack)
    assert [72 - before / 3600 for before in policy.stays.alarms_before_end] == [24, 48, 60]
    assert policy.stays.of_type["child_shelter"].maximum == 72 * 3600
    assert policy.timezone == read("reception.yaml", pack)["timezone"]


@pytest.mark.parametrize("pack", ALL)
def test_a_document_has_four_weeks(pack: Path) -> None:
    clocks = load_policy(pack).categories["documents"].report_clocks
    assert {clock.within for clock in clocks.values()} == {FOUR_WEEKS_SECONDS}


@pytest.mark.parametrize("pack", ALL)
def test_a_more_urgent_need_never_waits_longer(pack: Path) -> None:
    for policy in load_policy(pack).categories.values():
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


@pytest.mark.parametrize("pack", ALL)
def test_every_wait_for_a_provider_has_a_reminder(pack: Path) -> None:
    for policy in load_policy(pack).categories.values():
        waits = [*policy.clocks.values(), *policy.start_clocks.values(), *policy.report_clocks.values()]
        assert all(wait.remind_after for wait in waits)


@pytest.mark.parametrize("pack", ALL)
def test_refusing_to_share_costs_no_basic_service(pack: Path) -> None:
    policy = load_policy(pack)
    for basic in ("shelter", "food", "health", "transport", "family_contact", "child_protection"):
        assert policy.is_basic(basic)


@pytest.mark.parametrize("pack", ALL)
def test_restricted_categories_are_decided_by_a_person(pack: Path) -> None:
    for category, policy in load_policy(pack).categories.items():
        assert policy.restricted == (category in {"anti_trafficking", "gbv"})
        assert policy.review == policy.restricted


@pytest.mark.parametrize("pack", ALL)
def test_the_mechanism_has_six_stages_and_every_category_one_with_its_lead_desk(pack: Path) -> None:
    policy = load_policy(pack)
    categories = policy.categories
    stages = read("nrm.yaml", pack)["stages"]
    assert [stage["stage"] for stage in stages] == [1, 2, 3, 4, 5, 6]
    seen = []
    for stage in stages:
        desks = {lead["desk"] for lead in stage["leads"]}
        for category in stage["categories"]:
            seen.append(category)
            assert categories[category].stage == stage["stage"]
            assert categories[category].lead_desk in desks
    assert sorted(seen) == sorted(code for code, one in policy.categories.items() if one is not policy.other_categories)


@pytest.mark.parametrize("pack", ALL)
def test_lead_agencies_are_organisations_of_the_directory(pack: Path) -> None:
    known = {one.slug for one in load_directory(pack).organizations}
    for stage in read("nrm.yaml", pack)["stages"]:
        for lead in stage["leads"]:
            assert {lead["organization"], *lead["co_leads"]} <= known


@pytest.mark.parametrize("pack", ALL)
def test_every_organisation_has_a_client_with_its_id_and_only_restricted_ones_see_restricted_categories(
    pack: Path,
) -> None:
    clients = {one["client_id"]: one for one in read("clients.yaml", pack)["clients"]}
    for organization in load_directory(pack).organizations:
        client = clients[organization.slug]
        assert client["organization_id"] == str(organization_id(organization.slug)) == str(organization.id)
        assert client["roles"] == ["restricted_provider" if organization.is_restricted else "provider"]


@pytest.mark.parametrize("pack", ALL)
def test_every_desk_of_the_policy_has_a_client_and_every_role_exists(pack: Path) -> None:
    policy, roles = load_policy(pack), read("roles.yaml", pack)["roles"]
    clients = read("clients.yaml", pack)["clients"]
    desks = {policy.steward_desk, policy.child_desk, *(one.lead_desk for one in policy.categories.values())}
    assert desks <= {client["client_id"] for client in clients}
    assert {role for client in clients for role in client["roles"]} <= set(roles)


@pytest.mark.parametrize("pack", ALL)
def test_every_desk_has_a_name_that_people_can_tell_from_others(pack: Path) -> None:
    policy = load_policy(pack)
    assert policy.desk_names.keys() == policy.desks
    assert len(set(policy.desk_names.values())) == len(policy.desks)


@pytest.mark.parametrize("pack", ALL)
def test_only_the_reception_and_the_child_desk_may_read_or_write_people_and_no_partner_may(pack: Path) -> None:
    roles = read("roles.yaml", pack)["roles"]
    readers = {name for name, role in roles.items() if "returnees:read" in role["scopes"]}
    staff = ("reception_system", "reception_clerk", "intake_desk", "child_desk", "screener", "data_protection_officer")
    assert readers == {*staff}
    assert not any("returnees" in scope for name in ("provider", "restricted_provider", "network_steward")
                   for scope in roles[name]["scopes"])  # fmt: skip


@pytest.mark.parametrize("pack", ALL)
def test_no_role_is_police(pack: Path) -> None:
    assert not {"police", "enforcement"} & {
        part for name in read("roles.yaml", pack)["roles"] for part in name.split("_")
    }


@pytest.mark.parametrize("pack", ALL)
def test_completion_facts_are_asked_of_services_that_exist_and_of_every_bed_document_and_course(pack: Path) -> None:
    """A misspelt service type would ask nobody anything."""
    types = {service.service_type: service.category for service in load_directory(pack).services}
    wanted = load_policy(pack).completion_facts
    assert set(wanted) <= set(types)
    shelters = {one for one, category in types.items() if category == "shelter"}
    courses = {one for one in types if one.endswith("_course")}
    assert courses
    assert {"identity_card", "birth_certificate"} | courses | shelters <= set(wanted)
