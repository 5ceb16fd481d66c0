"""Named places at which a test may kill the process; without `EVENTS_CRASHPOINT` a call costs one comparison.

`EVENTS_CRASHPOINT=relay.after_ack` kills at the first visit, `relay.after_ack:3` at the third. The process ends by
SIGKILL: nothing is flushed, closed or rolled back, as in a power cut of this process.
"""

import os
import signal
from enum import StrEnum


class CrashPoint(StrEnum):
    """Where a crash matters; each is a row of the failure table."""

    OUTBOX_BEFORE_COMMIT = "outbox.before_commit"
    OUTBOX_AFTER_COMMIT = "outbox.after_commit"
    RELAY_AFTER_READ = "relay.after_read"
    RELAY_AFTER_SEND = "relay.after_send"
    RELAY_AFTER_ACK = "relay.after_ack"
    RELAY_AFTER_RETIRE = "relay.after_retire"
    CONSUMER_AFTER_FENCE = "consumer.after_fence"
    CONSUMER_AFTER_INBOX = "consumer.after_inbox"
    CONSUMER_BEFORE_COMMIT = "consumer.before_commit"
    CONSUMER_AFTER_COMMIT = "consumer.after_commit"
    CONSUMER_AFTER_KAFKA_COMMIT = "consumer.after_kafka_commit"


_armed, _, _count = os.environ.get("EVENTS_CRASHPOINT", "").partition(":")
_visits_left = int(_count or 1)
if _armed:
    CrashPoint(_armed)  # a name that doesn't exist would test nothing


def armed(point: CrashPoint) -> bool:
    """Whether this point is where the process is to end; for places that are only visited if asked to."""
    return bool(_armed) and point == _armed


def crashpoint(point: CrashPoint) -> None:
    """Kill this process if this point is armed and its turn has come."""
    global _visits_left
    if _armed and point == _armed:
        _visits_left -= 1
        if _visits_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
