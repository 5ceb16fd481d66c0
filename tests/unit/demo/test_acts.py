"""An act is told only where the record shows each of its parts."""

from datetime import UTC, datetime
from typing import Any

from deploy.demo.acts import Staged, age, document_first, escalation, full_and_queue, recall, silence

NAMES = {"s1": "First service", "s2": "Second service"}


def at(minute: int) -> str:
    return f"2026-03-02T12:{minute:02}:00+00:00"


def moment(minute: int) -> datetime:
    return datetime(2026, 3, 2, 12, minute, tzinfo=UTC)


def offer(
    key: str, status: str, *, made: int, ended: int, service: str = "s1", reason: str | None = None
) -> dict[str, Any]:
    return {
        "id": key, "status": status, "made_at": at(made), "ended_at": at(ended), "reason": reason,
        "provider_service_id": service,
    }  # fmt: skip


def need(key: str, *offers: dict[str, Any], **more: Any) -> dict[str, Any]:
    given = {
        "id": key, "category": "food", "status": "open", "owner": None, "owner_reason": None, "after_need_id": None,
        "reported_at": at(0), "ended_at": None,
    }  # fmt: skip
    return {**given, "referrals": [{"status": "accepted", "offers": list(offers)}], **more}


def step(name: str, minute: int, *, of: str, offer_id: str | None = None) -> dict[str, Any]:
    return {"step": name, "at": at(minute), "need_id": of, "offer_id": offer_id}


def journey(*needs: dict[str, Any], steps: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {"returnee_id": "r", "case_code": "GT-1", "needs": list(needs), "steps": list(steps)}


def test_silence_needs_a_reminder_an_expiry_and_a_later_acceptance() -> None:
    offers = offer("o1", "expired", made=1, ended=5), offer("o2", "accepted", made=5, ended=6, service="s2")
    reminded = step("offer.remind", 3, of="n", offer_id="o1")
    told = silence([journey(need("n", *offers), steps=(reminded,))], NAMES)
    assert told.lines[0] == "12:01:00 GT-1, food: offered to First service, which does not answer"
    assert told.lines[-1] == "12:06:00 accepted"
    assert not silence([journey(need("n", *offers))], NAMES).happened
    assert not silence([journey(need("n", offers[0]), steps=(reminded,))], NAMES).happened


def test_the_queue_is_served_only_by_an_offer_after_the_declaration() -> None:
    full = need("n1", offer("o1", "declined", made=1, ended=2, reason="full"))
    queued = need("n2", offer("o2", "accepted", made=9, ended=10))
    record = [journey(full, queued, steps=(step("referral.waitlist", 3, of="n2"),))]
    staged = Staged(closed_pools={"s1": moment(2)}, served_from_queue={"n2"}, declared=("s1", 6, moment(8)))
    assert len(full_and_queue(record, staged, NAMES).lines) == 6
    later = Staged(closed_pools={"s1": moment(2)}, served_from_queue={"n2"}, declared=("s1", 6, moment(11)))
    assert not full_and_queue(record, later, NAMES).happened
    assert not full_and_queue(record, Staged(declared=("s1", 6, moment(8))), NAMES).happened


def test_an_escalation_names_the_desk_that_owns_the_need_when_nobody_is_left() -> None:
    spent = need("n", offer("o1", "declined", made=1, ended=2, reason="other"), owner="a-desk",
                 owner_reason="candidates_spent")  # fmt: skip
    told = escalation([journey(spent, steps=(step("need.assign", 3, of="n"),))], NAMES)
    assert told.lines[-1] == "12:03:00 a-desk is the owner: candidates_spent"
    assert not escalation([journey(spent)], NAMES).happened


def test_a_job_is_unlocked_by_a_document_that_is_there() -> None:
    document = need("d", offer("o1", "accepted", made=1, ended=2), status="met", ended_at=at(4), category="documents")
    job = need("j", offer("o2", "accepted", made=6, ended=7), after_need_id="d", category="employment")
    unblocked = step("referral.unblock", 5, of="j")
    assert document_first([journey(document, job, steps=(unblocked,))], NAMES).happened
    assert not document_first([journey({**document, "status": "open"}, job, steps=(unblocked,))], NAMES).happened


def test_a_recall_is_of_the_offer_whose_person_withdrew_consent() -> None:
    record = [journey(need("n", offer("o1", "recalled", made=1, ended=3, reason="consent_withdrawn")))]
    assert recall(record, Staged(withdrawn={"o1": moment(2)}), NAMES).lines[2].endswith("60.0 s later")
    assert not recall(record, Staged(withdrawn={"o2": moment(2)}), NAMES).happened
    assert not recall(record, Staged(), NAMES).happened


def test_an_age_is_decided_before_the_first_offer() -> None:
    asked, decided = step("referral.request_review", 1, of="n"), step("referral.approve", 4, of="n")
    staged = Staged(decided={"r"})
    placed = [journey(need("n", offer("o1", "accepted", made=5, ended=6)), steps=(asked, decided))]
    assert age(placed, staged, NAMES).lines == (
        "12:01:00 GT-1, food: the age is not known, a desk decides",
        "12:04:00 an adult, by the judgement of the staff",
        "12:05:00 offered to First service: accepted",
    )
    assert not age(placed, Staged(), NAMES).happened
    too_early = [journey(need("n", offer("o1", "accepted", made=3, ended=6)), steps=(asked, decided))]
    assert not age(too_early, staged, NAMES).happened
    assert not age([journey(need("n"), steps=(asked, decided))], staged, NAMES).happened
