"""Which packets of the three packs show what finds or identifies a person (domain P6): a second list, kept by hand.

`packets.yaml` may show less than this. Who wants to show more changes this file too, so that two people look at it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.registration.pack import PacketField, load_pack

PACKS = Path(__file__).parents[3] / "deploy" / "packs"
SHOWN = {
    "document_number": "documents",
    "birth_date": """
        health documents child_protection birth_certificate family_reunification family_tracing gulf_family_tracing
        prostheses""",
    "nationality": "documents legal birth_certificate wage_claim",
    "identity_document": "documents legal birth_certificate document_guidance remittance_receipt land_start",
    "destination": "transport bus_ticket department_transport regional_transport land_start livestock_start",
    "family_names": """
        shelter health documents transport family_contact child_protection training employment legal birth_certificate
        bus_ticket department_transport regional_transport family_reunification family_tracing gulf_family_tracing
        local_jobs prostheses remittance_receipt reintegration_plan land_start livestock_start wage_claim""",
    "safe_contact": """
        health mhpss documents family_contact training employment legal anti_trafficking gbv family_reunification
        family_tracing gulf_family_tracing local_jobs prostheses reintegration_plan land_start livestock_start
        wage_claim""",
}
RESTRICTED = {"anti_trafficking", "gbv"}


def lists_of(pack: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Each category, type of service and kind with the fields of its packet."""
    packets = load_pack(PACKS / pack).packets
    for fields in (packets.by_category, packets.by_service_type, packets.by_kind):
        for name, shown in fields.items():
            yield str(name), frozenset(one.value for one in shown)


@pytest.mark.parametrize("pack", ["ethiopia", "guatemala", "honduras"])
@pytest.mark.parametrize("field", SHOWN)
def test_no_other_packet_shows_what_identifies_a_person(pack: str, field: str) -> None:
    assert {name for name, shown in lists_of(pack) if field in shown} <= set(SHOWN[field].split())


@pytest.mark.parametrize("pack", ["ethiopia", "guatemala", "honduras"])
def test_a_provider_of_restricted_services_gets_no_family_name_and_no_document(pack: str) -> None:
    identifying = {"family_names", "birth_date", "document_number", "nationality", "household_members"}
    for name, shown in lists_of(pack):
        assert name not in RESTRICTED or not shown & identifying


def test_the_list_names_fields_that_exist() -> None:
    assert SHOWN.keys() <= {field.value for field in PacketField}
