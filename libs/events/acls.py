"""The rights of each principal on Kafka, from the catalogue of topics. Every other access is denied
(`StandardAuthorizer`).

A principal is the name of a service, such as `User:referral`. Each principal has only the rights that its relay and its
consumer need: a topic has one writer, and its readers are listed by name. Reception systems write to the topic of
arrivals, each as its own user, and read nothing. Operators inspect topics and groups and create missing topics. They
publish nothing, and do not read topics with identity data or with seals.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.admin import CreateAclsRequest

from libs.events import kafka
from libs.events.cluster import Cluster
from libs.events.topics import AUDITOR, TOPICS, Topic

OPERATOR = "operator"
_LITERAL, _ALLOW = 3, 3


class Resource(IntEnum):
    """The kind of resource of a right. The numbers are those of Kafka's protocol."""

    TOPIC = 2
    GROUP = 3


class Operation(IntEnum):
    """The operation that a right allows. The numbers are those of Kafka's protocol."""

    READ = 3
    WRITE = 4
    CREATE = 5
    DESCRIBE = 8
    DESCRIBE_CONFIGS = 10


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """Allows one principal one operation on one resource, from any host."""

    user: str
    resource: Resource
    name: str
    operation: Operation

    @property
    def command(self) -> str:
        """The arguments of `kafka-acls.sh --add` that create this right."""
        operation = "".join(word.capitalize() for word in self.operation.name.split("_"))
        about = f"--{self.resource.name.lower()} {self.name}"
        return f"--allow-principal User:{self.user} --operation {operation} {about}"


def rights(
    *,
    reception: Iterable[str] = (),
    operators: Iterable[str] = (OPERATOR,),
    topics: Mapping[str, Topic] = TOPICS,
) -> list[Right]:
    """Every right that an installation grants, sorted; `reception` names the users of reception systems."""
    found: set[Right] = set()
    for topic in topics.values():
        if topic.writer is not None:
            found |= _on(topic.writer, topic, Operation.WRITE, Operation.DESCRIBE)
        for reader in topic.readers:
            found |= _on(reader, topic, Operation.READ, Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS)
            found |= {Right(reader, Resource.GROUP, reader, one) for one in (Operation.READ, Operation.DESCRIBE)}
        for user in reception if topic.foreign else ():
            found |= _on(user, topic, Operation.WRITE, Operation.DESCRIBE)
        for user in operators:
            found |= _on(user, topic, Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS, Operation.CREATE)
            if not topic.personal and AUDITOR not in topic.readers:
                found |= _on(user, topic, Operation.READ)
            found |= {Right(user, Resource.GROUP, reader, Operation.DESCRIBE) for reader in topic.readers}
    return sorted(found)


def _on(user: str, topic: Topic, *operations: Operation) -> set[Right]:
    return {Right(user, Resource.TOPIC, topic.name, operation) for operation in operations}


async def apply(cluster: str | Cluster, wanted: Sequence[Right]) -> None:
    """Create these rights. Existing rights stay; an operator must decide about removing them.

    Raises KafkaError if the caller may not do this (it needs ALTER on the cluster), or if Kafka has no authorizer.
    """
    async with kafka.admin(cluster) as admin:
        for right in wanted:
            principal = f"User:{right.user}"
            request = CreateAclsRequest(right.resource, right.name, _LITERAL, principal, "*", right.operation, _ALLOW)
            response = await admin._send_to_controller(request)
            for code, *_ in response.creation_responses:
                if code:
                    raise KafkaError(f"a right of {principal} could not be created: {for_code(code).__name__}")
