"""The forms in which a table keeps what a stranger calls an event."""

import pytest

from libs.events.handling.keyed import kept_name, keyed_name, known_as, name_of_before, parked_key
from libs.events.kafka import Record
from libs.events.topics import Topic
from tests.events.bus import digest

PERSONAL = Topic("t", partitions=1, foreign=True, personal=True)
PLAIN = Topic("t", partitions=1, foreign=True)
NAME = "Muestra 1990"
RECORD = Record("t", 0, 7, 0, 0, None, b"{}", None, 0, 2, (("ce_id", NAME.encode()),))


def test_a_name_is_a_digest_only_where_identity_data_may_come() -> None:
    assert kept_name(PLAIN, NAME, digest) == NAME
    assert parked_key(PLAIN, NAME.encode(), digest) == NAME.encode()
    assert kept_name(PERSONAL, NAME, digest) == keyed_name(NAME, digest) != keyed_name("Muestra 1991", digest)
    assert NAME.encode() not in parked_key(PERSONAL, NAME.encode(), digest)


@pytest.mark.parametrize(
    ("topic", "before", "found"),
    [
        (PERSONAL, None, keyed_name(NAME, digest)),
        (PERSONAL, keyed_name("another", digest), keyed_name(NAME, digest)),
        (PERSONAL, NAME, NAME),
        (PERSONAL, "another", NAME),
        (PLAIN, keyed_name("another", digest), NAME),
    ],
)
def test_the_last_event_is_compared_in_the_form_in_which_it_stands(
    topic: Topic, before: str | None, found: str
) -> None:
    """Without it a partition stops for a log that is whole, until its position has been keyed."""
    assert known_as(RECORD, before, topic=topic, digest=digest) == found


def test_a_digest_is_never_taken_for_a_name_in_clear() -> None:
    assert name_of_before(PERSONAL, NAME) == NAME
    assert name_of_before(PERSONAL, keyed_name(NAME, digest)) is None
    assert name_of_before(PLAIN, NAME) is None
