"""The sample people of each pack: every kind of work has somebody, and nobody has more than their role."""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.people import PeopleBook
from deploy.local.person import Person
from deploy.packs.check import faults
from libs.chassis.yaml_files import read_yaml
from services.referral.pack.policy import load_policy

PACKS = Path(__file__).resolve().parents[3] / "deploy" / "packs"
NAMES = ["ethiopia", "guatemala", "honduras"]
IDENTITY = {
    "returnees:read",
    "returnees:write",
    "arrivals:read",
    "packets:read",
    "safe-contact:read",
    "access-log:read",
}


def people_of(name: str) -> list[Person]:
    return PeopleBook(PACKS / name).everybody()


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_of_work_has_a_person(name: str) -> None:
    people, policy = people_of(name), load_policy(PACKS / name)
    wanted = {
        *(
            "reception_clerk",
            "intake_desk",
            "lead_desk",
            "child_desk",
            "child_authority",
            "restricted_desk",
            "steward_desk",
        ),
        *("network_steward", "operator", "data_protection_officer", "provider", "restricted_provider"),
        "screener",
    }
    assert {role for person in people for role in person.roles} == wanted
    at_desk = Counter(desk for person in people for desk in person.desks)
    assert set(at_desk) == policy.desks, "somebody acts for every desk"
    assert max(at_desk.values()) >= 2
    organizations = {person.organization_id for person in people if person.organization_id}
    assert len(organizations) >= 6
    main_places = [code for code in read_yaml(PACKS / name / "reception.yaml")["places"] if len(code) == 4]
    clerks = {place for person in people if person.roles == ("reception_clerk",) for place in person.reception_places}
    assert clerks == set(main_places)


@pytest.mark.parametrize("name", NAMES)
def test_every_person_has_one_tenant_and_those_who_read_people_have_reception_places(name: str) -> None:
    child_desk = load_policy(PACKS / name).child_desk
    for person in people_of(name):
        assert person.organization_id or person.staff or person.reception_places, person.subject
        assert not (person.organization_id and (person.staff or person.reception_places)), person.subject
        reads = "returnees:read" in person.scopes and child_desk not in person.desks
        assert reads == bool(person.reception_places), person.subject


@pytest.mark.parametrize("name", NAMES)
def test_an_operator_sees_no_person_and_no_restricted_case(name: str) -> None:
    operators = [person for person in people_of(name) if "operator" in person.roles]
    assert operators
    for person in operators:
        assert person.staff
        assert not IDENTITY & person.scopes
        assert "restricted:read" not in person.scopes
        assert {scope.partition(":")[2] for scope in person.scopes} == {"read"}


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (lambda one: one.update(roles=["king"]), "people.0.roles: clerk-air-base: king is not a role of roles.yaml"),
        (
            lambda one: one.update(staff=True, desks=["no-desk"]),
            "people.0.desks: clerk-air-base: no-desk is not a desk",
        ),
        (lambda one: one.update(desks=["pgn-child-desk"]), "people.0.desks: clerk-air-base: only staff act for desks"),
        (lambda one: one.update(reception_places=["GT99"]), "GT99 is not a place of reception.yaml"),
        (lambda one: one.update(organization="nobody"), "nobody is not an organisation of directory.yaml"),
        (lambda one: one.update(organization="renap", reception_places=[]), "people.0.organization_id: clerk-air-base"),
        (lambda one: one.update(organization_id=str(bytes(16).hex())), "needs the organisation's slug too"),
        (lambda one: one.update(reception_places=[]), "needs staff, an organisation or reception places"),
        (lambda one: one.update(subject="shelter-desk"), "another person has the same subject"),
        (lambda one: one.update(subject="Marta Alicia"), "people.0.subject: String should match pattern"),
        (lambda one: one.update(scopes=["erasure:write"]), "people.0.scopes: Extra inputs are not permitted"),
    ],
)
def test_a_mistake_in_people_yaml_is_named(tmp_path: Path, edit: Callable[[Any], object], fault: str) -> None:
    pack = Path(shutil.copytree(PACKS / "guatemala", tmp_path / "pack"))
    content = yaml.safe_load((pack / "people.yaml").read_text(encoding="utf-8"))
    edit(content["people"][0])
    (pack / "people.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    assert any(fault in one for one in faults(pack)), faults(pack)


def test_people_without_the_mark_of_a_sample_are_refused(tmp_path: Path) -> None:
    pack = Path(shutil.copytree(PACKS / "guatemala", tmp_path / "pack"))
    path = pack / "people.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("sample: true", "sample: false"), encoding="utf-8")
    assert any(": sample: Input should be True" in one for one in faults(pack)), faults(pack)


def test_a_pack_needs_no_sample_people_and_one_that_lies_over_another_has_its_people(tmp_path: Path) -> None:
    pack = Path(shutil.copytree(PACKS / "guatemala", tmp_path / "pack"))
    (pack / "people.yaml").unlink()
    assert faults(pack) == []
    assert PeopleBook(pack).everybody() == []
    over = tmp_path / "over"
    over.mkdir()
    (over / "overlay.yaml").write_text(f"base: {PACKS / 'guatemala'}\n", encoding="utf-8")
    assert PeopleBook(over).everybody() == people_of("guatemala")
