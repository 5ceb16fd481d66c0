"""The topics of Enlace: their partitions, and what they keep for how long. They are created once, and checked
whenever a consumer connects (DESIGN 3)."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    KafkaError,
    NoError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)

from libs.events import kafka
from libs.events.cluster import Cluster

PARTITIONS = 12
"""Fixed at creation: with another number, later events of a key would go to another partition than its earlier ones."""
DAY_MS = 86_400_000
AUDITOR = "auditor"
"""The only principal that reads the seals of the records of access."""
_MISSING = UnknownTopicOrPartitionError
_SET_ON_TOPIC = 1
"""The protocol's number for a setting that was made on the topic itself."""


@dataclass(frozen=True, slots=True)
class Topic:
    """The declaration of a topic."""

    name: str
    partitions: int = PARTITIONS
    """0: any number of partitions, and any policy. For a topic that is not declared."""
    compacted: bool = False
    """One complete state per key is kept without a time limit. Offsets then have gaps."""
    retention_ms: int = 14 * DAY_MS
    """How long records are kept, in milliseconds. It has no effect on a compacted topic."""
    writer: str | None = None
    """The only service that writes to it. It signs its events; see `libs.events.signing`."""
    readers: tuple[str, ...] = ()
    """The services that read it; no other service may read it."""
    foreign: bool = False
    """External systems write to it, perhaps in transactions, so offsets may have gaps."""
    personal: bool = False
    """It may contain identity data. Its parked events are sealed, and records are not kept longer than declared."""

    @property
    def gaps_allowed(self) -> bool:
        """Whether the offset of the next record may be higher than expected."""
        return self.compacted or self.foreign

    @property
    def settings(self) -> dict[str, str]:
        """The broker's settings that this topic depends on."""
        if not self.partitions:
            return {}
        if self.compacted:
            return {"cleanup.policy": "compact"}
        limits = {"retention.ms": str(self.retention_ms)}
        if self.personal:
            # Kafka deletes a whole segment when its newest record is old enough. A segment of a week would keep names
            # for two weeks.
            limits["segment.ms"] = str(min(DAY_MS, self.retention_ms))
        return {"cleanup.policy": "delete", **limits}


TOPICS: Mapping[str, Topic] = {
    topic.name: topic
    for topic in (
        Topic("enlace.arrivals", readers=("registration",), retention_ms=7 * DAY_MS, foreign=True, personal=True),
        Topic("enlace.registration", writer="registration", readers=("referral", "notifications")),
        Topic("enlace.kept-apart", writer="registration", readers=("referral",)),
        Topic("enlace.directory", writer="provider_directory", readers=("referral",), compacted=True),
        Topic("enlace.capacity", writer="provider_directory", readers=("referral",), compacted=True),
        Topic(
            "enlace.organizations", writer="provider_directory", readers=("registration", "referral"), compacted=True
        ),
        Topic("enlace.directory-notices", writer="provider_directory", readers=("notifications",)),
        Topic("enlace.referral", writer="referral", readers=("registration", "provider_directory", "notifications")),
        Topic("enlace.notifications", writer="notifications", readers=("notifications",)),
        Topic(
            "enlace.registration-audit",
            writer="registration",
            readers=(AUDITOR,),
            partitions=1,
            retention_ms=1_100 * DAY_MS,
        ),
        Topic(
            "enlace.referral-audit", writer="referral", readers=(AUDITOR,), partitions=1, retention_ms=1_100 * DAY_MS
        ),
    )
}
"""Every topic by name."""


