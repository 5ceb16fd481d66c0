"""Inverted: two events of one key that came in another order than they happened (pure)."""

from collections.abc import Iterable, Iterator
from typing import Final

from tests.chaos.evidence import Evidence, Logged, Sent

FIRST: Final = {
    "returnee.changed.v1": "returnee.registered.v1",
    "returnee.erased.v1": "returnee.registered.v1",
    "need.withdrawn.v1": "need.reported.v1",
    "referral.waitlisted.v1": "referral.opened.v1",
    "referral.started.v1": "referral.opened.v1",
    "referral.completed.v1": "referral.started.v1",
    "referral.reminded.v1": "referral.opened.v1",
    "referral.cancelled.v1": "referral.opened.v1",
    "offer.acknowledged.v1": "offer.made.v1",
    "offer.reminded.v1": "offer.made.v1",
    "offer.accepted.v1": "offer.made.v1",
    "offer.declined.v1": "offer.made.v1",
    "offer.expired.v1": "offer.made.v1",
    "offer.recalled.v1": "offer.made.v1",
}
"""What must have been told before of the same subject."""


def inverted(evidence: Evidence) -> list[str]:
    """Every inversion, a line each."""
    found: list[str] = []
    for service, sent in evidence.outboxes.items():
        found += _in_archive(service, sent)
    order = {one.event_id: one.row_id for sent in evidence.outboxes.values() for one in sent}
    for topic, records in evidence.logs.items():
        found += _on_log(topic, records, order)
    return found


def _on_log(topic: str, records: Iterable[Logged], order: dict[str, int]) -> Iterator[str]:
    """First occurrences of a key's events are in the order of their outbox, all on one partition.

    What came again later was a repetition, which inboxes drop. Records must be in the order of partition and offset.
    """
    last: dict[str, tuple[int, int]] = {}
    seen: set[str] = set()
    for record in records:
        row_id = order.get(record.event_id)
        if record.event_id in seen or row_id is None:
            continue
        seen.add(record.event_id)
        before = last.get(record.key)
        if before is not None and before[0] != record.partition:
            yield f"key {record.key} is on partitions {before[0]} and {record.partition} of {topic}"
        elif before is not None and row_id < before[1]:
            yield f"{record.type} {record.event_id} came after a later event of {record.key} on {topic}"
        last[record.key] = (record.partition, max(row_id, before[1] if before else row_id))


def _in_archive(service: str, sent: Iterable[Sent]) -> Iterator[str]:
    """What follows from something is appended after it. Events must be in the order of their rows."""
    told: set[tuple[str, str]] = set()
    for one in sent:
        first = FIRST.get(one.type)
        if first is not None and (first, one.subject) not in told:
            yield f"{service} told {one.type} of {one.subject} before {first}"
        told.add((one.type, one.subject))
