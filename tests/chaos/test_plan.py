"""The plan of faults: the same seed the same plan, and no kind of fault forgotten."""

from collections import Counter
from itertools import pairwise

from tests.chaos.faults import DECK, LONGEST_SECONDS, SHORTEST_PAUSE_SECONDS, plan


def test_the_same_seed_plans_the_same_faults_and_another_seed_others() -> None:
    assert plan(7, 120) == plan(7, 120)
    assert plan(7, 120) != plan(8, 120)


def test_every_fault_of_the_deck_comes_once_before_any_comes_twice() -> None:
    """Seen to fail when faults are drawn instead of dealt."""
    faults = plan(7, 600)
    for start in range(0, len(faults) - len(DECK), len(DECK)):
        dealt = Counter((fault.kind, fault.target) for fault in faults[start : start + len(DECK)])
        assert dealt == Counter(DECK)


def test_faults_come_at_their_pace_and_last_no_longer_than_they_may() -> None:
    faults = plan(7, 3600, mean_pause_s=3.0)
    assert 1000 < len(faults) < 1400
    assert all(later.at_s - one.at_s >= SHORTEST_PAUSE_SECONDS for one, later in pairwise(faults))
    assert all(fault.lasts_s <= LONGEST_SECONDS.get(fault.kind, 0.0) for fault in faults)
    assert faults[-1].at_s < 3600
