"""Partners behave at the published rates, and the same way whenever the same seed is run."""

import pytest

from deploy.simulate.conduct import Conduct, Verdict, change_of_mind, conduct_of, deed_of
from deploy.simulate.rates import RATES, SECTOR_OF, WORK, Sector
from libs.events.codes import NeedCategory

MANY = 4000


def conducts(category: NeedCategory, *, seed: int = 7) -> list[Conduct]:
    return [
        conduct_of(seed=seed, person=f"person/{number}", category=category, service="a-service", attempt=1)
        for number in range(MANY)
    ]


def share(found: list[Conduct], *verdicts: Verdict) -> float:
    return sum(one.verdict in verdicts for one in found) / len(found)


@pytest.mark.parametrize(
    ("category", "silent"),
    [(NeedCategory.CHILD_PROTECTION, 0.27), (NeedCategory.HEALTH, 0.25), (NeedCategory.TRAINING, 0.87)],
)
def test_as_many_offers_get_no_response_as_lebanon_published(category: NeedCategory, silent: float) -> None:
    assert share(conducts(category), Verdict.SILENCE) == pytest.approx(silent, abs=0.025)


def test_of_basic_assistance_with_feedback_forty_seven_per_cent_are_only_acknowledged() -> None:
    heard = [one for one in conducts(NeedCategory.FOOD) if one.verdict is not Verdict.SILENCE]
    assert share(heard, Verdict.ONLY_ACKNOWLEDGE) == pytest.approx(0.47, abs=0.03)


def test_some_answers_come_before_the_first_reminder_some_after_it_and_some_too_late() -> None:
    times = [
        one.answers_at for one in conducts(NeedCategory.HEALTH) if one.verdict in {Verdict.ACCEPT, Verdict.DECLINE}
    ]
    assert min(times) < 0.3 < 0.4 < 1.1 < max(times)
    assert sum(time > 1 for time in times) / len(times) == pytest.approx(0.1, abs=0.02)


def test_dice_fall_the_same_for_the_same_facts_and_otherwise_for_another_seed() -> None:
    assert conducts(NeedCategory.HEALTH) == conducts(NeedCategory.HEALTH)
    assert conducts(NeedCategory.HEALTH) != conducts(NeedCategory.HEALTH, seed=8)
    assert deed_of(seed=1, person="p", category="food", reason="no_candidate", turn=1) is deed_of(
        seed=1, person="p", category="food", reason="no_candidate", turn=1
    )
    assert change_of_mind(seed=1, person="p") == change_of_mind(seed=1, person="p")


def test_every_category_has_a_sector_with_rates_and_a_length_of_work() -> None:
    assert set(SECTOR_OF) == set(NeedCategory) == set(WORK)
    assert set(RATES) == set(Sector) == set(SECTOR_OF.values())
