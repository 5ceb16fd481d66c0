"""Words for codes of records that may be one person."""

from collections.abc import Mapping
from typing import Final

from services.console.words import N_

_DECISIONS: Final = {
    "match_status": {
        "open": N_("not decided"),
        "merged": N_("one person"),
        "different": N_("two people"),
        "unmerged": N_("merge undone"),
    },
    "match_band": {"same": N_("almost certainly one person"), "review": N_("may be one person")},
    "merge_reason": {
        "person_confirms": N_("the person confirms it"),
        "family_confirms": N_("the family confirms it"),
        "document_seen": N_("a document shows it"),
        "registered_twice": N_("the person was registered twice on one arrival"),
        "returned_again": N_("the person has returned again"),
    },
    "different_reason": {
        "person_denies": N_("the person says no"),
        "documents_differ": N_("their documents differ"),
        "relatives": N_("they are relatives, such as twins or parent and child"),
        "same_name_only": N_("only the name is the same"),
        "mistake": N_("it was a mistake"),
    },
}
_REASONS: Final = {
    "match_field": {
        "given_names": N_("given names"),
        "family_names": N_("family names"),
        "name_order": N_("order of the names"),
        "birth_date": N_("birth date"),
        "birth_year": N_("year of birth"),
        "sex": N_("sex"),
        "document_number": N_("number of the identity document"),
        "phone": N_("telephone number"),
        "municipality": N_("municipality"),
        "street_number": N_("house number"),
        "address_1": N_("first line of the address"),
        "address_2": N_("second line of the address"),
        "suburb": N_("district"),
        "postcode": N_("postcode"),
        "state": N_("state"),
    },
    "match_level": {
        "exact": N_("the same"),
        "sound": N_("sounds the same, or is a short form"),
        "close": N_("differs in a letter or digit"),
        "part": N_("one record says more"),
        "second": N_("the first given name is missing in one record"),
        "initial": N_("only the first letter is known"),
        "similar": N_("similar"),
        "swapped": N_("two parts have changed places"),
        "two_parts": N_("two of year, month and day agree"),
        "year": N_("only the year agrees"),
        "near": N_("nearly the same"),
        "different": N_("different"),
        "straight": N_("the usual order"),
        "transposed": N_("given and family names have changed places"),
    },
    "match_guard": {
        "guard.other_given_names": N_("other given names: they may be twins or siblings"),
        "guard.generation_apart": N_("a generation apart: they may be parent and child"),
        "guard.other_sex": N_("another sex: they may be brother and sister"),
        "guard.other_date": N_("another birth date: they may be siblings or cousins"),
        "guard.no_date": N_("a birth date is not known: they may be parent and child"),
        "guard.other_given_names_and_date": N_("other given names and another birth date: they may be siblings"),
        "group.same": N_("other records agree with both of them"),
    },
}
LABELS: Final[Mapping[str, Mapping[str, str]]] = {**_DECISIONS, **_REASONS}
