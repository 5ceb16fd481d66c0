"""`consents.yaml`: one file and one model for both services that keep to it; a mistake stops them at start."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from libs.chassis.yaml_files import FaultyFileError
from libs.consents.policy import load_consents
from libs.taxonomy.model import load_taxonomy
from services.referral.pack.policy import load_policy
from services.registration.pack import load_pack
from tests.categories import GUATEMALA, TAXONOMY

PACKS = Path(__file__).parents[3] / "deploy" / "packs"


@pytest.mark.parametrize("pack", ["ethiopia", "guatemala", "honduras"])
def test_both_services_gate_by_the_same_consents(pack: str) -> None:
    read = load_consents(PACKS / pack, load_taxonomy(PACKS / pack))
    assert load_policy(PACKS / pack).consents == load_pack(PACKS / pack).consents == read


def test_a_job_needs_a_consent_that_names_employers() -> None:
    gate = load_consents(GUATEMALA, TAXONOMY).by_category["employment"]
    assert gate.keys == ("employer_sharing:employers",)


@pytest.mark.parametrize(
    "change",
    [
        {"by_category": {}, "other_categories": None},
        {"statistics": {"purpose": "counting", "recipient_classes": ["providers"]}},
        {"statistics": {"purpose": "statistics", "recipient_classes": []}},
        {"statistics": {"purpose": "statistics", "recipient_class": "providers"}},
        {"gates": {}},
    ],
    ids=["a category is missing", "unknown purpose", "nobody receives it", "unknown field", "unknown part"],
)
def test_a_mistake_in_the_file_stops_the_service(change: dict[str, Any], tmp_path: Path) -> None:
    told = yaml.safe_load((GUATEMALA / "consents.yaml").read_text(encoding="utf-8"))
    (tmp_path / "consents.yaml").write_text(yaml.safe_dump({**told, **change}), encoding="utf-8")
    with pytest.raises(FaultyFileError):
        load_consents(tmp_path, TAXONOMY)
