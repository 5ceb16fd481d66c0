"""The directories are whole and use known codes only; that of Guatemala says what the documents say."""

from datetime import date
from pathlib import Path

import pytest
import yaml

from deploy.packs.directory import Service, load_directory, openings_of, organization_id, service_id
from libs.chassis.yaml_files import FaultyFileError
from services.referral.candidates.facts import AGES

PACKS = Path(__file__).parents[3] / "deploy" / "packs"
ALL = {name: load_directory(PACKS / name) for name in ("ethiopia", "guatemala", "honduras")}
GUATEMALA = ALL["guatemala"]
LAPSED = {"ethiopia": "fikir-parish-house", "guatemala": "hogar-esperanza", "honduras": "posada-lempira"}
"""The organisation of each pack whose agreement has run out."""


def the(slug: str) -> Service:
    return next(service for service in GUATEMALA.services if service.slug == slug)


@pytest.mark.parametrize("name", ALL)
def test_there_are_at_least_20_organisations_and_60_services_marked_as_sample(name: str) -> None:
    assert ALL[name].sample
    assert len(ALL[name].organizations) >= 20
    assert len(ALL[name].services) >= 60


@pytest.mark.parametrize("name", ALL)
def test_every_category_with_rules_has_two_services_so_that_a_decline_has_a_next_candidate(name: str) -> None:
    rules = yaml.safe_load((PACKS / name / "routing.yaml").read_text(encoding="utf-8"))
    for category in rules["categories"]:
        assert sum(service.category == category for service in ALL[name].services) >= 2, category


@pytest.mark.parametrize("name", ALL)
def test_no_slug_is_used_twice(name: str) -> None:
    slugs = [one.slug for one in ALL[name].organizations] + [one.slug for one in ALL[name].services]
    assert len(slugs) == len(set(slugs))


def test_ids_are_made_of_slugs() -> None:
    assert GUATEMALA.organizations[0].id == organization_id("casa-del-migrante")
    assert the("icrc-prostheses").id == service_id("icrc-prostheses")


@pytest.mark.parametrize("name", ALL)
def test_every_place_is_a_department_of_the_pack(name: str) -> None:
    places = yaml.safe_load((PACKS / name / "places.yaml").read_text(encoding="utf-8"))["places"]
    for service in ALL[name].services:
        named = [service.place, *service.catchment, *([service.on_site_at] if service.on_site_at else [])]
        assert set(named) <= set(places), service.slug


@pytest.mark.parametrize("name", ALL)
def test_ages_lie_on_the_edges_of_age_bands(name: str) -> None:
    firsts, lasts = {first for first, _ in AGES.values()}, {last for _, last in AGES.values()}
    for service in ALL[name].services:
        assert service.eligibility.minimum_age in firsts | {None}, service.slug
        assert service.eligibility.maximum_age in lasts | {None}, service.slug


@pytest.mark.parametrize("name", ALL)
def test_no_pool_declares_more_than_its_maximum_and_kinds_are_unique_in_a_service(name: str) -> None:
    for service in ALL[name].services:
        assert all(pool.available <= pool.maximum for pool in service.pools), service.slug
        assert len({pool.kind for pool in service.pools}) == len(service.pools), service.slug


@pytest.mark.parametrize("name", ALL)
def test_every_organisation_is_accredited_and_agreed_for_what_it_offers_and_one_agreement_is_over(name: str) -> None:
    lapsed = []
    for organization in ALL[name].organizations:
        offered = {service.category for service in organization.services}
        assert set(organization.accreditations) == offered, organization.slug
        assert set(organization.agreements) == offered, organization.slug
        if any(until < date(2026, 1, 1) for until in organization.agreements.values()):
            lapsed.append(organization.slug)
    assert lapsed == [LAPSED[name]]


@pytest.mark.parametrize(
    "slug", ["casa-del-migrante-guatemala-shelter", "casa-del-migrante-san-marcos-shelter",
             "casa-nuestras-raices-guatemala-shelter"],
)  # fmt: skip
def test_a_stay_lasts_72_hours(slug: str) -> None:
    assert the(slug).max_stay_hours == 72


