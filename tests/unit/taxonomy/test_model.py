"""A taxonomy is data: what is wrong in it is named with file, line and key, and a new kind is one entry."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from libs.chassis.yaml_files import FaultyFileError
from libs.taxonomy.model import Dimension, Taxonomy, load_taxonomy

PACKS = Path(__file__).resolve().parents[3] / "deploy" / "packs"
OPEN_ELIGIBILITY = Path(__file__).parent / "data" / "open-eligibility-taxonomy.xml"
GUATEMALA = load_taxonomy(PACKS / "guatemala")

Edit = Callable[[Any], object]


def changed(directory: Path, edit: Edit) -> Path:
    content = yaml.safe_load((PACKS / "guatemala" / "taxonomy.yaml").read_text(encoding="utf-8"))
    edit(content)
    (directory / "taxonomy.yaml").write_text(
        yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8"
    )
    return directory


def faults(directory: Path) -> list[str]:
    with pytest.raises(FaultyFileError) as refused:
        load_taxonomy(directory)
    return [str(fault) for fault in refused.value.faults]


@pytest.mark.parametrize("pack", ["ethiopia", "guatemala", "honduras"])
def test_the_packs_of_the_project_have_a_taxonomy(pack: str) -> None:
    named = """anti_trafficking child_protection documents employment family_contact food gbv health legal mhpss shelter
        training transport"""
    assert set(named.split()) <= set(load_taxonomy(PACKS / pack).categories)


def test_the_kinds_that_the_sources_name_are_there() -> None:
    named = """identity_document birth_certificate driving_licence prosthesis psychiatric_care psychological_first_aid
        bus_ticket terminal_shuttle department_transport escort hygiene_kit clothing refreshments hot_meals
        remittance_receipt currency_exchange calls family_tracing family_reunification child_shelter skills_certificate
        course study_costs job_placement job_application_help business_start financial_services legal_aid
        school_enrolment social_protection document_guidance document_costs simple_medication hospital_care
        temporary_shelter family_shelter protected_shelter victim_care victim_legal_aid support_group group_sessions
        eviction_support follow_up rights_complaint"""
    assert set(named.split()) <= set(GUATEMALA.kinds)


@pytest.mark.parametrize("pack", ["ethiopia", "guatemala", "honduras"])
def test_mapped_services_exist_in_open_eligibility(pack: str) -> None:
    taxonomy = load_taxonomy(PACKS / pack)
    known = {int(id_) for id_ in re.findall(r'_level id="(1\d{3})"', OPEN_ELIGIBILITY.read_text(encoding="utf-8"))}
    entries = {**taxonomy.categories, **taxonomy.kinds}
    mapped = {code: entry.open_eligibility for code, entry in entries.items() if entry.open_eligibility is not None}
    assert len(mapped) > 60
    assert set(mapped.values()) <= known


def test_a_kind_takes_what_it_does_not_say_from_its_category() -> None:
    assert GUATEMALA.dimension_of("business_start") is Dimension.ECONOMIC
    assert GUATEMALA.level_of("counselling") == "individual"
    assert GUATEMALA.level_of("support_group") == "community"
    assert GUATEMALA.is_basic("prosthesis")
    assert not GUATEMALA.is_basic("identity_document")


def test_a_new_kind_is_one_entry(tmp_path: Path) -> None:
    kind = {
        "category": "health",
        "label": {"es": "Anteojos", "en": "Glasses"},
        "definition": {"es": "Anteojos graduados.", "en": "Glasses for one's sight."},
        "unit": "item",
        "completion": ["items_given"],
        "basic": False,
    }
    taxonomy = load_taxonomy(changed(tmp_path, lambda it: it["kinds"].update(glasses=kind)))
    assert taxonomy.kinds_of["health"][-1] == "glasses"
    assert not taxonomy.is_basic("glasses")


def test_a_deprecated_kind_stays_readable_and_is_not_among_those_for_new_needs(tmp_path: Path) -> None:
    taxonomy = load_taxonomy(
        changed(tmp_path, lambda it: it["kinds"]["refreshments"].update(deprecated_by="hot_meals"))
    )
    assert "refreshments" in taxonomy.kinds
    assert "refreshments" not in taxonomy.kinds_of["food"]


def course(**changes: object) -> Edit:
    return lambda it: it["kinds"]["course"].update(changes)


@pytest.mark.parametrize(
    ("edit", "key", "why"),
    [
        (lambda it: it["kinds"]["course"]["label"].pop("en"), "kinds.course.label", "lacks the language en"),
        (lambda it: it["kinds"]["course"]["definition"].pop("es"), "kinds.course.definition", "lacks the language es"),
        (lambda it: it["categories"]["food"]["label"].pop("en"), "categories.food.label", "lacks the language en"),
        (lambda it: it["documents"]["passport"].pop("en"), "documents.passport", "lacks the language en"),
        (lambda it: it["details"]["side"]["values"]["left"].pop("en"), "details.side.values.left", "lacks the langua"),
        (lambda it: it.update(languages=["es", "en", "mam"]), "documents.identity_card", "lacks the language mam"),
        (course(category="schooling"), "kinds.course.category", "schooling is not a"),
        (course(details=["colour"]), "kinds.course.details.0", "colour is not in"),
        (course(completion=["colour"]), "kinds.course.completion.0", "colour is not"),
        (course(yields=["diploma"]), "kinds.course.yields.0", "diploma is not in"),
        (course(requires=["visa"]), "kinds.course.requires.0", "visa is not in this"),
        (course(instead_of=["class"]), "kinds.course.instead_of.0", "class is not in"),
        (course(instead_of=["course"]), "kinds.course.instead_of.0", "course must not"),
        (course(details=["subject", "subject"]), "kinds.course.details.1", "subject must not be here"),
        (course(deprecated_by="class"), "kinds.course.deprecated_by", "class is not a"),
        (course(deprecated_by="calls"), "kinds.course.deprecated_by", "calls belongs"),
        (course(deprecated_by="course"), "kinds.course.deprecated_by", "is deprecated"),
        (lambda it: it["kinds"]["birth_certificate"].update(requires=["birth_certificate"]), "requires", "a circle: "),
        (lambda it: it["categories"].update(play=it["categories"]["gbv"]), "categories.play", "no kind belongs to it"),
        (lambda it: it["kinds"].update(Course=it["kinds"]["course"]), "kinds.Course", "should match pattern"),
        (course(colour="red"), "kinds.course.colour", "Extra inputs"),
        (course(unit="kilo"), "kinds.course.unit", "Input should be"),
        (course(open_eligibility=7), "kinds.course.open_eligibility", "greater than"),
        (lambda it: it["kinds"]["course"]["label"].update(en=" "), "kinds.course.label.en", "at least 1 character"),
        (lambda it: it["details"]["side"].update(values={}), "details.side", "a choice needs values"),
        (lambda it: it["details"]["nights"].update(values={"one": {"es": "1"}}), "details.nights", "has no values"),
        (lambda it: it["details"]["nights"].update(at_least=31), "details.nights", "must not be above at_most"),
        (lambda it: it["details"]["side"].update(at_most=3), "details.side", "a choice has no limits"),
        (lambda it: it["facts"]["hired"].update(met_by=["yes"]), "facts.hired", "is no answer"),
        (lambda it: it["facts"]["hired"].update(form="place", met_by=[]), "facts.hired.form", "Input should be"),
        (lambda it: it["facts"]["treatment"].update(met_by=["cured"]), "facts.treatment", "'cured' is no answer"),
        (lambda it: it["facts"]["items_given"].update(met_by=[101]), "facts.items_given", "101 is no answer"),
        (lambda it: it["facts"]["items_given"].update(met_by=[1, 2]), "facts.items_given", "the smallest"),
        (lambda it: it["facts"]["items_given"].update(met_by=[True]), "facts.items_given", "True is no answer"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_line_and_key(tmp_path: Path, edit: Edit, key: str, why: str) -> None:
    found = faults(changed(tmp_path, edit))
    told = re.compile(rf"taxonomy\.yaml:\d+: (\S+\.)?{re.escape(key)}(\.\S+)?: .*{re.escape(why)}")
    assert any(told.match(one) for one in found), found


def test_the_line_is_that_of_the_key(tmp_path: Path) -> None:
    shutil.copy(PACKS / "guatemala" / "taxonomy.yaml", tmp_path)
    lines = (tmp_path / "taxonomy.yaml").read_text(encoding="utf-8").splitlines()
    number = lines.index("    details: [limb, side]")
    lines[number] = "    details: [limb, sides]"
    (tmp_path / "taxonomy.yaml").write_text("\n".join(lines), encoding="utf-8")
    assert faults(tmp_path) == [f"taxonomy.yaml:{number + 1}: kinds.prosthesis.details.1: sides is not in this file"]


def test_every_circle_of_documents_is_found_however_long(tmp_path: Path) -> None:
    def edit(content: Any) -> None:
        content["kinds"]["birth_certificate"]["requires"] = ["passport"]
        content["kinds"]["identity_document"]["requires"] = ["birth_certificate"]

    [fault] = faults(changed(tmp_path, edit))
    assert fault.count(" requires ") == 3
    assert "passport requires identity_card" in fault


def test_the_model_is_closed_for_change() -> None:
    assert isinstance(GUATEMALA, Taxonomy)
    with pytest.raises(ValueError, match="frozen"):
        GUATEMALA.version = "other"
