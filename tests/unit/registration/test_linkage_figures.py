"""How well whole files are matched, without labels: data set 1 of FEBRL, and invented Guatemalans."""

from pathlib import Path

import pytest

from services.registration.file_matching.actions import matched
from services.registration.file_matching.rules import PeopleFile, read_people
from services.registration.linkage.priors import load
from services.registration.linkage.score import Band, compare
from tests.unit.registration.febrl_like import FEBRL_1, rows, write
from tests.unit.registration.guatemalans import Rates, people

PRIORS = load()
RECALL, PRECISION = 0.95, 0.99


def figures(file: PeopleFile, truth: set[tuple[str, str]]) -> tuple[float, float]:
    """Recall and precision of the band `same` alone."""
    pairs, _ = matched(file, PRIORS)
    same = {(pair.id_a, pair.id_b) for pair in pairs if pair.band == Band.SAME}
    return len(same & truth) / len(truth), len(same & truth) / max(1, len(same))


def febrl_truth(ids: list[str]) -> set[tuple[str, str]]:
    return {
        (one, other)
        for at, one in enumerate(ids)
        for other in ids[at + 1 :]
        if one.split("-")[1] == other.split("-")[1]
    }


def guatemalans(**how: object) -> tuple[PeopleFile, set[tuple[str, str]]]:
    made = people(**how)  # type: ignore[arg-type]
    ids = [str(number) for number in range(len(made.records))]
    return PeopleFile(ids, made.records, 0), {(str(a), str(b)) for a, b in made.matches}


def test_data_set_1_of_febrl_reaches_the_bounds():
    file = read_people(FEBRL_1.read_bytes())
    recall, precision = figures(file, febrl_truth(file.ids))
    assert recall >= RECALL
    assert precision >= PRECISION


def test_a_febrl_set_with_up_to_five_further_records_and_ten_errors_reaches_the_bounds(tmp_path: Path):
    write(tmp_path / "people.csv", rows(7, 500, again=0.5, most=5, errors=10))
    file = read_people((tmp_path / "people.csv").read_bytes())
    recall, precision = figures(file, febrl_truth(file.ids))
    assert recall >= RECALL
    assert precision >= PRECISION


@pytest.mark.parametrize("relatives", [0.0, 0.1])
def test_guatemalans_reach_the_bounds_with_the_errors_of_a_reception_and_with_relatives(relatives: float):
    file, truth = guatemalans(seed=11, count=1200, relatives=relatives)
    recall, precision = figures(file, truth)
    assert recall >= (RECALL if not relatives else 0.9)
    assert precision >= PRECISION


def test_no_twin_and_no_child_of_the_same_name_is_called_the_same():
    made = people(5, 150, again=0.0, relatives=1.0)
    ids = [str(number) for number in range(len(made.records))]
    pairs, learnt = matched(PeopleFile(ids, made.records, 0), PRIORS)
    assert not [pair for pair in pairs if pair.band == Band.SAME]
    assert not learnt.lifted
    assert sum(pair.band == Band.REVIEW for pair in pairs) > 100  # they are shown to a person


def test_a_harder_set_stays_precise():
    file, truth = guatemalans(seed=3, count=800, rates=Rates().times(2.5), most=2)
    assert figures(file, truth)[1] >= PRECISION


def test_the_weights_of_a_pack_are_enough_for_one_arrival():
    made = people(21, 400, again=0.6)
    scores = [compare(made.records[a], made.records[b], PRIORS) for a, b in made.matches]
    assert sum(score.band is not Band.DIFFERENT for score in scores) >= 0.9 * len(scores)
