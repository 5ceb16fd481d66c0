"""`demo.yaml`: what the demo must know of a country is in its pack, and a mistake is named with file, line and key."""

import ast
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from deploy.demo.arrivals import Arrival
from deploy.demo.country import Country
from deploy.local.installation import DEFAULT_PACK, state_beside
from deploy.packs.check import faults
from deploy.packs.demo_data import load_demo
from deploy.packs.named import pack_named
from libs.chassis.yaml_files import FaultyFileError, read_yaml
from libs.events.codes import ConsentPurpose, TransportMode
from libs.taxonomy.model import load_taxonomy

PACKS = Path(__file__).resolve().parents[3] / "deploy" / "packs"
NAMES = ["ethiopia", "guatemala", "honduras"]
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PACKS / "guatemala", tmp_path / "pack"))


def change(pack: Path, edit: Callable[[Any], object]) -> None:
    content = yaml.safe_load((pack / "demo.yaml").read_text(encoding="utf-8"))
    edit(content)
    (pack / "demo.yaml").write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "mode"), [(name, mode) for name in NAMES for mode in load_demo(PACKS / name).arrivals]
)
def test_every_need_of_the_demo_has_a_service_for_the_person(name: str, mode: TransportMode) -> None:
    country = Country.of(PACKS / name)
    arrival = Arrival.make(reference="r", mode=mode, country=country, count=135, seed=20, at=AT)
    assert arrival.needs_count > 200
    for told in arrival.people:
        for need in told.needs:
            alone = told.person.is_child and told.person.household is None
            assert any(
                service.category == need.category
                and (need.kind is None or need.kind in service.kinds)
                and not service.restricted
                and (service.eligibility.households or need.people_count == 1)
                and (service.eligibility.unaccompanied_children or not alone)
                for service in country.directory.services
            ), (need.category, need.kind, need.people_count)


@pytest.mark.parametrize("name", NAMES)
def test_each_member_of_a_family_tells_what_is_told_singly_and_one_of_them_the_rest(name: str) -> None:
    country = Country.of(PACKS / name)
    arrival = Arrival.make(reference="r", mode=TransportMode.FLIGHT, country=country, count=135, seed=20, at=AT)
    singly = country.sample.needs.told_singly
    families = [told for told in arrival.people if told.person.household is not None]
    assert families
    for told in families:
        counts = {need.category: need.people_count for need in told.needs}
        assert {category: counts.pop(category) for category in singly} == dict.fromkeys(singly, 1)
        expected = country.sample.needs.family.keys() - singly if told.person.is_reference else set()
        assert counts == dict.fromkeys(expected, told.person.household_size)


@pytest.mark.parametrize("name", NAMES)
def test_people_are_of_the_country_and_speak_its_languages(name: str) -> None:
    country = Country.of(PACKS / name)
    people = country.sample.people
    arrival = Arrival.make(
        reference="r", mode=TransportMode.FLIGHT, country=country, count=135, seed=20, at=AT
    )  # fmt: skip
    spoken = {language for told in arrival.people for language in told.person.languages}
    assert {people.languages.common} < spoken
    assert {told.person.destination for told in arrival.people} <= set(people.destinations)
    assert {entry.nationality for entry in arrival.announced().entries} == {country.directory.country}
    contacts = [arrived.safe_contact for told in arrival.people if (arrived := arrival.arrived(told)).safe_contact]
    assert contacts
    assert all(contact.address.startswith(people.phone) for contact in contacts)


def test_in_ethiopia_a_consent_is_in_the_first_language_of_the_person_that_has_a_text() -> None:
    country = Country.of(PACKS / "ethiopia")
    arrival = Arrival.make(
        reference="r", mode=TransportMode.FLIGHT, country=country, count=135, seed=20, at=AT
    )  # fmt: skip
    seen = set()
    for told in arrival.people:
        for consent in arrival.arrived(told).consents:
            read_it_oneself = consent.language in told.person.languages
            assert consent.method == ("signature" if read_it_oneself else "witnessed")
            assert consent.data_described == country.sample.people.consent_texts[consent.language]
            seen.add(consent.method)
    assert seen == {"signature", "witnessed"}


@pytest.mark.parametrize("name", NAMES)
def test_who_agrees_consents_to_all_that_the_needs_require(name: str) -> None:
    """Seen to fail with the consents of the needs left out."""
    country = Country.of(PACKS / name)
    arrival = Arrival.make(
        reference="r", mode=TransportMode.FLIGHT, country=country, count=135, seed=20, at=AT
    )  # fmt: skip
    refusing = 0
    for told in arrival.people:
        given = {f"{one.purpose}:{one.recipient_class}" for one in arrival.arrived(told).consents}
        if not told.consents_to_referral:
            refusing += 1
            assert given == {f"{ConsentPurpose.REGISTRATION_SERVICES}:network_staff"}
            continue
        assert {need.category for need in told.needs} <= country.consents.opened_by(given)
    assert refusing


@pytest.mark.parametrize(
    ("name", "other"), [("ethiopia", "guatemala"), ("ethiopia", "honduras"), ("honduras", "guatemala")]
)
def test_two_countries_share_no_place_desk_nationality_or_phone(name: str, other: str) -> None:
    country, another = Country.of(PACKS / name), Country.of(PACKS / other)
    assert not country.lead_desks & another.lead_desks
    mine, theirs = country.sample.people, another.sample.people
    assert not set(mine.destinations) & set(theirs.destinations)
    assert mine.nationality != theirs.nationality
    assert mine.phone != theirs.phone


