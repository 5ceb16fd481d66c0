"""The arithmetic of rounds, pairs and goals. Each guard was seen to fail without what it guards."""

import pytest

from bench.__main__ import merged
from bench.chain import Result
from bench.figures import figures_of
from bench.filling import STATUSES, Names
from bench.goals import GOALS, Goal
from bench.history import ENDED, Pair, figures_of_history
from bench.manifest import Manifest
from bench.path import Plan, Sides, Taken
from bench.showing import spread_text
from bench.spread import Spread, quantile, ratios, shares
from bench.steady import Quantiles, Steady


def result(rate: float, **cpu_seconds: float) -> Result:
    return Result(returnees=100, seconds=100 / rate, cpu_seconds=cpu_seconds or {"referral": 0.1, "kafka": 0.2})


def steady(p50: float, p99: float) -> Steady:
    return Steady(1000, Quantiles(p50, p99), {}, {"referral": 6.0, "postgres": 4.0, "kafka": 2.0}, 1250)


def test_the_best_of_rates_is_the_highest_and_of_times_the_shortest():
    values = (303.0, 380.0, 343.0)
    assert (Spread(values, high_is_good=True).best, Spread(values).best) == (380.0, 303.0)
    assert Spread(values).median == 343.0


def test_a_figure_without_a_round_is_refused():
    with pytest.raises(ValueError, match="at least one round"):
        Spread(())


def test_an_hour_that_is_bad_for_both_sides_changes_no_ratio():
    """Seen to fail when the best of one side was divided by the best of the other: 1.33."""
    quiet, loaded = (400.0, 800.0), (150.0, 300.0)
    told = ratios([loaded[0], quiet[0], loaded[0]], [loaded[1], quiet[1], loaded[1]], high_is_good=True)
    assert told.values == (0.5, 0.5, 0.5)
    uneven = ratios([400.0, 150.0], [300.0, 300.0], high_is_good=True)
    assert (uneven.best, uneven.median) == (pytest.approx(4 / 3), pytest.approx(11 / 12))


def test_rounds_without_a_partner_are_no_pairs():
    assert ratios([300.0, 100.0, 50.0], [10.0]).values == (30.0,)


def test_a_reference_of_zero_is_refused():
    with pytest.raises(ValueError, match="has no ratio"):
        ratios([1.0], [0.0])


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0)])
def test_a_quantile_is_a_value_that_was_measured(share: float, expected: float):
    assert quantile([float(value) for value in range(100, 0, -1)], share) == expected


def test_every_round_gets_people_and_all_rounds_together_get_what_was_asked():
    assert shares(51, 3) == [17, 17, 17]
    assert shares(50, 4) == [13, 13, 12, 12]
    assert shares(1, 3) == [1, 1, 1]


def test_a_value_equal_to_a_limit_reaches_it():
    rate = Goal("", bound=0.75, aim=1.0, high_is_good=True)
    assert [rate.reached(value) for value in (0.74, 0.75, 0.99, 1.0)] == ["no", "bound", "bound", "aim"]
    time = Goal("", bound=60, aim=35)
    assert [time.reached(value) for value in (60.1, 60, 35.1, 35)] == ["no", "bound", "bound", "aim"]


def test_the_cpu_time_of_a_person_is_without_that_of_kafka():
    assert result(10, referral=0.3, postgres=0.1, kafka=9.0).cpu_ms == pytest.approx(4.0)
    assert steady(1, 1).cpu_ms == pytest.approx(8.0)


def measured() -> Sides:
    ours = Taken(
        bulk=[result(300), result(400), result(350)],
        flights=[0.3],
        steady=[steady(300, 900), steady(200, 500)],
        solo=[[10.0, 30.0, 20.0], [40.0]],
        manifests=[Manifest(1.4, 0.2), Manifest(1.2, 0.1)],
    )
    floor = Taken(bulk=[result(600), result(500), result(700)], steady=[steady(100, 300), steady(100, 200)])
    return Sides(ours, floor, Taken(bulk=[result(20)]))


def test_every_goal_has_its_figure_and_its_best_under_the_name_in_the_file():
    told = figures_of(measured())
    told["chain"] |= figures_of_history(Pair([result(400)], [result(380)]))
    for name in GOALS:
        part, _, figure = name.partition(".")
        assert {figure, f"{figure}_best"} <= set(told[part]), name


def test_figures_are_medians_of_rounds_and_of_pairs():
    told = figures_of(measured())
    chain = told["chain"]
    assert (chain["returnees_per_s"], chain["returnees_per_s_best"], chain["returnees_per_s_least"]) == (350, 400, 300)
    assert (chain["ratio_to_floor"], chain["ratio_to_floor_best"]) == (0.5, 0.8)
    assert chain["ratio_to_usual"] == 15.0
    assert (told["steady"]["p50_ratio"], told["steady"]["floor_p99_ms"]) == (2.5, 250.0)
    assert (told["solo"]["p50_ms"], told["solo"]["p99_ms"], told["solo"]["people"]) == (30.0, 40.0, 4)
    assert told["manifest"]["seconds"] == 1.3
    assert spread_text(chain, "returnees_per_s", 0) == "400, 350 (300..400)"


def test_what_was_not_measured_has_no_figures():
    only_alone = Sides(Taken(solo=[[10.0]]), Taken(), Taken())
    assert set(figures_of(only_alone)) == {"solo"}
    assert "floor_p50_ms" not in figures_of(only_alone)["solo"]


def test_history_is_the_time_of_a_returnee_with_it_to_that_without_it():
    told = figures_of_history(Pair([result(400), result(200)], [result(200), result(100)]))
    assert (told["history_ratio"], told["history_cpu_ratio"]) == (2.0, 1.0)


def test_a_run_of_one_part_keeps_the_other_figures_of_the_event_path():
    before = {"chain": {"ratio_to_floor": 0.5}, "relay": {"old": 1}}
    after = merged(before, {"chain": {"history_ratio": 1.1}, "relay": {"new": 2}})
    assert after == {"chain": {"ratio_to_floor": 0.5, "history_ratio": 1.1}, "relay": {"new": 2}}


def test_a_reference_is_started_only_for_what_it_does():
    def plan(*parts: str) -> Plan:
        return Plan(frozenset(parts), returnees=1, rounds=1, usual_rounds=0, steady_seconds=1, solo_people=1)

    assert not plan("manifest", "flight").compared
    assert plan("manifest", "solo").compared


def test_the_history_contains_nothing_that_is_still_in_progress():
    """A referral that seeks a provider would be placed by the router while the chain is measured."""
    assert set(ENDED.statuses) == {"completed", "cancelled"}
    assert len(ENDED.statuses) == len(STATUSES) == len(Names().statuses) == 16
