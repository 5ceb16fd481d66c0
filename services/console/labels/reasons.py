"""The reason of an entry of a timeline, in words. Each step has reasons of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from services.console.labels import label
from services.console.words import Words

_TABLES: Final = {
    "offer.decline": "decline_reason",
    "offer.recall": "recall_reason",
    "need.close": "end_reason",
    "need.assign": "owner_reason",
    "need.hand_over": "owner_reason",
    "need.remind_owner": "owner_reason",
    "need.tell_again": "urgency",
    "referral.escalate": "owner_reason",
    "referral.request_review": "review_reason",
    "referral.approve": "age_decision",
    "referral.complete": "outcome",
    "referral.report_not_delivered": "end_reason",
    "referral.cancel": "end_reason",
    "referral.reject": "end_reason",
    "referral.search_attempt": "search_result",
    "referral.remind": "awaited",
}
_LISTS: Final = frozenset({"referral.judge", "referral.halt"})
_WITHOUT: Final = frozenset({"referral.widen", "referral.alarm_stay"})


def reason_words(words: Words, step: str, reason: str | None, *, kind: Callable[[str], str] = str) -> str:
    """The reason of a step in words; an empty text for a step without one. `kind` gives the name of a kind of need."""
    if reason is None or step in _WITHOUT:
        return ""
    if step == "need.refine":
        return kind(reason)
    if step == "referral.plan_exit":
        return _plan(words, reason)
    if step == "referral.extend_stay":
        return words("by %(count)s hours", count=reason.removeprefix("hours_"))
    if step in _LISTS:
        return "; ".join(label(words, "exclusion", code) for code in reason.split(","))
    return label(words, _TABLES[step], reason) if step in _TABLES else ""


def _plan(words: Words, reason: str) -> str:
    what, _, code = reason.partition(":")
    if what == "next_step":
        return words("afterwards: %(where)s", where=label(words, "next_step", code))
    return f"{label(words, 'exit_item', what)}: {label(words, 'item_status', code)}"
