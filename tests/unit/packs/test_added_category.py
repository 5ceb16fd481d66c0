"""A category is one entry in one file: every service reads a pack to which it is added in `taxonomy.yaml` alone."""

from pathlib import Path

import pytest

from deploy.packs.check import faults
from libs.chassis.yaml_files import FaultyFileError
from services.provider_directory.pack import load_pack as load_directory_pack
from services.referral.pack.policy import load_policy
from services.registration.pack import PacketField
from services.registration.pack import load_pack as load_registration_pack
from tests.added_category import ADDED, ADDED_KIND, pack_with_childcare


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return pack_with_childcare(tmp_path)


def test_each_service_reads_the_pack_and_the_check_finds_no_fault(pack: Path) -> None:
    """Seen to fail without the entry `other_categories` of each of the four files, one after the other."""
    assert faults(pack) == []
    registration, directory, policy = load_registration_pack(pack), load_directory_pack(pack), load_policy(pack)
    assert PacketField.GIVEN_NAMES in registration.packets.fields_for(category=ADDED, service_type="nursery")
    assert registration.consents.gate_of(ADDED) == policy.consents.gate_of(ADDED)
    assert policy.consents.gate_of(ADDED) is not None
    assert directory.taxonomy.kinds_of[ADDED] == (ADDED_KIND,)
    assert policy.category(ADDED) == policy.other_categories
    assert policy.is_basic(ADDED)


def test_a_category_without_an_entry_is_restricted_nowhere(pack: Path) -> None:
    restricted = load_directory_pack(pack).restricted
    assert restricted == load_registration_pack(pack).routing.restricted == {"anti_trafficking", "gbv"}
    assert not load_policy(pack).category(ADDED).restricted


@pytest.mark.parametrize("name", ["routing.yaml", "consents.yaml", "packets.yaml"])
def test_without_other_categories_the_pack_is_refused_with_file_and_line(pack: Path, name: str) -> None:
    """Taken out: the faults of `of_every_category`."""
    file = pack / name
    file.write_text(_without_others(file.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(FaultyFileError) as refused:
        load_registration_pack(pack)
    (fault,) = [one for one in refused.value.faults if one.key.endswith(f".{ADDED}")]
    assert fault.file == name
    assert fault.line > 1
    assert "no other_categories" in fault.why


def _without_others(told: str) -> str:
    """The file without its top-level entry `other_categories`."""
    kept, inside = [], False
    for line in told.split("\n"):
        inside = line.startswith("other_categories:") or (inside and line.startswith(" "))
        kept += [] if inside else [line]
    return "\n".join(kept)
