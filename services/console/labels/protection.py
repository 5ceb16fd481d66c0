"""Words for the codes of what needs a second person: exports, emergencies, releases of children."""

from collections.abc import Mapping
from typing import Final

from services.console.words import N_

LABELS: Final[Mapping[str, Mapping[str, str]]] = {
    "release_status": {"open": N_("open"), "released": N_("handed over"), "cancelled": N_("cancelled")},
    "release_relation": {
        "mother": N_("mother"),
        "father": N_("father"),
        "grandparent": N_("grandmother or grandfather"),
        "sibling": N_("sister or brother"),
        "aunt_or_uncle": N_("aunt or uncle"),
        "other_relative": N_("another relative"),
        "legal_guardian": N_("legal guardian"),
    },
    "release_verified": {
        "birth_certificate": N_("birth certificate"),
        "civil_register": N_("civil register"),
        "family_tracing": N_("search for the family"),
        "home_visit": N_("visit at home"),
        "court_decision": N_("decision of a court"),
    },
    "release_wish": {
        "wants_to_go": N_("wants to go"),
        "unsure": N_("is not sure"),
        "does_not_want_to_go": N_("does not want to go"),
        "is_afraid": N_("is afraid"),
    },
    "release_not_heard": {
        "infant": N_("a very small child"),
        "illness": N_("ill"),
        "does_not_want_to_speak": N_("does not want to speak"),
    },
    "release_withdrawal": {
        "danger": N_("danger"),
        "relative_in_doubt": N_("doubt about the relative"),
        "child_changed_mind": N_("the child wants something else now"),
        "court_decision": N_("decision of a court"),
        "signed_in_error": N_("signed by mistake"),
    },
    "release_cancellation": {
        "danger": N_("danger"),
        "relative_not_verified": N_("the relative could not be verified"),
        "relative_withdrew": N_("the relative does not want to any more"),
        "child_does_not_want": N_("the child does not want to"),
        "other_measure": N_("another solution for the child"),
        "entered_in_error": N_("entered by mistake"),
    },
    "release_shown": {
        "document_seen": N_("a document was seen"),
        "known_to_verifier": N_("who verified them knows them"),
    },
    "release_missing": {
        "child-view": N_("the child is not heard"),
        "child-is-afraid": N_("the child is afraid, so there is no release"),
        "verification": N_("the relative is not verified"),
        "sign-off": N_("the authority has not signed off"),
        "sign-off-withdrawn": N_("the authority has withdrawn its sign-off"),
        "sign-off-too-old": N_("the sign-off is too old"),
    },
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
