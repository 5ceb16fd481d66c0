"""What other libraries log: readable, rarely repeated, and without a person's data."""

import logging

import pytest

from libs.chassis.foreign_logs import QUIET_SECONDS, Repeats, text_of
from libs.chassis.logs import get_logger


class OwnError(Exception):
    """An error of the Kafka client."""


OwnError.__module__ = "aiokafka.errors"


def record(name: str, message: str, *arguments: object, level: int = logging.ERROR) -> logging.LogRecord:
    return logging.LogRecord(name, level, "x.py", 1, message, arguments, None)


@pytest.mark.parametrize(
    ("message", "arguments", "shown"),
    [
        ("Unable connect to node with id %s: %s", (1, ConnectionRefusedError(111, "Connection refused")),
         "Unable connect to node with id 1: ConnectionRefusedError [Errno 111] Connection refused"),
        ("Failed fetch messages from %s: %s", (1, OwnError("Connection at kafka:9092 closed")),
         "Failed fetch messages from 1: Connection at kafka:9092 closed"),
        ("Could not send %r: %r", (dict, OwnError()), "Could not send 'dict': 'OwnError'"),
        ("client_rack but v%d", (11,), "client_rack but v11"),
    ],
)  # fmt: skip
def test_the_kafka_client_says_in_whole_sentences_what_it_can_not_reach(message, arguments, shown):
    assert text_of(record("aiokafka.conn", message, *arguments)) == shown


@pytest.mark.parametrize("value", [ValueError("Marta Sample"), {"name": "Marta Sample"}, object()])
def test_no_argument_that_may_quote_a_person_is_shown_by_the_kafka_client(value):
    assert "Marta" not in text_of(record("aiokafka.consumer", "User provided listener %s failed", value))


def test_arguments_of_a_library_that_may_quote_a_person_stay_away():
    assert text_of(record("sqlalchemy.pool", "lost %s", "Marta Sample")) == "lost %s"


def test_a_message_with_the_wrong_arguments_is_shown_as_it_is():
    assert text_of(record("aiokafka", "error in consumer iterator: %s %s", 1)) == "error in consumer iterator: %s %s"


def test_what_a_library_repeats_is_held_back_and_counted():
    clock = [0.0]
    repeats = Repeats(now=lambda: clock[0])
    first, again, other = (record("aiokafka", text, 1) for text in ("away %s", "away %s", "closed %s"))
    assert [repeats.filter(one) for one in (first, again, again, other)] == [True, False, False, True]
    clock[0] = QUIET_SECONDS
    later = record("aiokafka", "away %s", 1)
    assert repeats.filter(later)
    assert (first.repeated, later.repeated) == (0, 2)


def test_what_we_log_ourselves_is_never_held_back():
    repeats, records = Repeats(now=lambda: 0.0), []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    handler.addFilter(repeats)
    logger = logging.getLogger("sample.repeats")
    logger.addHandler(handler)
    try:
        for _ in range(3):
            get_logger("sample.repeats").error("thing.failed")
    finally:
        logger.removeHandler(handler)
    assert len(records) == 3
