"""`consents.yaml`: one file and one model for both services that keep to it; a mistake stops them at start."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from libs.consents.policy import ConsentPolicy, load_consents
from libs.events.codes import NeedCategory
from services.referral.pack.policy import load_policy
from services.registration.pack import load_pack

PACKS = Path(__file__).parents[3] / "deploy" / "packs"


@pytest.mark.parametrize("pack", ["guatemala", "demo"])
def test_both_services_gate_by_the_same_consents(pack: str) -> None:
    assert load_policy(PACKS / pack).consents == load_pack(PACKS / pack).consents == load_consents(PACKS / pack)


def test_a_job_needs_a_consent_that_names_employers() -> None:
    gate = load_consents(PACKS / "guatemala").by_category[NeedCategory.EMPLOYMENT]
    assert gate.keys == ("employer_sharing:employers",)


@pytest.mark.parametrize(
    "change",
    [
        {"by_category": {}},
        {"statistics": {"purpose": "counting", "recipient_classes": ["providers"]}},
        {"statistics": {"purpose": "statistics", "recipient_classes": []}},
        {"statistics": {"purpose": "statistics", "recipient_class": "providers"}},
        {"gates": {}},
    ],
    ids=["a category is missing", "unknown purpose", "nobody receives it", "unknown field", "unknown part"],
)
def test_a_mistake_in_the_file_stops_the_service(change: dict[str, Any]) -> None:
    told = yaml.safe_load((PACKS / "guatemala" / "consents.yaml").read_text(encoding="utf-8"))
    with pytest.raises(ValidationError):
        ConsentPolicy.model_validate({**told, **change})
