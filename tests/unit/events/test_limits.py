"""When parking stops a partition."""

import pytest

from libs.events.handling.limits import ParkingLimit, ParkingLimitError


def test_ten_failures_in_a_row_are_too_many() -> None:
    limit = ParkingLimit(3)
    for _ in range(9):
        limit.failed()
    with pytest.raises(ParkingLimitError) as caught:
        limit.failed()
    assert caught.value.partition == 3


def test_a_success_in_between_starts_the_row_again() -> None:
    limit = ParkingLimit(0)
    for _ in range(40):
        limit.failed()
        limit.succeeded(1)


def test_more_than_five_percent_of_a_thousand_are_too_many() -> None:
    limit = ParkingLimit(0)
    for _ in range(50):
        limit.failed()
        limit.succeeded(10)
    with pytest.raises(ParkingLimitError):
        limit.failed()


def test_old_failures_are_forgotten() -> None:
    limit = ParkingLimit(0)
    for _ in range(200):
        limit.failed()
        limit.succeeded(30)


def test_a_copy_leaves_the_counts_as_they_are() -> None:
    limit = ParkingLimit(0)
    for _ in range(9):
        limit.copy().failed()
    for _ in range(9):
        limit.failed()
