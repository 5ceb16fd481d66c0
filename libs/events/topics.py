"""The topics of Enlace: their partitions, what is kept and for how long; made once, checked ever after (DESIGN 3)."""

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
"""Fixed at creation: another number would send a key's later events elsewhere than its earlier ones."""
DAY_MS = 86_400_000
AUDITOR = "auditor"
"""Who reads the seals of the records of access, and nobody else does."""
_MISSING = UnknownTopicOrPartitionError
_SET_ON_TOPIC = 1
"""Of a setting: it comes from the topic itself, in the protocol's numbers."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What a topic must be like."""

    name: str
    partitions: int = PARTITIONS
    """0: any number, and any policy; for a topic that nobody has declared."""
    compacted: bool = False
    """One whole state per key is kept for ever; offsets then have gaps."""
    retention_ms: int = 14 * DAY_MS
    """How long records are kept, in milliseconds; of no meaning where compacted."""
    writer: str | None = None
    """The service that alone writes to it, and signs what it writes; see `libs.events.signing`."""
    readers: tuple[str, ...] = ()
    """The services that hear it; nobody else may read it."""
    foreign: bool = False
    """Others than our relays write to it, perhaps in transactions: offsets may have gaps."""
    personal: bool = False
    """May carry identity data: what is parked of it is sealed, and it is not kept longer than declared."""

    @property
    def gaps_allowed(self) -> bool:
        """Whether the next record's offset may be above the one that was expected."""
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
            # A segment goes whole, once its newest record is old enough: a week-long one would keep names for two.
            limits["segment.ms"] = str(min(DAY_MS, self.retention_ms))
        return {"cleanup.policy": "delete", **limits}


TOPICS: Mapping[str, Topic] = {
    topic.name: topic
    for topic in (
        Topic("enlace.arrivals", readers=("registration",), retention_ms=7 * DAY_MS, foreign=True, personal=True),
        Topic("enlace.registration", writer="registration", readers=("referral", "notifications")),
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
    """Topics are missing or aren't what the bus depends on; each fault names topic, what is and what must be."""

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
    """Create what is missing and check what is there; as often as you like. -1: the broker's own replication factor.

    `TopicsError` if a topic exists with other partitions or another policy: nothing is changed by itself, but that a
    topic which may carry names is kept no longer than declared.
    """
    wanted = list(topics)
    async with asyncio.timeout(timeout_seconds), kafka.admin(bootstrap_servers) as admin:
        await _create_missing(admin, wanted, replication_factor)
        await _shorten(admin, [topic for topic in wanted if topic.personal])
        # A topic that was just made takes a moment until every broker tells of it.
        while faults := await _faults(admin, wanted):
            if any("is missing" not in fault for fault in faults):
                raise TopicsError(faults)
            await asyncio.sleep(0.1)


async def check_topics(bootstrap_servers: str | Cluster, topics: Iterable[Topic] = tuple(TOPICS.values())) -> list[str]:
    """What is wrong with the topics, a sentence each; an empty list if nothing is."""
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
        # Another process may have made it at the same moment.
        if code and error is not TopicAlreadyExistsError:
            raise KafkaError(f"topic {name} could not be created: {error.__name__}")


async def _shorten(admin: Any, personal: list[Topic]) -> None:
    """Names are not kept longer than declared, also where an older version made the topic."""
    described = {found["topic"]: found for found in await admin.describe_topics([topic.name for topic in personal])}
    there = [topic for topic in personal if for_code(described.get(topic.name, {}).get("error_code", 3)) is NoError]
    found, _ = await _settings(admin, there)
    resource: Any = ConfigResource
    for topic in there:
        if topic.name not in found or not _settings_faults(topic, found[topic.name]):
            continue
        # The request replaces all that was set on the topic, so what an operator has set comes along.
        kept = await _set_on(admin, topic.name)
        changed = resource(ConfigResourceType.TOPIC, topic.name, configs=kept | topic.settings)
        for response in await admin.alter_configs([changed]):
            for code, message, *_ in response.resources:
                if code:
                    raise KafkaError(f"topic {topic.name} could not be changed: {for_code(code).__name__} {message}")


async def _set_on(admin: Any, name: str) -> dict[str, str]:
    """What has been set on a topic itself, without the broker's own settings."""
    resource: Any = ConfigResource
    (response,) = await admin.describe_configs([resource(ConfigResourceType.TOPIC, name)])
    ((*_, entries),) = response.resources
    return {entry[0]: entry[1] for entry in entries if entry[3] == _SET_ON_TOPIC}


def _new(topic: Topic, replication_factor: int) -> Any:
    new_topic: Any = NewTopic
    request = new_topic(topic.name, topic.partitions, 1, topic_configs=topic.settings)
    # aiokafka refuses -1 in its constructor; the broker takes it as its own default.
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
    """A longer retention than declared is no fault, only what is gone too early is lost; but of names it is one."""
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
    """The settings of each topic, and what is wrong with those that can't be read."""
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