def test_each_country_has_kinds_of_need_of_its_own() -> None:
    kinds = {name: set(load_taxonomy(PACKS / name).kinds) for name in NAMES}
    for name in ("ethiopia", "honduras"):
        assert len(kinds[name] - kinds["guatemala"]) >= 5
    assert not (kinds["ethiopia"] & kinds["honduras"]) - kinds["guatemala"]
    assert {"gulf_family_tracing", "livestock_start", "occupational_certification"} <= kinds["ethiopia"]
    assert {"municipal_orientation", "reintegration_plan", "safe_relocation"} <= kinds["honduras"]


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (lambda it: it.update(colour="red"), "colour: Extra inputs"),
        (lambda it: it["arrivals"].pop("bus"), "arrivals lacks"),
        (lambda it: (it["work"].pop("food"), it.pop("other_categories")), "work: lacks food"),
        (lambda it: it["needs"].update(told_singly=["legal"]), "needs.told_singly: legal is not a need of families"),
        (lambda it: it["people"]["consent_texts"].pop("spa"), "people: Value error, consent_texts lacks the common"),
        (lambda it: it["people"].update(phone="502"), "people.phone: String should match"),
        (lambda it: it["people"].update(women_share=2), "people.women_share: Input should be less than"),
        (lambda it: it["traffic"].update(on_a_flight=[9, 3]), "traffic: Value error, on_a_flight must ascend"),
        (lambda it: it["scenes"].update(shown=["food"]), "scenes.shown: List should have at least 2"),
        (lambda it: it["arrivals"]["bus"].update(place="GT02"), "arrivals.bus.place: GT02 is not a place of reception"),
        (lambda it: it["arrivals"]["flight"].update(place="GT12"), "arrivals.flight.place: reception.yaml has no fl"),
        (lambda it: it["arrivals"]["bus"].update(client="renap"), "arrivals.bus.client: renap is no client of"),
        (lambda it: it["people"]["destinations"].update(GT99=1), "people.destinations: GT99 is not a place of places"),
        (lambda it: it["people"]["languages"]["local"].update(GT99=["mam"]), "people.languages.local: GT99 is not"),
        (lambda it: it["needs"]["adults"].update(gbv={"share": 0.1, "urgency": "normal"}), "needs.adults.gbv: no serv"),
        (lambda it: it["needs"]["child_alone"].update(training="normal"), "needs.child_alone.training: no service"),
        (lambda it: it["needs"]["adults"].pop("documents"), "needs.adults.employment.after: documents is not among"),
        (lambda it: it["scenes"]["withdrawals"].append("food"), "scenes.withdrawals: food is a basic category"),
        (lambda it: it["partners"]["polling"].append("nobody"), "partners.polling: nobody is not an organisation"),
        (lambda it: it["partners"]["never_answering"].append("renap"), "never_answering: renap is not a service"),
        (lambda it: it["partners"]["often_not_eligible"].update(renap=0.5), "often_not_eligible: renap is not a serv"),
        (lambda it: it["partners"]["keeping_hours"].append("renap"), "partners.keeping_hours: renap is not a service"),
        (lambda it: it["partners"]["true_places"].update(renap=1), "partners.true_places: renap is not a service"),
        (lambda it: it["partners"]["true_places"].update({"renap-quiche": 6}), "renap-quiche: must be below the 6 pl"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_line_and_key(pack: Path, edit: Callable[[Any], object], fault: str) -> None:
    change(pack, edit)
    found = faults(pack)
    assert any(re.match(r"demo\.yaml:\d+", one) and fault in one for one in found), found


def test_a_pack_without_the_file_is_in_order_and_only_a_demo_refuses_it(pack: Path) -> None:
    (pack / "demo.yaml").unlink()
    assert faults(pack) == []
    with pytest.raises(FaultyFileError, match=r"demo\.yaml:1: No such file"):
        load_demo(pack)


def test_a_pack_is_named_by_its_name_or_by_its_folder(pack: Path) -> None:
    assert pack_named("honduras") == PACKS / "honduras"
    assert pack_named(str(pack)) == pack
    for unknown in ("atlantis", str(pack.parent), ""):
        with pytest.raises(typer.BadParameter, match="known: ethiopia, guatemala, honduras"):
            pack_named(unknown)


def test_each_pack_has_a_state_of_its_own_and_that_of_the_usual_pack_keeps_its_name(tmp_path: Path) -> None:
    assert pack_named("guatemala") == DEFAULT_PACK
    states = [state_beside(tmp_path, "demo", pack_named(name)) for name in NAMES]
    assert states == [tmp_path / "demo-ethiopia", tmp_path / "demo", tmp_path / "demo-honduras"]


@pytest.mark.parametrize("name", NAMES)
def test_the_demo_and_the_simulation_name_nothing_of_a_country(name: str) -> None:
    """Seen to fail with the place of an arrival written into the code."""
    country = Country.of(PACKS / name)
    people = country.sample.people
    known: set[str] = set(load_taxonomy(PACKS / name).categories)
    known |= {name, country.directory.country, country.directory.timezone, people.phone, *people.destinations}
    known |= {people.languages.common, *people.languages.others, *people.consent_texts}
    known |= {*people.names.men, *people.names.women, *people.names.families}
    known |= {one.slug for one in (*country.directory.organizations, *country.directory.services)}
    known |= {client["client_id"] for client in read_yaml(PACKS / name / "clients.yaml")["clients"]}
    for path in (*(PACKS.parent / "demo").glob("*.py"), *(PACKS.parent / "simulate").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert node.value not in known, (path.name, node.lineno)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert node.value.id != "NeedCategory", (path.name, node.lineno)
