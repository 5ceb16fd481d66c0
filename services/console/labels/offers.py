"""Words for codes of offers, packets, completion, places of a provider."""

from collections.abc import Mapping
from typing import Final

from services.console.words import N_

LABELS: Final[Mapping[str, Mapping[str, str]]] = {
    "offer_tab": {
        "waiting": N_("Waiting for you"),
        "serving": N_("Accepted and running"),
        "ended": N_("Ended"),
    },
    "ended_kind": {
        "served": N_("services that have ended"),
        "declined": N_("declined by you"),
        "expired": N_("not answered in time"),
        "recalled": N_("taken back by the network"),
    },
    "decline_effect": {
        "full": N_("You get no offers for these places until you declare free places again."),
        "not_eligible": N_("Another service is asked. You are not asked again for this need."),
        "not_our_area": N_("Another service is asked. You are not asked again for this need."),
        "person_not_found": N_("The network looks for the person first. You may be asked again."),
        "person_refused": N_("A desk asks the person first."),
        "no_longer_offered": N_("You get no offers for this service until it is published again."),
        "conflict_of_interest": N_("Your organisation is not asked for any need of this person."),
        "unsafe": N_("A desk decides before anything else is offered."),
        "other": N_("Another service is asked. You are not asked again for this need."),
    },
    "answer_done": {
        "acknowledge": N_("You have confirmed that you have seen the offer for case %(code)s."),
        "accept": N_("You have accepted the offer for case %(code)s. The data of the person are ready in a moment."),
        "decline": N_("You have declined the offer for case %(code)s."),
    },
    "answer_result": {
        "acknowledge": N_("confirmed as seen"),
        "accept": N_("accepted"),
        "decline": N_("declined"),
    },
    "yes_no": {"yes": N_("yes"), "no": N_("no")},
    "packet_field": {
        "given_names": N_("Given names"),
        "family_names": N_("Family names"),
        "birth_date": N_("Birth date"),
        "age_band": N_("Age"),
        "age_group": N_("Child or adult"),
        "sex": N_("Sex"),
        "nationality": N_("Nationality"),
        "identity_document": N_("Identity document"),
        "document_number": N_("Document number"),
        "documents_held": N_("Documents that the person has"),
        "languages": N_("Languages"),
        "destination": N_("Where the person wants to go"),
        "access_needs": N_("Needs for access"),
        "safe_contact": N_("Safe contact"),
        "household_members": N_("Members of the household"),
    },
    "deletion_reason": {
        "consent_withdrawn": N_("the person has withdrawn their consent"),
        "consent_expired": N_("the consent has ended"),
        "consent_invalid": N_("the consent was not valid"),
        "do_not_share": N_("the person does not want your organisation to have their data"),
        "erased": N_("the person had their data erased"),
    },
    "deletion_answer": {
        "deleted": N_("we have deleted the data"),
        "not_held": N_("we kept no data"),
        "kept_by_law": N_("a law requires us to keep some of it"),
    },
    "keeping_ground": {
        "health_record": N_("health record"),
        "child_protection_record": N_("record of child protection"),
        "civil_register": N_("civil register"),
        "accounts": N_("accounts"),
        "legal_proceedings": N_("legal proceedings"),
    },
    "pool_kind": {
        "adult_beds": N_("beds for adults"),
        "family_beds": N_("beds for families"),
        "child_beds": N_("beds for children"),
        "women_beds": N_("beds for women"),
        "protected_beds": N_("protected beds"),
        "meals": N_("meals"),
        "consultations": N_("consultations"),
        "calls": N_("calls"),
        "slots": N_("appointments"),
        "cases": N_("cases"),
        "seats": N_("seats"),
        "sessions": N_("sessions"),
        "interviews": N_("interviews"),
        "journeys": N_("journeys"),
        "tickets": N_("tickets"),
        "kits": N_("kits"),
        "vacancies": N_("vacancies"),
    },
    "service_status": {
        "active": N_("works"),
        "suspended": N_("suspended: gets no offers"),
        "withdrawn": N_("withdrawn"),
    },
}
