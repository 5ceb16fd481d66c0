"""A small history in which everything happened once and in order; each test of the checker spoils one thing of it."""

from tests.chaos.evidence import (
    Declaration,
    Delivery,
    Evidence,
    Hold,
    Logged,
    Need,
    Offer,
    Person,
    Pool,
    Referral,
    Sent,
)
from tests.chaos.history import Arrival, Declared, Happened, History, NeedAdded, Step
from tests.chaos.receivers import Received

MADE, ACCEPTED = "offer.made.v1", "offer.accepted.v1"
TOPICS = {
    "registration": "enlace.registration",
    "referral": "enlace.referral",
    "provider_directory": "enlace.capacity",
    "notifications": "enlace.notifications",
}
STEPS = [
    ("need.report", "need-1"),
    ("referral.open", "referral-1"),
    ("need.report", "need-2"),
    ("referral.open", "referral-2"),
    ("referral.offer", "referral-1"),
    ("offer.make", "offer"),
    ("offer.accept", "offer"),
    ("referral.accept", "referral-1"),
    ("need.refuse", "need-2"),
    ("referral.cancel", "referral-2"),
]


def events(service: str, *told: tuple[str, str, str]) -> list[Sent]:
    """Events of a service in the order of their rows: type, key, subject."""
    return [
        Sent(row, f"{service}-{row}", TOPICS[service], key, kind, subject, "org" if kind.startswith("offer") else None)
        for row, (kind, key, subject) in enumerate(told, start=1)
    ]


def good() -> Evidence:
    """One person with two needs; one offer that was made, acknowledged and accepted, of a pool of two places."""
    outboxes = _outboxes()
    return Evidence(
        history=_history(),
        arrival_keys={("src", "ref-1"): "hashed"},
        people=[Person("person", "hashed")],
        told_needs=[Need("need-1", "person", "reported"), Need("need-2", "person", "withdrawn")],
        journeys={"person": "known"},
        needs=[Need("need-1", "person", "open"), Need("need-2", "person", "refused")],
        referrals=[Referral("referral-1", "need-1", is_live=True), Referral("referral-2", "need-2", is_live=False)],
        offers=[Offer("offer", "referral-1", "need-1", "accepted")],
        steps=STEPS.copy(),
        promises={"every_open_need_is_attended": 0, "no_hold_leaks": 0},
        holds=[Hold("offer", "pool", 1, "taken", "noon", held_freed_count=1, released_freed_count=None)],
        pools=[Pool("pool", "service", held=0, taken=1)],
        declarations=[Declaration("service", 1, "noon", {"pool": 2})],
        ledger_versions={"service": 1},
        notices={"referral-3": "org", "referral-4": "org"},
        deliveries=[
            Delivery("made", "referral-3", "end", "casa", "succeeded"),
            Delivery("accepted", "referral-4", "end", "casa", "succeeded"),
        ],
        endpoints={"org": "end"},
        outboxes=outboxes,
        logs=_logs(outboxes),
        handled_types={
            "referral": frozenset({("enlace.registration", "need.reported.v1")}),
            "notifications": frozenset({("enlace.referral", MADE), ("enlace.referral", ACCEPTED)}),
        },
        inboxes={
            "referral": {("urn:registration", "registration-2"), ("urn:registration", "registration-3")},
            "notifications": {("urn:referral", "referral-3"), ("urn:referral", "referral-4")},
        },
        parked={"referral": 0},
        received=[Received("casa", "referral-3", MADE, 204), Received("casa", "referral-4", ACCEPTED, 204)],
        restarts={"referral": 1},
    )


def _history() -> History:
    return History(
        arrivals=[Arrival("src", "ref-1", needs_count=1, acknowledged_at=1.0)],
        needs=[NeedAdded("person", "key", need_id="need-2", acknowledged_at=2.0)],
        steps=[
            Step("offer.accept", "offer", "key", status=200, acknowledged_at=3.0),
            Step("need.withdraw", "need-2", "key", status=200, acknowledged_at=4.0),
        ],
        declared=[Declared("service", {"pool": 2}, version=1, acknowledged_at=0.5)],
        faults=[Happened("kill", "referral", 1.0, 0.0)],
    )


def _outboxes() -> dict[str, list[Sent]]:
    return {
        "registration": events(
            "registration",
            ("returnee.registered.v1", "person", "person"),
            ("need.reported.v1", "person", "need-1"),
            ("need.reported.v1", "person", "need-2"),
            ("need.withdrawn.v1", "person", "need-2"),
        ),
        "provider_directory": events("provider_directory", ("capacity.declared.v1", "service", "service@1")),
        "referral": events(
            "referral",
            ("referral.opened.v1", "person", "referral-1"),
            ("referral.opened.v1", "person", "referral-2"),
            (MADE, "person", "offer"),
            (ACCEPTED, "person", "offer"),
            ("need.refused.v1", "person", "need-2"),
            ("referral.cancelled.v1", "person", "referral-2"),
        ),
        "notifications": events(
            "notifications", ("delivery.succeeded.v1", "end", "made"), ("delivery.succeeded.v1", "end", "accepted")
        ),
    }


def _logs(outboxes: dict[str, list[Sent]]) -> dict[str, list[Logged]]:
    return {
        TOPICS[service]: [
            Logged(3, place, one.key, one.event_id, f"urn:{service}", one.type) for place, one in enumerate(sent)
        ]
        for service, sent in outboxes.items()
    }


def only(lines: list[str], text: str) -> None:
    """Exactly one line, and it names what is wrong."""
    assert len(lines) == 1, lines
    assert text in lines[0]
