"""Lost: an acknowledged input without its effects, or a fact whose event never reached those who listen (pure)."""

from collections import Counter
from collections.abc import Iterator

from tests.chaos.checks.facts import ANSWERED, archived, expected
from tests.chaos.evidence import Evidence


def lost(evidence: Evidence) -> list[str]:
    """Everything that is missing, a line each."""
    return [
        *_arrivals(evidence),
        *_needs(evidence),
        *_steps(evidence),
        *_declarations(evidence),
        *_untold(evidence),
        *_unpublished(evidence),
        *_unheard(evidence),
        *_unnotified(evidence),
    ]


def _arrivals(evidence: Evidence) -> Iterator[str]:
    """Each acknowledged arrival has a returnee, and referral knows each returnee."""
    keys = {person.arrival_key for person in evidence.people}
    for arrival in evidence.history.arrivals:
        key = evidence.arrival_keys[arrival.source, arrival.reference]
        if arrival.acknowledged_at is not None and key not in keys:
            yield f"arrival {arrival.reference} was acknowledged and nobody is registered"
    for person in evidence.people:
        state = evidence.journeys.get(person.returnee_id, "unknown")
        if state == "unknown":
            yield f"returnee {person.returnee_id} is registered and referral does not know them"
        elif person.is_erased and state != "erased":
            yield f"returnee {person.returnee_id} is erased and referral does not know of it"


def _needs(evidence: Evidence) -> Iterator[str]:
    """Each need that was told is registered or noted as a repeat, and each registered need is in referral."""
    held = Counter(need.returnee_id for need in (*evidence.told_needs, *evidence.repeats))
    ids = {person.arrival_key: person.returnee_id for person in evidence.people}
    added = Counter(need.returnee_id for need in evidence.history.needs if need.acknowledged_at is not None)
    for arrival in evidence.history.arrivals:
        returnee_id = ids.get(evidence.arrival_keys[arrival.source, arrival.reference])
        if returnee_id is not None:
            told = arrival.needs_count + added[returnee_id]
            if held[returnee_id] < told:
                yield f"of {told} needs told by {returnee_id}, {held[returnee_id]} are registered"
    registered = {need.need_id for need in evidence.told_needs}
    for one in evidence.history.needs:
        if one.acknowledged_at is not None and one.need_id not in registered:
            yield f"need {one.need_id} was acknowledged and is not registered"
    known = {need.need_id: need.status for need in evidence.needs}
    for need in evidence.told_needs:
        if need.need_id not in known:
            yield f"need {need.need_id} is registered and referral does not know it"
        elif need.status == "withdrawn" and known[need.need_id] == "open":
            yield f"need {need.need_id} is withdrawn and open in referral"


def _steps(evidence: Evidence) -> Iterator[str]:
    """Each step that was acknowledged is in the record of whoever acknowledged it."""
    taken = set(evidence.steps)
    statuses = {offer.offer_id: offer.status for offer in evidence.offers}
    withdrawn = {need.need_id for need in evidence.told_needs if need.status == "withdrawn"}
    erased = {person.returnee_id for person in evidence.people if person.is_erased}
    for step in evidence.history.steps:
        if not step.is_acknowledged:
            continue
        if step.step == "need.withdraw":
            kept = step.subject_id in withdrawn
        elif step.step == "returnee.erase":
            kept = step.subject_id in erased
        else:
            kept = (step.step, step.subject_id) in taken
        if not kept:
            yield f"{step.step} of {step.subject_id} was acknowledged and is not recorded"
        wanted = ANSWERED.get(step.step)
        if wanted is not None and statuses.get(step.subject_id) != wanted:
            yield f"offer {step.subject_id} was {wanted} and is {statuses.get(step.subject_id)}"


def _declarations(evidence: Evidence) -> Iterator[str]:
    """Each declaration that was acknowledged stands in the directory's record, the newest one in the ledger."""
    kept = {(one.service_id, one.version): one.maxima for one in evidence.declarations}
    for declared in evidence.history.declared:
        if declared.acknowledged_at is None or declared.version is None:
            continue
        if kept.get((declared.service_id, declared.version)) != declared.maxima:
            yield f"capacity {declared.service_id}@{declared.version} was acknowledged and is not kept"
    newest = Counter[str]()
    for one in evidence.declarations:
        newest[one.service_id] = max(newest[one.service_id], one.version)
    for service_id, version in newest.items():
        heard = evidence.ledger_versions.get(service_id)
        if heard != version:
            yield f"capacity {service_id}@{version} is declared, the ledger has {heard}"


def _untold(evidence: Evidence) -> Iterator[str]:
    """Each fact that others must hear of has its event in the outbox or the archive."""
    for service, facts in expected(evidence).items():
        for (kind, subject), count in (facts - archived(evidence, service)).items():
            yield f"{service} lacks {count} {kind} of {subject}"


def _unpublished(evidence: Evidence) -> Iterator[str]:
    """Each event of an archive is on its topic."""
    on_log = {record.event_id for records in evidence.logs.values() for record in records}
    for service, sent in evidence.outboxes.items():
        for one in sent:
            if one.event_id not in on_log:
                yield f"{one.type} {one.event_id} of {service} is not on {one.topic}"


def _unheard(evidence: Evidence) -> Iterator[str]:
    """Each record of a type that a group listens to has been taken over by it."""
    for group, handled in evidence.handled_types.items():
        taken = evidence.inboxes.get(group, set())
        for topic in {topic for topic, _ in handled}:
            for record in evidence.logs.get(topic, ()):
                if (topic, record.type) in handled and (record.source, record.event_id) not in taken:
                    yield f"{group} has not taken over {record.type} {record.event_id}"


def _unnotified(evidence: Evidence) -> Iterator[str]:
    """Each event that a provider must be told of is in its inbox and has come to its endpoint."""
    told = {kind for _, kind in evidence.handled_types.get("notifications", ())}
    delivered = {(one.message_id, one.endpoint_id): one for one in evidence.deliveries}
    answered = {(one.slug, one.webhook_id) for one in evidence.received if 200 <= one.status < 300}
    for sent in evidence.outboxes.values():
        for event in sent:
            if event.type not in told or event.organization_id is None:
                continue
            if event.event_id not in evidence.notices:
                yield f"{event.type} {event.event_id} is in nobody's inbox"
            endpoint = evidence.endpoints.get(event.organization_id)
            if endpoint is not None and (event.event_id, endpoint) not in delivered:
                yield f"{event.type} {event.event_id} has no delivery"
    for one in evidence.deliveries:
        if one.status == "failed" or (one.status == "succeeded" and (one.slug, one.message_id) not in answered):
            yield f"webhook {one.message_id} to {one.slug} is {one.status} and its receiver has not taken it"
