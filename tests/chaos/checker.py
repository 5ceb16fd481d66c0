"""Judges the evidence of a run: what must be zero, and what is only a number (pure)."""

from collections import Counter
from dataclasses import dataclass, field

from tests.chaos.checks.doubled import doubled
from tests.chaos.checks.inverted import inverted
from tests.chaos.checks.lost import lost
from tests.chaos.checks.overbooked import overbooked
from tests.chaos.evidence import Evidence

ATTENDED = "every_open_need_is_attended"
EXAMPLES_MAX = 20


@dataclass
class Verdict:
    """What came of a run. The first six must be zero."""

    lost: int = 0
    double_effects: int = 0
    order_inversions: int = 0
    holds_above_maximum: int = 0
    unattended_needs: int = 0
    parked: int = 0
    unsettled: list[str] = field(default_factory=list)
    acknowledged: int = 0
    unanswered: int = 0
    surprises: list[str] = field(default_factory=list)
    """Answers that a client may not get: not a broken promise of the bus, and yet a fault."""
    duplicates_on_the_wire: int = 0
    """Records on Kafka whose event had been there before; inboxes drop them."""
    webhooks_repeated: int = 0
    """Webhooks that a receiver had already taken; told by their id."""
    counts: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    restarts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Whether every promise was kept and the system came to rest."""
        broken = self.lost, self.double_effects, self.order_inversions, self.holds_above_maximum
        return not any((*broken, self.unattended_needs, self.parked, self.unsettled, self.surprises))


def judge(evidence: Evidence) -> Verdict:
    """Apply every check."""
    found = {
        "lost": lost(evidence),
        "double_effects": doubled(evidence),
        "order_inversions": inverted(evidence),
        "holds_above_maximum": overbooked(evidence),
    }
    history = evidence.history
    return Verdict(
        **{name: len(lines) for name, lines in found.items()},
        unattended_needs=evidence.promises.get(ATTENDED, 0),
        parked=sum(evidence.parked.values()),
        unsettled=evidence.unsettled,
        acknowledged=history.acknowledged_count,
        unanswered=history.unanswered_count,
        surprises=history.surprises,
        duplicates_on_the_wire=_duplicates(evidence),
        webhooks_repeated=_repeated(evidence),
        counts=_counts(evidence),
        faults=dict(Counter(f"{one.kind} {one.target}" for one in history.faults)),
        restarts=evidence.restarts,
        examples={name: lines[:EXAMPLES_MAX] for name, lines in found.items() if lines},
    )


def _duplicates(evidence: Evidence) -> int:
    names = [(record.source, record.event_id) for records in evidence.logs.values() for record in records]
    return len(names) - len(set(names))


def _repeated(evidence: Evidence) -> int:
    taken = [(one.slug, one.webhook_id) for one in evidence.received if 200 <= one.status < 300]
    return len(taken) - len(set(taken))


def _counts(evidence: Evidence) -> dict[str, int]:
    statuses = Counter(offer.status for offer in evidence.offers)
    return {
        "returnees": len(evidence.people),
        "needs": len(evidence.needs),
        "offers": len(evidence.offers),
        **{f"offers {name}": count for name, count in sorted(statuses.items())},
        "holds": len(evidence.holds),
        "capacity declarations": len(evidence.declarations),
        "events": sum(map(len, evidence.outboxes.values())),
        "records": sum(map(len, evidence.logs.values())),
        "webhooks taken": len({(one.slug, one.webhook_id) for one in evidence.received if one.status == 204}),
        "calls tried again": evidence.history.attempts_again,
    }
