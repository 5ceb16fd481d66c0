"""Words for the codes of what needs a second person: exports of people, access in an emergency."""

from collections.abc import Mapping
from typing import Final

from services.console.words import N_

LABELS: Final[Mapping[str, Mapping[str, str]]] = {
    "emergency_reason": {
        "medical_emergency": N_("medical emergency"),
        "danger_of_violence": N_("danger of violence"),
        "suicide_risk": N_("risk of suicide"),
        "child_in_danger": N_("a child is in danger"),
        "missing_in_danger": N_("missing, and in danger"),
    },
    "emergency_state": {
        "waiting": N_("waits for a second person"),
        "open": N_("open"),
        "refused": N_("refused"),
        "lapsed": N_("nobody decided in time"),
        "ended": N_("ended"),
    },
    "emergency_decision": {"approved": N_("Approved"), "refused": N_("Refused")},
    "emergency_verdict": {
        "justified": N_("justified"),
        "justified_read_too_much": N_("justified, but too much was read"),
        "not_justified": N_("not justified"),
    },
    "export_kind": {
        "deidentified": N_("without names (de-identified)"),
        "identified": N_("with names (identified)"),
    },
    "export_state": {
        "waiting": N_("waits for a second person"),
        "open": N_("can be downloaded"),
        "rejected": N_("rejected"),
        "lapsed": N_("nobody decided in time"),
        "ended": N_("ended"),
    },
    "export_decision": {"approved": N_("Approved"), "rejected": N_("Rejected")},
    "export_field": {
        "case_code": N_("case code"),
        "given_names": N_("given names"),
        "family_names": N_("family names"),
        "birth_date": N_("birth date"),
        "document_number": N_("number of the identity document"),
        "age_group": N_("child or adult"),
        "sex": N_("sex"),
        "nationality": N_("nationality"),
        "languages": N_("languages"),
        "reception_place": N_("reception place"),
        "arrived_on": N_("day of arrival"),
        "destination": N_("destination"),
    },
}
