"""Partners behave at the published rates, and the same way whenever the same seed is run."""

from pathlib import Path

import pytest

from deploy.packs.demo_data import Sector, load_demo
from deploy.simulate.conduct import Conduct, Verdict, change_of_mind, conduct_of, deed_of
from deploy.simulate.rates import RATES
from libs.events.codes import NeedCategory

WORK = load_demo(Path(__file__).parents[3] / "deploy" / "packs" / "guatemala").work
MANY = 4000


def conducts(category: NeedCategory, *, seed: int = 7) -> list[Conduct]:
    return [
        conduct_of(
            seed=seed, person=f"person/{number}", category=category, work=WORK[category], service="a-service", attempt=1
        )
        for number in range(MANY)
    ]


def share(found: list[Conduct], *verdicts: Verdict) -> float:
    return sum(one.verdict in verdicts for one in found) / len(found)


@pytest.mark.parametrize(
    ("category", "silent"),
    [("child_protection", 0.27), ("health", 0.25), ("training", 0.87)],
)
def test_as_many_offers_get_no_response_as_lebanon_published(category: NeedCategory, silent: float) -> None:
    assert share(conducts(category), Verdict.SILENCE) == pytest.approx(silent, abs=0.025)


def test_of_basic_assistance_with_feedback_forty_seven_per_cent_are_only_acknowledged() -> None:
    heard = [one for one in conducts("food") if one.verdict is not Verdict.SILENCE]
    assert share(heard, Verdict.ONLY_ACKNOWLEDGE) == pytest.approx(0.47, abs=0.03)


def test_some_answers_come_before_the_first_reminder_some_after_it_and_some_too_late() -> None:
    times = [one.answers_at for one in conducts("health") if one.verdict in {Verdict.ACCEPT, Verdict.DECLINE}]
    assert min(times) < 0.3 < 0.4 < 1.1 < max(times)
    assert sum(time > 1 for time in times) / len(times) == pytest.approx(0.1, abs=0.02)


def test_dice_fall_the_same_for_the_same_facts_and_otherwise_for_another_seed() -> None:
    assert conducts("health") == conducts("health")
    assert conducts("health") != conducts("health", seed=8)
    assert deed_of(seed=1, person="p", category="food", reason="no_candidate", turn=1) is deed_of(
        seed=1, person="p", category="food", reason="no_candidate", turn=1
    )
    assert change_of_mind(seed=1, person="p") == change_of_mind(seed=1, person="p")


def test_every_sector_has_rates_and_is_that_of_a_category() -> None:
    assert set(RATES) == set(Sector) == {work.sector for work in WORK.values()}
