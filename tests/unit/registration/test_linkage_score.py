"""The score of two records, its bands and its guards."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.chassis.yaml_files import FaultyFileError
from services.registration.linkage.estimate import fit
from services.registration.linkage.evidence import Guard
from services.registration.linkage.forms import form_of
from services.registration.linkage.groups import with_groups
from services.registration.linkage.priors import load
from services.registration.linkage.records import Record
from services.registration.linkage.score import Band, compare, score_of

PACKS = Path(__file__).resolve().parents[3] / "deploy" / "packs"
PRIORS = load(PACKS / "guatemala" / "linkage.yaml")
PERSON = Record(
    given_names="José Luis",
    family_names="Hernández Tzoc",
    birth_date=date(1985, 3, 12),
    sex="male",
    phone="5512 3456",
    municipality="GT0101",
)
FATHER = replace(PERSON, birth_date=date(1958, 7, 30))
TWIN = replace(PERSON, given_names="Carlos Enrique")


@pytest.mark.parametrize(
    "other",
    [
        PERSON,
        replace(PERSON, given_names="JOSE LUIS", family_names="HERNANDEZ TZOC"),
        replace(PERSON, given_names="Chepe"),
        replace(PERSON, given_names="José"),
        replace(PERSON, given_names="Jose Luiz", family_names="Ernandes Tsoc"),
        replace(PERSON, family_names="Tzoc Hernández"),
        replace(PERSON, family_names="Tzoc"),
        replace(PERSON, family_names="Hernandze Tzoc"),
        replace(PERSON, given_names="Hernández Tzoc", family_names="José Luis"),
        replace(PERSON, birth_date=date(1985, 12, 3)),
        replace(PERSON, birth_date=date(1985, 3, 13)),
        replace(PERSON, birth_date=date(1986, 3, 12)),
        replace(PERSON, sex=None, phone=None),
        replace(PERSON, phone="3344 5566", municipality="GT2201"),
    ],
)
def test_one_person_with_one_error_is_the_same(other: Record):
    assert compare(PERSON, other, PRIORS).band is Band.SAME


@pytest.mark.parametrize(
    ("other", "guard"),
    [
        (TWIN, Guard.OTHER_GIVEN_NAMES),
        (replace(PERSON, given_names="José Carlos"), Guard.OTHER_GIVEN_NAMES),
        (replace(PERSON, given_names="Luisa"), Guard.OTHER_GIVEN_NAMES),
        (replace(PERSON, given_names="Luis"), Guard.OTHER_GIVEN_NAMES),
        (FATHER, Guard.GENERATION_APART),
        (replace(PERSON, birth_date=date(2008, 3, 12)), Guard.GENERATION_APART),
        (replace(PERSON, birth_date=None, birth_year=2008), Guard.GENERATION_APART),
        (replace(PERSON, birth_date=None), Guard.NO_DATE),
        (replace(PERSON, given_names="José", birth_date=date(1988, 11, 26)), Guard.OTHER_DATE),
        (replace(PERSON, birth_date=date(1988, 11, 26)), Guard.OTHER_DATE),
        (replace(PERSON, given_names="Josef Luis", sex="female"), Guard.OTHER_SEX),
    ],
)
def test_members_of_a_family_are_never_the_same(other: Record, guard: Guard):
    """Seen to fail with each guard lifted: a pair of each kind is the same then."""
    score = compare(PERSON, other, PRIORS)
    assert score.band is not Band.SAME
    assert guard in score.reasons
    assert score.probability < PRIORS.same_from


def test_the_guards_of_a_father_and_a_twin_hold_with_the_same_telephone_address_and_document():
    more = {"document_number": "2545123450101", "address_1": "4a avenida 3-21", "suburb": "zona 3", "postcode": "01003"}
    for other in (FATHER, TWIN):
        assert compare(replace(PERSON, **more), replace(other, **more), PRIORS).band is Band.REVIEW


def test_siblings_are_different():
    other = replace(PERSON, given_names="Marta Julia", sex="female", birth_date=date(1990, 11, 25))
    assert compare(PERSON, other, PRIORS).band is Band.DIFFERENT


def test_strangers_are_different():
    other = Record("Petrona", "Caal Choc", date(1979, 5, 2), None, "female", phone="41112222", municipality="GT1601")
    assert compare(PERSON, other, PRIORS).band is Band.DIFFERENT


def test_agreement_in_a_common_name_says_less_than_in_a_rare_one():
    common, rare = (replace(PERSON, family_names=name) for name in ("López Pérez", "Chavajay Cholotío"))
    assert compare(common, common, PRIORS).weight < compare(rare, rare, PRIORS).weight - 10


def test_the_reasons_are_codes_without_a_value_of_a_record():
    score = compare(PERSON, replace(PERSON, family_names="Tzoc"), PRIORS)
    assert all(reason.replace(".", "_").replace("_", "").isalnum() and reason.islower() for reason in score.reasons)
    assert not {"jose", "tzoc", "1985", "5512"} & set(" ".join(score.reasons).replace(".", " ").split())


WORDS = ["José", "Chepe", "Luis", "Luisa", "María", "Marta", "López", "Lopes", "Tzoc", "Hernández", "Xicay", "J"]
NAMES = st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join)
RECORDS = st.builds(
    Record,
    given_names=NAMES,
    family_names=NAMES,
    birth_date=st.none() | st.dates(date(1950, 1, 1), date(1990, 12, 31)),
    birth_year=st.none() | st.integers(1950, 1990),
    sex=st.sampled_from([None, "male", "female"]),
    phone=st.sampled_from([None, "55123456", "55123465"]),
    address_1=st.sampled_from([None, "4a avenida", "4 avenida", "calle real"]),
    address_2=st.sampled_from([None, "4a avenida", "casa 2"]),
    suburb=st.sampled_from([None, "zona 3", "01003"]),
    postcode=st.sampled_from([None, "01003", "01030"]),
)


@given(RECORDS, RECORDS)
@settings(max_examples=300, deadline=None)
def test_a_score_is_the_same_in_either_order(a: Record, b: Record):
    one, other = compare(a, b, PRIORS), compare(b, a, PRIORS)
    assert one.weight == pytest.approx(other.weight)
    assert one.band is other.band
    assert sorted(one.reasons) == sorted(other.reasons)


@given(RECORDS, RECORDS, st.sampled_from(["phone", "sex", "given_names"]))
@settings(max_examples=200, deadline=None)
def test_a_field_that_one_record_lacks_counts_as_if_both_lacked_it(a: Record, b: Record, field: str):
    without = replace(b, **{field: None})
    both = compare(replace(a, **{field: None}), without, PRIORS)
    assert compare(a, without, PRIORS).weight == pytest.approx(both.weight)


def test_the_order_of_surnames_makes_no_difference():
    exchanged = replace(PERSON, family_names="Tzoc Hernández")
    assert compare(PERSON, exchanged, PRIORS).weight == compare(PERSON, PERSON, PRIORS).weight


def test_what_is_the_same_as_the_same_is_the_same_unless_a_guard_stands_between():
    first = Record("Ana Lucía", "Chavajay Cux", date(1991, 2, 3), None, "female", phone="44445555")
    middle = Record("Ana", "Chavajay", date(1991, 2, 3), None, "female", phone="44445555", municipality="GT0701")
    last = Record("Ana", "Cux Chavajay", date(1991, 3, 2), None, None, municipality="GT0701")
    forms = [form_of(one) for one in (first, middle, last)]
    scores = {(0, 1): score_of(forms[0], forms[1], PRIORS), (1, 2): score_of(forms[1], forms[2], PRIORS)}
    assert {score.band for score in scores.values()} == {Band.SAME}
    assert with_groups(scores, forms, PRIORS)[0, 2].band is Band.SAME
    forms[2] = form_of(replace(last, birth_date=date(1971, 3, 2)))
    assert (0, 2) not in with_groups(dict.fromkeys(scores, scores[0, 1]), forms, PRIORS)


def test_every_pack_has_weights_and_lifts_no_guard():
    for pack in sorted(PACKS.glob("*/linkage.yaml")):
        assert load(pack).lifted == frozenset()
    assert len(list(PACKS.glob("*/linkage.yaml"))) == 3


def test_a_mistake_in_weights_is_named_with_its_line(tmp_path: Path):
    file = tmp_path / "linkage.yaml"
    file.write_text("match_prior: 0.1\nsame_from: 7\n")
    with pytest.raises(FaultyFileError, match=r"linkage.yaml:2: same_from"):
        load(file)


def test_two_records_or_none_are_enough_to_learn_from():
    for records in ([], [PERSON], [PERSON, PERSON]):
        learnt, kept = fit([form_of(one) for one in records], PRIORS)
        assert len(kept) == len(records) // 2
        assert 0 < learnt.match_prior <= 0.5
