"""DESIGN 4 told again, more simply: what each step makes of a returnee's needs. It shares no code with the service."""

from __future__ import annotations

from dataclasses import dataclass

ON_ITS_WAY = {"seeking", "waitlisted"}
WITH_PROVIDER = {"accepted", "in_service"}
OVER = {"completed", "cancelled", "not_delivered", "entered_in_error"}
UNANSWERED = {"pending", "acknowledged"}

ONWARD = {
    "awaiting_review": ["approve", "approve", "reject"],
    "blocked": ["cancel", "refuse"],
    "seeking": ["offer", "offer", "offer", "waitlist", "nobody", "block"],
    "waitlisted": ["offer", "nobody", "waitlist"],
    "offered": ["accept", "accept", "accept", "acknowledge", "decline", "recall", "stop"],
    "accepted": ["start", "start", "start", "not_delivered", "stop", "uphold"],
    "in_service": ["complete", "complete", "complete", "not_delivered", "stop", "uphold"],
    "completed": ["enter_in_error", "reopen", "seek_again"],
    "cancelled": ["enter_an_older_one_in_error", "reopen", "seek_again"],
    "not_delivered": ["enter_in_error"],
    "entered_in_error": ["seek_again", "reopen"],
}
"""By the state of a referral: what mostly comes next. Random steps alone seldom get as far as a service."""


@dataclass
class Told:
    """One need with its newest referral and that one's newest offer; None where there is none."""

    reviewed: bool
    """Its category wants a person's decision first."""
    need: str = "open"
    referral: str | None = None
    offer: str | None = None
    after: int | None = None
    """The need that has to be met first, as told at intake."""
    waits_on: int | None = None
    asked_by: str = "pack"
    """Who wants the review that waits: the pack, or a provider that calls a place unsafe."""
    approved: bool = False
    """A person has decided what the pack wants decided."""
    halted: bool = False
    """Its accepted offer may not go on until a desk has decided."""
    met_by_referral: bool = False
    """Its newest referral is what met it."""

    @property
    def live(self) -> bool:
        return self.referral is not None and self.referral not in OVER


class Model:
    """Each method is a step: False if it is not allowed now, and then nothing has changed."""

    def __init__(self) -> None:
        self.needs: list[Told] = []

    # needs

    def report(self, *, reviewed: bool, after: int | None) -> bool:
        self.needs.append(Told(reviewed, after=after))
        self._open(len(self.needs) - 1)
        return True

    def refuse(self, n: int) -> bool:
        return self._end_unmet(n, "refused")

    def close(self, n: int) -> bool:
        return self._end_unmet(n, "closed")

    def reopen(self, n: int) -> bool:
        if self.needs[n].need == "open":
            return False
        self.needs[n].need = "open"
        self._open(n)
        return True

    def seek_again(self, n: int) -> bool:
        one = self.needs[n]
        if one.need != "open" or (one.live and one.referral not in ON_ITS_WAY):
            return False
        if not one.live:
            self._open(n)
        return True

    def touch(self, n: int) -> bool:
        """A step that only an open need allows and that changes no state."""
        return self.needs[n].need == "open"

    # referrals

    def move(self, n: int, before: set[str], after: str) -> bool:
        if self.needs[n].referral not in before:
            return False
        self.needs[n].referral = after
        return True

    def start(self, n: int) -> bool:
        return not self.needs[n].halted and self.move(n, {"accepted"}, "in_service")

    def stop(self, n: int) -> None:
        """What is known now no longer allows the offer: recalled before its answer, halted after."""
        one = self.needs[n]
        if one.referral == "offered":
            self.answer(n, "recalled")
        elif one.referral in WITH_PROVIDER:
            one.halted = True

    def uphold(self, n: int) -> bool:
        one = self.needs[n]
        was, one.halted = one.halted, False
        return was

    def approve(self, n: int) -> bool:
        if not self.move(n, {"awaiting_review"}, "seeking"):
            return False
        self.needs[n].approved |= self.needs[n].asked_by == "pack"
        return True

    def block(self, n: int, on: int) -> bool:
        if not self.move(n, ON_ITS_WAY, "blocked"):
            return False
        self.needs[n].waits_on = on
        return True

    def offer(self, n: int) -> bool:
        if not self.move(n, ON_ITS_WAY, "offered"):
            return False
        self.needs[n].offer = "pending"
        return True

    def complete(self, n: int, *, meets: bool) -> bool:
        if not self.move(n, {"in_service"}, "completed"):
            return False
        self.needs[n].halted = False
        if meets:
            self._meet(n)
        return True

    def not_delivered(self, n: int) -> bool:
        if not self.move(n, WITH_PROVIDER, "not_delivered"):
            return False
        self._open(n, approved=self.needs[n].approved)
        return True

    def cancel(self, n: int, reason: str) -> bool:
        one = self.needs[n]
        if not one.live:
            return False
        if reason == "met_elsewhere":
            self._end_referral(one, "cancelled")
            self._meet(n)
            return True
        if reason == "consent_withdrawn":
            self._end_referral(one, "cancelled")
            return True
        return self._end_unmet(n, "refused" if reason == "by_returnee" else "closed")

    def enter_in_error(self, n: int) -> bool:
        one = self.needs[n]
        if one.referral in {None, "entered_in_error"}:
            return False
        if one.need == "met" and one.met_by_referral:
            one.need = "open"
        self._end_referral(one, "entered_in_error")
        return True

    # offers

    def answer(self, n: int, after: str) -> bool:
        one = self.needs[n]
        if one.offer not in UNANSWERED or (after == "acknowledged" and one.offer != "pending"):
            return False
        one.offer = after
        if after == "accepted":
            one.referral = "accepted"
        elif after != "acknowledged":
            one.referral = "seeking"
        return True

    def decline(self, n: int, *, unsafe: bool) -> bool:
        """A need that a provider calls unsafe for its people goes to review, whatever was approved before."""
        if not self.answer(n, "declined"):
            return False
        if unsafe:
            self.needs[n].referral, self.needs[n].asked_by = "awaiting_review", "provider"
        return True

    def _open(self, n: int, *, approved: bool = False) -> None:
        one = self.needs[n]
        one.offer, one.approved, one.met_by_referral, one.halted = None, approved, False, False
        one.waits_on = one.after if one.after is not None and self.needs[one.after].need != "met" else None
        one.referral = "blocked" if one.waits_on is not None else "seeking"
        if one.referral == "seeking" and one.reviewed and not approved:
            one.referral, one.asked_by = "awaiting_review", "pack"

    def _meet(self, n: int) -> None:
        self.needs[n].need, self.needs[n].met_by_referral = "met", True
        for other in self.needs:
            if other.referral == "blocked" and other.waits_on == n:
                other.referral, other.waits_on = "seeking", None

    def _end_unmet(self, n: int, how: str) -> bool:
        one = self.needs[n]
        if one.need != "open":
            return False
        one.need = how
        if one.live:
            self._end_referral(one, "cancelled")
        return True

    def _end_referral(self, one: Told, how: str) -> None:
        if one.offer in UNANSWERED:
            one.offer = "recalled"
        one.referral, one.halted = how, False
