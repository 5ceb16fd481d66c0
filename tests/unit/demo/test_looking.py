"""What is left of a pool is counted against the maximum that is declared today."""

from deploy.demo.looking import Pool


def test_places_beyond_todays_maximum_are_not_left() -> None:
    """An earlier run had declared six more. Seen to fail with the ledger's own maximum alone."""
    pool = Pool("p", "s", maximum=14, held=0, taken=10)
    assert pool.left_of(8) == -2
    assert pool.left_of(20) == 4