def test_casa_del_migrante_offers_food_basic_care_calls_and_remittances_in_both_cities() -> None:
    house = next(one for one in GUATEMALA.organizations if one.slug == "casa-del-migrante")
    types = {service.service_type for service in house.services if service.place == "GT01"}
    assert types >= {"temporary_shelter", "hot_meals", "basic_care", "calls", "remittance_receipt"}
    assert {service.place for service in house.services} == {"GT01", "GT12"}


def test_casa_nuestras_raices_takes_children_only_and_is_licensed_for_those_alone() -> None:
    house = next(one for one in GUATEMALA.organizations if one.slug == "casa-nuestras-raices")
    for service in house.services:
        assert service.eligibility.maximum_age == 17
        assert service.eligibility.unaccompanied_children
    categories = {service.category for service in house.services}
    assert categories >= {"shelter", "health", "mhpss", "child_protection"}


@pytest.mark.parametrize("name", ALL)
def test_no_adult_shelter_takes_an_unaccompanied_child(name: str) -> None:
    for service in ALL[name].services:
        if service.category == "shelter" and (service.eligibility.minimum_age or 0) >= 18:
            assert not service.eligibility.unaccompanied_children, service.slug


@pytest.mark.parametrize("name", ALL)
def test_trafficking_and_gbv_services_are_restricted_and_no_others(name: str) -> None:
    restricted = {"anti_trafficking", "gbv"}
    for service in ALL[name].services:
        assert service.restricted == (service.category in restricted), service.slug


def test_renap_is_at_the_base_and_in_departments() -> None:
    registry = next(one for one in GUATEMALA.organizations if one.slug == "renap")
    assert [service.slug for service in registry.services if service.on_site_at == "GT01"] == ["renap-air-force-base"]
    assert {service.place for service in registry.services} >= {"GT01", "GT12", "GT13", "GT09", "GT14"}


def test_intecap_teaches_computer_sewing_baking_and_auto_mechanics() -> None:
    school = next(one for one in GUATEMALA.organizations if one.slug == "intecap")
    taught = {service.service_type.removesuffix("_course") for service in school.services}
    assert taught == {"computer", "sewing", "baking", "auto_mechanics"}


def test_the_health_post_has_shifts_and_simple_medication_only() -> None:
    post = the("ministry-of-health-air-force-base-post")
    assert post.service_type == "simple_medication"
    assert len(openings_of(post.hours)) == 10
    assert post.on_site_at == "GT01"


def test_prostheses_mental_hospital_calls_and_transport_are_there() -> None:
    assert the("icrc-prostheses").category == "health"
    assert the("mental-health-hospital-psychiatric-care").category == "mhpss"
    assert the("foreign-affairs-calls").category == "family_contact"
    assert the("foreign-affairs-terminal-shuttle").category == "transport"
    assert set(the("foreign-affairs-bus-san-marcos").catchment) >= {"GT12", "GT09"}


def test_hours_are_read_and_nonsense_is_refused() -> None:
    monday, tuesday = openings_of(["1-2 08:00-12:30"])
    assert (monday.weekday, monday.opens_minute, monday.closes_minute) == (1, 480, 750)
    assert tuesday.weekday == 2
    for wrong in ("sometimes", "1 12:00-08:00", "5-1 08:00-09:00", "1 08:00-24:30"):
        with pytest.raises(ValueError, match="hours must"):
            openings_of(wrong)


def test_an_unknown_field_of_a_service_is_refused(tmp_path: Path) -> None:
    text = (PACKS / "guatemala" / "directory.yaml").read_text(encoding="utf-8")
    (tmp_path / "directory.yaml").write_text(text.replace("max_stay_hours: 72", "maximum_stay: 72", 1))
    with pytest.raises(
        FaultyFileError, match=r"directory.yaml:\d+: organizations.0.services.\d+.maximum_stay: Extra inputs"
    ):
        load_directory(tmp_path)
