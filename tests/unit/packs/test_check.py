"""`python -m deploy.packs check` names the file and the field of each mistake in a pack."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.packs.check import READERS, faults
from deploy.packs.directory import load_directory
from libs.chassis.yaml_files import FaultyFileError

ROOT = Path(__file__).resolve().parents[3]
PACKS = ROOT / "deploy" / "packs"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PACKS / "guatemala", tmp_path / "pack"))


def change(pack: Path, name: str, edit: Callable[[Any], object]) -> None:
    content = yaml.safe_load((pack / name).read_text(encoding="utf-8"))
    edit(content)
    (pack / name).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


@pytest.mark.parametrize("name", ["ethiopia", "guatemala", "honduras"])
def test_the_packs_of_the_project_have_no_fault(name: str) -> None:
    assert faults(PACKS / name) == []


def test_every_yaml_file_of_a_pack_is_read() -> None:
    assert {f"{name}.yaml" for name in READERS} == {path.name for path in (PACKS / "guatemala").glob("*.yaml")}


@pytest.mark.parametrize(
    ("name", "edit", "fault"),
    [
        ("routing.yaml", lambda it: (it["categories"].pop("food"), it.pop("other_categories")),
         ": categories.food: is missing, and the file has no other_categories"),
        ("routing.yaml", lambda it: it["categories"].update(play=it["categories"]["food"]),
         ": categories.play: is not a category of taxonomy.yaml"),
        ("taxonomy.yaml", lambda it: it["categories"].update(play=it["categories"]["food"]), ": no kind belongs to it"),
        ("routing.yaml", lambda it: it.update(colour="red"), ": colour: Extra inputs are not permitted"),
        ("packets.yaml", lambda it: (it["by_category"].pop("food"), it.pop("other_categories")),
         ": by_category.food: is missing, and the file has no other_categories"),
        ("consents.yaml", lambda it: (it["by_category"].pop("food"), it.pop("other_categories")),
         ": by_category.food: is missing, and the file has no other_categories"),
        ("directory.yaml", lambda it: it["organizations"][0]["agreements"].update(play="2030-12-31"),
         "agreements.play: play: The taxonomy has no such category"),
        ("nrm.yaml", lambda it: it["stages"][1]["categories"].append("play"), "play is not in taxonomy.yaml"),
        ("reception.yaml", lambda it: it.update(country="HN"), "reception.yaml:1: country: is HN; routing.yaml has GT"),
        ("places.yaml", lambda it: it["places"].pop("GT22"), "places.yaml:2: places.GT22: must be in routing.yaml"),
        ("places.yaml", lambda it: it["places"]["GT01"].update(latitude=1.0), "places.yaml:3: places.GT01: routing."),
        ("reception.yaml", lambda it: it["places"].update(GT99=it["places"]["GT01"]), ": places.GT99: is not a pl"),
        ("directory.yaml", lambda it: it.pop("defaults"), "directory.yaml:1: defaults: Field required"),
        ("directory.yaml", lambda it: it["organizations"].pop(0), "stages.1.leads.0: stage 2: casa-de"),
        ("directory.yaml", lambda it: it["organizations"][0]["services"][0].update(place="GT99"), ".0.place: casa-"),
        ("nrm.yaml", lambda it: it["stages"][1]["categories"].remove("food"), "stages: food must be in stage 2"),
        ("nrm.yaml", lambda it: it["stages"][1]["leads"].pop(1), "no lead has the desk mides-food-desk of food"),
        ("nrm.yaml", lambda it: it["stages"][4]["leads"].append({**it["stages"][4]["leads"][0], "desk": "a-desk"}),
         ": stages.4.leads.1.desk: stage 5: no client of clients.yaml for the desk a-desk"),
        ("nrm.yaml", lambda it: it["stages"][4].update(leads=[]), ": stages.4.leads: List should have at least 1 item"),
        ("nrm.yaml", lambda it: it["stages"][5].update(stage=5), ": stages.5.stage: must be 6: stages are numbered"),
        ("nrm.yaml", lambda it: it["stages"][0]["categories"].append("food"), "categories.1: food must be in one"),
        ("nrm.yaml", lambda it: it["stages"].pop(), ": flow_charts.returnee.5: 6 is not a stage of this file"),
        ("nrm.yaml", lambda it: it["flow_charts"].pop("non_national"), ": flow_charts: lacks a flow chart for non_na"),
        ("nrm.yaml", lambda it: it["flow_charts"].update(non_national=[2, 1]), "flow_charts.non_national.1: the stag"),
        ("nrm.yaml", lambda it: it["flow_charts"].update(non_national=[]), "flow_charts.non_national: List should"),
        ("nrm.yaml", lambda it: it["flow_charts"].update(tourist=[1]), ": flow_charts.tourist: Input should be 'ret"),
        ("clients.yaml", lambda it: it["clients"].__delitem__(slice(1, None)), "no client for the desk igm-shelter"),
        ("clients.yaml", lambda it: it["clients"][0].update(roles=["clerk"]), "clients.yaml:5: clients.0.roles: rece"),
        ("clients.yaml", lambda it: it["clients"][0].update(reception_places=["GT99"]), "GT99 is not a place of rec"),
        ("certificates.yaml", lambda it: it.pop("restricted_needs"), "certificates.yaml:1: restricted_needs: is missi"),
        ("certificates.yaml", lambda it: it["restricted_needs"].update(default="first_aid"),
         "restricted_needs.default: first_aid is not one of kinds"),
        ("certificates.yaml", lambda it: it["restricted_needs"].update(by_category={"food": "protected_cases"}),
         "restricted_needs.by_category.food: food is not restricted in routing.yaml"),
        ("directory.yaml", lambda it: it["certificates"][0].update(kind="driving"), "driving is not a kind of cert"),
        ("directory.yaml", lambda it: it["certificates"][0]["holders"].append("client:nobody"),
         "certificates.0.holders: client:nobody is neither a subject of people.yaml nor a client of clients.yaml"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_file(pack: Path, name: str, edit: Callable[[Any], object], fault: str) -> None:
    change(pack, name, edit)
    assert any(fault in one for one in faults(pack)), faults(pack)


def test_an_id_that_is_not_made_of_the_organisations_slug_is_named(pack: Path) -> None:
    """Its client would answer for an organisation that does not exist."""
    change(pack, "clients.yaml", lambda it: [one.update(organization_id=str(bytes(16).hex())) for one in it["clients"]
                                             if one["client_id"] == "renap"])  # fmt: skip
    [fault] = faults(pack)
    assert "organization_id: renap: must be " in fault


def test_a_directory_with_a_kind_that_the_taxonomy_lacks_is_not_started_with(pack: Path, tmp_path: Path) -> None:
    """Seen to fail without the check before the start: a part of the directory was loaded, and the rest never was."""
    change(pack, "directory.yaml", lambda it: it["organizations"][0]["services"][0]["kinds"].update(hotel_room={}))
    with pytest.raises(FaultyFileError, match=r"directory\.yaml:\d+: organizations\.0\.services\.0\.kinds\.hotel_room"):
        load_directory(pack)
    state = tmp_path / "state"
    line = [sys.executable, "-m", "deploy.local", "up", "--state", str(state), "--pack", str(pack)]
    up = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=170, check=False)
    assert up.returncode == 1
    assert "services.0.kinds.hotel_room: casa-del-migrante" in "".join((up.stdout + up.stderr).splitlines())
    assert not state.exists()


def test_a_category_that_nobody_offers_is_named(pack: Path) -> None:
    def edit(content: Any) -> None:
        for organization in content["organizations"]:
            for service in organization["services"]:
                if service["category"] == "legal":
                    service.update(category="food", kinds={"hot_meals": {}})

    change(pack, "directory.yaml", edit)
    assert any("no service of the category legal" in one for one in faults(pack))


def test_a_text_that_is_not_yaml_and_a_missing_file_are_named(pack: Path) -> None:
    (pack / "reception.yaml").write_text("country: [", encoding="utf-8")
    (pack / "roles.yaml").unlink()
    found = faults(pack)
    assert found == [
        "reception.yaml:2: did not find expected node content",
        "roles.yaml:1: No such file or directory",
    ]


def test_the_command_ends_with_an_error_and_one_line_for_each_mistake(pack: Path) -> None:
    def check() -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "deploy.packs", "check", str(pack)]
        return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=170, check=False)

    good = check()
    assert (good.returncode, good.stdout) == (0, "pack: pack is in order\n")
    (pack / "roles.yaml").unlink()
    bad = check()
    assert (bad.returncode, bad.stderr) == (1, "pack: roles.yaml:1: No such file or directory\n")
