"""Every walk of an offer and the service after it is one that FHIR's referral Task may take: rows of HL7's guide."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from services.referral.lifecycles.fhir import REQUEST, RequestStatus, Task, TaskStatus, task_of
from services.referral.lifecycles.printed import Row, Who
from services.referral.lifecycles.rules import OFFERS, REFERRALS, OfferStatus, OfferStep, ReferralStatus, ReferralStep

ROWS = json.loads((Path(__file__).parent / "referral_task.json").read_text(encoding="utf-8"))
SIDE = {who: "target" if who in {Who.PROVIDER, Who.AUTO} else "requester" for who in Who}
"""Which party of FHIR's referral somebody is: a provider was asked, everybody else asks."""

Both = tuple[OfferStatus, ReferralStatus]


class Edge(NamedTuple):
    """One step that both lifecycles take together, as FHIR sees it."""

    before: Both
    after: Both
    who: frozenset[Who]

    @property
    def tasks(self) -> tuple[Task, Task]:
        return task_of(*self.before), task_of(*self.after)


ALONG = {
    OfferStep.ACCEPT: ReferralStep.ACCEPT,
    OfferStep.DECLINE: ReferralStep.SEEK_AGAIN,
    OfferStep.EXPIRE: ReferralStep.SEEK_AGAIN,
    OfferStep.RECALL: ReferralStep.SEEK_AGAIN,
}
"""The step of the referral that goes with one of its live offer; a recall also goes with its end."""


def referral_after(step: OfferStep, state: ReferralStatus) -> list[ReferralStatus]:
    along = [ALONG[step]] if step in ALONG else []
    if step is OfferStep.RECALL:
        along += [ReferralStep.CANCEL, ReferralStep.ENTER_IN_ERROR]
    return [REFERRALS.next[state, one] for one in along] or [state]


def edges_from(both: Both) -> list[Edge]:
    """Every step from here that the tables allow. What a referral does after its offer's failure is no longer its."""
    offer, referral = both
    if offer is OfferStatus.ACCEPTED:
        return [Edge(both, (offer, row.to), row.who) for row in of(REFERRALS.rows, referral)]
    return [
        Edge(both, (row.to, after), row.who)
        for row in of(OFFERS.rows, offer)
        for after in referral_after(row.step, referral)
    ]


def of(rows: tuple[Row, ...], state: object) -> list[Row]:
    return [row for row in rows if row.state is state]


def reachable() -> list[Edge]:
    start: Both = (OfferStatus.PENDING, ReferralStatus.OFFERED)
    seen, queue, edges = {start}, [start], []
    while queue:
        for edge in edges_from(queue.pop()):
            edges.append(edge)
            if edge.after not in seen:
                seen.add(edge.after)
                queue.append(edge.after)
    return edges


EDGES = reachable()


def test_every_walk_is_allowed_there():
    """Seen to fail with a declined offer read as `failed`, and with `completed` straight from `requested`."""
    allowed, from_any = ROWS["transitions"], ROWS["transitions"]["*"]
    for edge in EDGES:
        before, after = edge.tasks
        seen = {before.status, *allowed.get(before.status, ()), *from_any}
        assert after.status in seen, (edge, before.status, after.status)


def test_a_task_starts_where_theirs_may_and_ends_where_theirs_does():
    assert task_of(OfferStatus.PENDING, ReferralStatus.OFFERED).status in ROWS["initial"]
    refer_5 = next(row for row in ROWS["requirements"]["rows"] if row["key"] == "refer-5")
    assert task_of(OfferStatus.PENDING, ReferralStatus.OFFERED).status in refer_5["requirement"]
    for edge in EDGES:
        before, after = edge.tasks
        if before.status in ROWS["terminal"]:
            assert after.status in {before.status, TaskStatus.ENTERED_IN_ERROR}, edge


def test_who_sets_a_status_there_may_take_the_step_here():
    """Seen to fail when only a desk could start a service, and when a provider could enter one in error."""
    for edge in EDGES:
        before, after = edge.tasks
        if before.status is not after.status:
            sides = {SIDE[who] for who in edge.who}
            assert sides & set(ROWS["set_by"][after.status]), edge
            if ROWS["set_by"][after.status] == ["requester"]:
                assert sides == {"requester"}, edge


def test_every_code_is_one_of_theirs():
    assert set(TaskStatus) == set(ROWS["states"]) - {"draft", "on-hold"}
    assert not set(TaskStatus) & set(ROWS["excluded_from_FHIR_TaskStatus"])
    assert set(TaskStatus) <= set(ROWS["value_sets"]["task-status"])
    assert set(RequestStatus) <= set(ROWS["value_sets"]["request-status"])
    assert {task.status for edge in EDGES for task in edge.tasks} == set(TaskStatus)
    assert (set(REQUEST), set(REQUEST.values())) == (set(ReferralStatus), set(RequestStatus))


def test_the_design_s_own_words():
    seeking = ReferralStatus.SEEKING
    assert task_of(OfferStatus.DECLINED, seeking).status == "rejected"
    assert task_of(OfferStatus.EXPIRED, seeking).status == task_of(OfferStatus.RECALLED, seeking).status == "cancelled"
    assert task_of(OfferStatus.ACCEPTED, ReferralStatus.NOT_DELIVERED).status == "failed"
    for edge in EDGES:
        offer, referral = edge.after
        own = referral if offer is OfferStatus.ACCEPTED else offer
        assert edge.tasks[1].business_status == own


def test_what_ended_badly_has_a_reason_and_what_is_completed_an_output():
    (refer_9,) = (row for row in ROWS["requirements"]["rows"] if row["key"] == "refer-9")
    assert refer_9["conformance"] == ["SHALL"]
    for edge in EDGES:
        task = edge.tasks[1]
        assert task.wants_reason == (task.status in {"rejected", "cancelled", "failed"})
        assert task.wants_output == (task.status == "completed")
    guards = {row.guard for row in REFERRALS.rows if row.step is ReferralStep.COMPLETE}
    assert guards == {"outcome"}, "an output needs the outcome that completing asks for"


def test_a_request_ends_once():
    """What has ended there only turns out to be an error; what is on hold goes on or ends."""
    ended = {RequestStatus.REVOKED, RequestStatus.COMPLETED, RequestStatus.ENTERED_IN_ERROR}
    for row in REFERRALS.rows:
        if row.state is not None and REQUEST[row.state] in ended:
            assert REQUEST[row.to] in {REQUEST[row.state], RequestStatus.ENTERED_IN_ERROR}, row
