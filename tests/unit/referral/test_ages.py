"""Where people may be placed of whom only the age group is known."""

import pytest

from libs.events.codes import AgeBand, ProtectionFlag
from libs.events.people_codes import AgeGroup
from services.referral.candidates.pools import admits_among
from services.referral.candidates.rules import Exclusion
from tests.unit.referral.making_facts import a_need, a_person, a_service
from tests.unit.referral.test_candidates import APPROVED, codes_for


@pytest.mark.parametrize(
    ("person", "limits", "fits"),
    [
        ({"age_group": AgeGroup.ADULT}, {"minimum_age": 18}, True),
        ({"age_group": AgeGroup.ADULT}, {"minimum_age": 16}, True),
        ({"age_group": AgeGroup.ADULT}, {"minimum_age": 25}, False),
        ({"age_group": AgeGroup.ADULT}, {"minimum_age": 18, "maximum_age": 59}, False),
        ({"age_group": AgeGroup.ADULT}, {"maximum_age": 17}, False),
        ({"age_group": AgeGroup.CHILD}, {"maximum_age": 17}, True),
        ({"age_group": AgeGroup.CHILD}, {"minimum_age": 12, "maximum_age": 17}, False),
        ({"age_group": AgeGroup.CHILD}, {"maximum_age": 11}, False),
        ({"age_group": AgeGroup.CHILD}, {"minimum_age": 18}, False),
        ({"age_group": AgeGroup.UNSURE}, {"maximum_age": 17}, False),
        ({"age_group": AgeGroup.UNSURE}, {"minimum_age": 18}, False),
        ({"age_group": AgeGroup.UNSURE}, {}, True),
        # A known band counts, whatever group an older producer left out.
        ({"age_band": AgeBand.FROM_12_TO_17}, {"minimum_age": 12, "maximum_age": 17}, True),
        (
            {"age_band": AgeBand.FROM_12_TO_17, "protection_flags": frozenset({ProtectionFlag.AGE_DISPUTED})},
            {"minimum_age": 12, "maximum_age": 17},
            False,
        ),
    ],
)
def test_a_service_must_be_for_every_age_that_the_person_may_have(person, limits, fits):
    need = a_need(people=(a_person(**{"age_band": AgeBand.UNKNOWN, **person}),), approved_for=APPROVED)
    service = a_service(eligibility={"unaccompanied_children": True, **limits})
    assert codes_for(need, service) == (set() if fits else {Exclusion.AGE})


@pytest.mark.parametrize(
    ("group", "admitted"),
    [
        (AgeGroup.CHILD, {"child_beds", "beds"}),
        (AgeGroup.ADULT, {"adult_beds", "beds"}),
        (AgeGroup.UNSURE, {"beds"}),
    ],
)
def test_places_for_one_age_are_for_nobody_of_unsure_age(group, admitted):
    person = a_person(age_band=AgeBand.UNKNOWN, age_group=group)
    assert {kind for kind in ("child_beds", "adult_beds", "beds") if admits_among([kind], [person])} == admitted
