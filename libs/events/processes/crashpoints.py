"""Named places at which a test may kill the process; without `EVENTS_CRASHPOINT` a call costs one comparison.

`EVENTS_CRASHPOINT=relay.after_ack` kills at the first visit, `relay.after_ack:3` at the third. The process ends by
SIGKILL: nothing is flushed, closed or rolled back, as in a power cut of this process.
"""

import os
import signal
from enum import StrEnum


class CrashPoint(StrEnum):
    """The places of a crash that are tested; each belongs to a row of the table of failures in the README."""

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
    CrashPoint(_armed)  # raises an error for an unknown name, because a test with such a name would test nothing


def armed(point: CrashPoint) -> bool:
    """Whether the process is to be killed at this point. For places that the code visits only in this case."""
    return bool(_armed) and point == _armed


def crashpoint(point: CrashPoint) -> None:
    """Kill this process if this point is armed and this is the visit at which it must happen."""
    global _visits_left
    if _armed and point == _armed:
        _visits_left -= 1
        if _visits_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
