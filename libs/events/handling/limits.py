"""When parking must stop. If all events of a partition fail, the cause is not a single event, and parking them all does
not help."""

from collections import deque

IN_A_ROW = 10
WINDOW = 1_000
WINDOW_SHARE = 0.05


class ParkingLimitError(Exception):
    """Too many events of a partition failed: the partition must stop, and no event of this batch may be parked."""

    def __init__(self, partition: int, why: str) -> None:
        super().__init__(why)
        self.partition = partition
        self.why = why


class ParkingLimit:
    """Counts the failures of one partition: ten in a row, or more than 5 % of the last thousand events, are too many.

    Events that are parked only because their key is parked do not count.
    """

    def __init__(self, partition: int) -> None:
        self._partition = partition
        self._in_a_row = 0
        self._seen = 0
        self._failures: deque[int] = deque()

    def copy(self) -> "ParkingLimit":
        """A copy of the counts, which can be changed before it is known whether the transaction commits."""
        twin = ParkingLimit(self._partition)
        twin._in_a_row, twin._seen, twin._failures = self._in_a_row, self._seen, self._failures.copy()
        return twin

    def succeeded(self, count: int) -> None:
        """Note that `count` events were handled."""
        if count:
            self._seen += count
            self._in_a_row = 0

    def failed(self) -> None:
        """Note that one event failed. `ParkingLimitError` if too many have failed."""
        self._seen += 1
        self._in_a_row += 1
        self._failures.append(self._seen)
        while self._failures[0] <= self._seen - WINDOW:
            self._failures.popleft()
        if self._in_a_row >= IN_A_ROW:
            raise ParkingLimitError(self._partition, f"{IN_A_ROW} events in a row failed")
        if len(self._failures) > WINDOW * WINDOW_SHARE:
            raise ParkingLimitError(self._partition, f"{len(self._failures)} of the last {WINDOW} events failed")
