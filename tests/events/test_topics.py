"""Topics: made once, checked ever after."""

from __future__ import annotations

from uuid import uuid4

import pytest

from libs.events.catalogue import CATALOGUE
from libs.events.topics import DAY_MS, TOPICS, Topic, TopicsError, check_topics, ensure_topics


async def test_topics_are_made_and_making_them_again_changes_nothing(kafka_bootstrap: str) -> None:
    name = f"test-{uuid4()}"
    topics = [Topic(f"{name}-plain", partitions=4), Topic(f"{name}-states", partitions=2, compacted=True)]
    assert await check_topics(kafka_bootstrap, topics) == [
        f"topic {name}-plain is missing",
        f"topic {name}-states is missing",
    ]
    await ensure_topics(kafka_bootstrap, topics)
    await ensure_topics(kafka_bootstrap, topics)
    assert await check_topics(kafka_bootstrap, topics) == []


async def test_a_topic_that_is_there_but_otherwise_is_told_exactly_and_left_alone(kafka_bootstrap: str) -> None:
    name = f"test-{uuid4()}"
    await ensure_topics(kafka_bootstrap, [Topic(name, partitions=2, retention_ms=1_000)])
    wanted = Topic(name, partitions=3, retention_ms=2_000)
    with pytest.raises(TopicsError) as caught:
        await ensure_topics(kafka_bootstrap, [wanted])
    assert caught.value.faults == [
        f"topic {name} has 2 partitions, not 3",
        f"topic {name} has retention.ms=1000, not 2000",
    ]
    with pytest.raises(TopicsError, match=r"cleanup\.policy=delete, not compact"):
        await ensure_topics(kafka_bootstrap, [Topic(name, partitions=2, compacted=True)])


async def test_keeping_records_longer_than_declared_is_no_fault(kafka_bootstrap: str) -> None:
    name = f"test-{uuid4()}"
    await ensure_topics(kafka_bootstrap, [Topic(name, partitions=1, retention_ms=5_000)])
    assert await check_topics(kafka_bootstrap, [Topic(name, partitions=1, retention_ms=2_000)]) == []


def test_every_topic_of_the_catalogue_is_declared_and_the_other_way_round() -> None:
    assert {topic for topic, _ in CATALOGUE} == set(TOPICS)
    audit = {"enlace.registration-audit", "enlace.referral-audit"}
    assert {name: topic.partitions for name, topic in TOPICS.items()} == {
        name: 1 if name in audit else 12 for name in TOPICS
    }, "seals have one order"
    compacted = {name for name, topic in TOPICS.items() if topic.compacted}
    assert compacted == {"enlace.directory", "enlace.capacity", "enlace.organizations"}
    assert [name for name, topic in TOPICS.items() if topic.foreign and topic.personal] == ["enlace.arrivals"]


async def test_a_topic_with_names_is_kept_no_longer_than_declared(kafka_bootstrap):
    name = f"test-personal-{uuid4()}"
    await ensure_topics(kafka_bootstrap, [Topic(name, partitions=1, retention_ms=14 * DAY_MS)])
    personal = Topic(name, partitions=1, retention_ms=7 * DAY_MS, personal=True)
    assert await check_topics(kafka_bootstrap, [personal]) == [
        f"topic {name} has retention.ms={14 * DAY_MS}, not {7 * DAY_MS}",
        f"topic {name} has segment.ms={7 * DAY_MS}, not {DAY_MS}",
    ]
    await ensure_topics(kafka_bootstrap, [personal])
    assert await check_topics(kafka_bootstrap, [personal]) == []


def test_arrivals_are_kept_as_long_as_the_design_says():
    arrivals = TOPICS["enlace.arrivals"]
    assert arrivals.retention_ms == 7 * DAY_MS, "at least 7 days, and names no longer"
    assert int(arrivals.settings["segment.ms"]) <= DAY_MS, "a segment goes whole"