class TopicsError(Exception):
    """Topics are missing or differ from their declaration. Each fault names the topic, its present state and the
    required one."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


async def ensure_topics(
    bootstrap_servers: str | Cluster,
    topics: Iterable[Topic] = tuple(TOPICS.values()),
    *,
    replication_factor: int = -1,
    timeout_seconds: float = 30,
) -> None:
    """Create missing topics and check the others. It can be repeated. -1: the default replication factor of the broker.

    `TopicsError` if a topic exists with other partitions or another policy. Existing topics are not changed, with one
    exception: the retention of a topic that may contain names is reduced to the declared one.
    """
    wanted = list(topics)
    async with asyncio.timeout(timeout_seconds), kafka.admin(bootstrap_servers) as admin:
        await _create_missing(admin, wanted, replication_factor)
        await _shorten(admin, [topic for topic in wanted if topic.personal])
        # It takes a moment until every broker knows a new topic.
        while faults := await _faults(admin, wanted):
            if any("is missing" not in fault for fault in faults):
                raise TopicsError(faults)
            await asyncio.sleep(0.1)


async def check_topics(bootstrap_servers: str | Cluster, topics: Iterable[Topic] = tuple(TOPICS.values())) -> list[str]:
    """The faults of the topics, one sentence each; an empty list if there are none."""
    async with kafka.admin(bootstrap_servers) as admin:
        return await _faults(admin, list(topics))


async def _create_missing(admin: Any, wanted: list[Topic], replication_factor: int) -> None:
    existing = set(await admin.list_topics())
    missing = [_new(topic, replication_factor) for topic in wanted if topic.name not in existing]
    if not missing:
        return
    response = await admin.create_topics(missing)
    for name, code, *_ in response.topic_errors:
        error = for_code(code)
        # Another process may have created it at the same time.
        if code and error is not TopicAlreadyExistsError:
            raise KafkaError(f"topic {name} could not be created: {error.__name__}")


async def _shorten(admin: Any, personal: list[Topic]) -> None:
    """Reduce the retention of these topics to the declared one, also if an older version has created the topic."""
    described = {found["topic"]: found for found in await admin.describe_topics([topic.name for topic in personal])}
    there = [topic for topic in personal if for_code(described.get(topic.name, {}).get("error_code", 3)) is NoError]
    found, _ = await _settings(admin, there)
    resource: Any = ConfigResource
    for topic in there:
        if topic.name not in found or not _settings_faults(topic, found[topic.name]):
            continue
        # The request replaces all settings of the topic, so it must include those that an operator has made.
        kept = await _set_on(admin, topic.name)
        changed = resource(ConfigResourceType.TOPIC, topic.name, configs=kept | topic.settings)
        for response in await admin.alter_configs([changed]):
            for code, message, *_ in response.resources:
                if code:
                    raise KafkaError(f"topic {topic.name} could not be changed: {for_code(code).__name__} {message}")


async def _set_on(admin: Any, name: str) -> dict[str, str]:
    """The settings that were made on a topic itself, without the defaults of the broker."""
    resource: Any = ConfigResource
    (response,) = await admin.describe_configs([resource(ConfigResourceType.TOPIC, name)])
    ((*_, entries),) = response.resources
    return {entry[0]: entry[1] for entry in entries if entry[3] == _SET_ON_TOPIC}


def _new(topic: Topic, replication_factor: int) -> Any:
    new_topic: Any = NewTopic
    request = new_topic(topic.name, topic.partitions, 1, topic_configs=topic.settings)
    # aiokafka refuses -1 in its constructor. The broker uses its default for -1.
    request.replication_factor = replication_factor
    return request


async def _faults(admin: Any, wanted: list[Topic]) -> list[str]:
    described = {found["topic"]: found for found in await admin.describe_topics([topic.name for topic in wanted])}
    faults, present = [], []
    for topic in wanted:
        error = for_code(described[topic.name]["error_code"]) if topic.name in described else _MISSING
        if error is NoError:
            present.append(topic)
        elif error is _MISSING:
            faults.append(f"topic {topic.name} is missing")
        else:
            faults.append(f"topic {topic.name} can't be seen: {_told(error, 'DESCRIBE')}")
    settings, refused = await _settings(admin, present)
    for topic in present:
        count = len(described[topic.name]["partitions"])
        if topic.partitions and count != topic.partitions:
            faults.append(f"topic {topic.name} has {count} partitions, not {topic.partitions}")
        if topic.name in settings:
            faults += _settings_faults(topic, settings[topic.name])
    return faults + refused


def _told(error: type[Exception], operation: str) -> str:
    if error is TopicAuthorizationFailedError:
        return f"{operation} is missing in its ACLs"
    return error.__name__


def _settings_faults(topic: Topic, found: Mapping[str, str]) -> list[str]:
    """The differences between the settings and the declaration. A longer retention than declared is a fault only for a
    topic that may contain names; otherwise it loses nothing."""
    faults = []
    for name, value in topic.settings.items():
        if name == "retention.ms" and not topic.personal and (found[name] == "-1" or int(found[name]) >= int(value)):
            continue
        if name == "segment.ms" and int(found[name]) <= int(value):
            continue
        if found[name] != value:
            faults.append(f"topic {topic.name} has {name}={found[name]}, not {value}")
    return faults


async def _settings(admin: Any, topics: list[Topic]) -> tuple[dict[str, dict[str, str]], list[str]]:
    """The settings of each topic, and one sentence for each topic whose settings cannot be read."""
    checked = [topic for topic in topics if topic.settings]
    if not checked:
        return {}, []
    resource: Any = ConfigResource
    resources = [resource(ConfigResourceType.TOPIC, topic.name) for topic in checked]
    settings: dict[str, dict[str, str]] = {}
    refused: list[str] = []
    for response in await admin.describe_configs(resources):
        for code, _, _, name, entries in response.resources:
            if code:
                refused.append(f"settings of topic {name} can't be read: {_told(for_code(code), 'DESCRIBE_CONFIGS')}")
            else:
                settings[name] = {entry[0]: entry[1] for entry in entries}
    return settings, refused
