"""Words for codes of registration: profiles, consents, contacts, arrivals."""

from collections.abc import Mapping
from typing import Final

from services.console.words import N_

_PEOPLE: Final = {
    "sex": {
        "female": N_("woman or girl"),
        "male": N_("man or boy"),
        "other": N_("other"),
        "unknown": N_("not told"),
    },
    "age_group": {
        "child": N_("child (under 18)"),
        "adult": N_("adult (18 or older)"),
        "unsure": N_("not sure"),
    },
    "age_basis": {
        "document": N_("a document shows it"),
        "own_word": N_("the person says it"),
        "staff_judgement": N_("staff judged it"),
        "assessment": N_("an assessment found it"),
    },
    "age_band": {
        "under_5": N_("under 5"),
        "5_11": N_("5 to 11"),
        "12_17": N_("12 to 17"),
        "18_24": N_("18 to 24"),
        "25_34": N_("25 to 34"),
        "35_59": N_("35 to 59"),
        "60_plus": N_("60 or older"),
        "unknown": N_("not known"),
    },
    "identity_document": {
        "held": N_("has one here"),
        "left_abroad": N_("left it abroad"),
        "lost_on_route": N_("lost it on the way"),
        "never_applied": N_("never had one"),
    },
    "client_kind": {
        "returnee": N_("returns to their country"),
        "host_community": N_("lives in the community here"),
        "internal_migrant": N_("moved inside the country"),
        "non_national": N_("person of another country"),
    },
    "access_need": {
        "wheelchair": N_("uses a wheelchair"),
        "visual": N_("sees badly or not at all"),
        "hearing": N_("hears badly or not at all"),
        "cognitive": N_("needs simple words and more time"),
    },
    "protection_flag": {
        "unaccompanied_child": N_("child without parent or guardian"),
        "age_disputed": N_("the age is in doubt"),
        "fears_return": N_("is afraid to have been returned"),
        "restricted_path": N_("only protected referrals"),
    },
}
_RETURN: Final = {
    "return_kind": {
        "forced": N_("forced"),
        "voluntary": N_("voluntary"),
        "assisted": N_("voluntary, with the help of a programme"),
    },
    "return_order": {
        "deportation": N_("deportation"),
        "expulsion": N_("expulsion"),
        "removal": N_("removal"),
        "readmission": N_("readmission"),
        "none": N_("no order"),
    },
    "return_mode": {"air": N_("by air"), "land": N_("by land"), "sea": N_("by sea"), "foot": N_("on foot")},
    "return_sign": {
        "collective_expulsion": N_("sent back in a group, without a look at each person"),
        "mass_expulsion": N_("sent back with very many others"),
        "pushback": N_("pushed back at a border"),
    },
}
_CONSENTS: Final = {
    "consent_purpose": {
        "registration_services": N_("registration and help at the reception centre"),
        "referral": N_("finding help at organisations"),
        "family_contact": N_("contact with the family"),
        "follow_up": N_("asking later how the person is"),
        "employer_sharing": N_("finding work"),
        "statistics": N_("statistics"),
        "research": N_("research"),
        "justice": N_("justice and complaints"),
    },
    "recipient_class": {
        "providers": N_("organisations that help"),
        "family": N_("the family"),
        "network_staff": N_("staff of the network"),
        "employers": N_("employers"),
        "statistics_office": N_("the statistics office"),
        "justice_bodies": N_("courts and public prosecutors"),
    },
    "given_by": {
        "self": N_("the person"),
        "guardian": N_("parent or guardian of the child"),
        "authority": N_("the authority that acts as guardian"),
    },
    "consent_method": {
        "signature": N_("signed"),
        "voice": N_("said it aloud"),
        "witnessed": N_("said it before a witness"),
    },
    "contact_channel": {
        "sms": N_("text message"),
        "call": N_("telephone call"),
        "email": N_("e-mail"),
        "relay": N_("through somebody the person trusts"),
        "none": N_("must not be contacted"),
    },
    "contact_state": {
        "missing": N_("none is known: ask the person"),
        "valid": N_("known"),
        "ended": N_("it has ended: ask the person again"),
        "nobody": N_("must not be contacted"),
    },
    "address_owner": {
        "own": N_("the person's own"),
        "relative": N_("of a relative"),
        "friend": N_("of a friend"),
        "employer": N_("of the employer"),
        "shared": N_("shared with others"),
        "other": N_("of somebody else"),
    },
}
_ARRIVALS: Final = {
    "batch_status": {
        "referenced": N_("not announced"),
        "announced": N_("expected"),
        "landed": N_("landed"),
        "intake_completed": N_("intake completed"),
    },
    "entry_status": {"expected": N_("not met yet"), "registered": N_("registered"), "absent": N_("absent")},
    "transport_mode": {"flight": N_("flight"), "bus": N_("bus"), "boat": N_("boat"), "on_foot": N_("on foot")},
    "told_need_status": {"reported": N_("reported"), "withdrawn": N_("withdrawn")},
    "second_need_reason": {
        "another_place": N_("at another place"),
        "another_time": N_("at another time"),
        "another_service": N_("from another service"),
    },
}
_DOUBTS: Final = {
    "doubt_closing": {"mended": N_("corrected data were entered"), "discarded": N_("it is not used")},
    "doubt_closing_reason": {
        "asked_the_person": N_("the person was asked"),
        "asked_the_sender": N_("the sender was asked"),
        "told_again": N_("it was sent again correctly"),
        "not_meant": N_("it was not meant"),
        "cannot_be_known": N_("nobody can find it out"),
        "erased": N_("the data of the person were erased"),
    },
    "claim_reason": {
        "size_exceeded": N_("the household would have more people than it said"),
        "size_differs": N_("the members said different numbers of people"),
        "excluded_person": N_("one of them excludes the other, or somebody with this name"),
    },
    "claim_decision": {"keep_together": N_("they belong together"), "separate": N_("they do not belong together")},
    "doubt_field": {
        "/reception_place": N_("reception place"),
        "/identity/birth_date": N_("birth date"),
        "/identity/document_number": N_("number of the identity document"),
        "/profile/age": N_("child or adult"),
        "/profile/access_needs": N_("what the person needs to use a place"),
        "/profile/protection_flags": N_("protection concern"),
        "/profile/avoid_places": N_("places to avoid"),
        "/profile/client_kind": N_("who the person is to the country"),
        "/profile/sex": N_("sex"),
        "/profile/documents_held": N_("documents"),
        "/profile/languages": N_("languages"),
        "/profile/destination": N_("destination"),
        "/return_facts": N_("how the person was returned"),
        "/return_facts/signs": N_("sign of an unlawful return"),
        "/return_facts/kind": N_("forced or voluntary return"),
        "/return_facts/order": N_("order of return"),
        "/return_facts/mode": N_("way of return"),
        "/needs": N_("need"),
        "/needs/urgency": N_("urgency of a need"),
        "/needs/kind": N_("kind of a need"),
        "/needs/people_count": N_("number of people of a need"),
        "/needs/sender_reference": N_("sender's reference of a need"),
        "/needs/detail_values": N_("details of a need"),
        "/needs/after_category": N_("what must be met before a need"),
        "/needs/after_kind": N_("what must be met before a need"),
        "/batch_reference": N_("sender's reference of the flight or bus"),
        "/manifest_reference": N_("sender's reference of the person on the list"),
        "/household_reference": N_("sender's reference of the household"),
        "/household_size": N_("size of the household"),
        "/stay_together": N_("wish to stay together"),
        "/consents": N_("consent"),
        "/named_consents": N_("consent for one organisation"),
        "/safe_contact": N_("safe contact"),
    },
}
_LANGUAGES: Final = {
    # Languages whose names the language data of the console's libraries lack in one of its languages.
    "spoken_language": {
        "quc": N_("K'iche'"),
        "kek": N_("Q'eqchi'"),
        "mam": N_("Mam"),
        "cak": N_("Kaqchikel"),
        "tzj": N_("Tz'utujil"),
        "ixl": N_("Ixil"),
        "kjb": N_("Q'anjob'al"),
        "acr": N_("Achi"),
        "cab": N_("Garifuna"),
        "miq": N_("Miskito"),
        "nus": N_("Nuer"),
        "anu": N_("Anuak"),
        "har": N_("Harari"),
        "orm": N_("Oromo"),
        "som": N_("Somali"),
        "tir": N_("Tigrinya"),
        "aar": N_("Afar"),
        "sid": N_("Sidama"),
        "wal": N_("Wolaytta"),
        "amh": N_("Amharic"),
        "spa": N_("Spanish"),
        "eng": N_("English"),
        "por": N_("Portuguese"),
        "fra": N_("French"),
        "hat": N_("Haitian Creole"),
        "ara": N_("Arabic"),
        "sgn": N_("sign language"),
    },
}
LABELS: Final[Mapping[str, Mapping[str, str]]] = {
    **_PEOPLE, **_RETURN, **_CONSENTS, **_ARRIVALS, **_DOUBTS, **_LANGUAGES,
}  # fmt: skip
