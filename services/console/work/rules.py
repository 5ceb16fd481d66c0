"""The lists of the desks, their filters, and what a desk can do with a need now. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from services.console.answers import Json, Part
from services.console.filled import Filled
from services.console.labels.referrals import LABELS as REFERRALS
from services.console.sessions import Rights
from services.console.words import N_

_FILTERS: Final = ("urgency", "desk", "category", "kind", "stage", "area", "arrival_batch_id")


@dataclass(frozen=True, slots=True)
class WorkList:
    """A list: where it comes from, which filters it has, and the template of its rows."""

    name: str
    title: str
    hint: str
    path: str
    filters: tuple[str, ...] = _FILTERS
    rows: str = "needs"
    renamed: Mapping[str, str] = field(default_factory=dict)
    """The name of a filter at the API, where it differs."""
    default: Mapping[str, str] = field(default_factory=dict)
    """The filters that hold if nothing else is chosen."""


_L: Final = "/v1/work-lists"
LISTS: Final[Mapping[str, WorkList]] = {
    one.name: one
    for one in (
        WorkList("mine", N_("Mine"), N_("Needs of your desks, and of desks that yours stand in for."), f"{_L}/mine"),
        WorkList("due", N_("Due"), N_("Deadlines of the next 24 hours."), f"{_L}/due"),
        WorkList("overdue", N_("Overdue"), N_("Something did not happen in time."), f"{_L}/overdue"),
        WorkList("escalations", N_("Escalations"), N_("The usual way did not work."), f"{_L}/escalations"),
        WorkList(
            "waiting",
            N_("Waiting"),
            N_("Needs on their way, and whom each waits for."),
            f"{_L}/waiting",
            filters=("party", *_FILTERS),
        ),
        WorkList(
            "halted", N_("Halted"), N_("Accepted offers that may not go on until a desk decides."), f"{_L}/halted"
        ),
        WorkList(
            "reviews",
            N_("Reviews"),
            N_("A person must decide before anything is offered."),
            "/v1/reviews",
            filters=("status", "desk", "category"),
            rows="reviews",
            default={"status": "pending"},
        ),
        WorkList(
            "waitlists",
            N_("Queues"),
            N_("Needs that wait for a free place, in their order."),
            "/v1/waitlists",
            filters=("category", "kind"),
            rows="waitlists",
        ),
        WorkList(
            "follow-up",
            N_("Follow-up"),
            N_("People who could not be found and must be looked for."),
            f"{_L}/follow-up",
            filters=("desk",),
            rows="searches",
            renamed={"desk": "owner"},
        ),
        WorkList(
            "exits",
            N_("Exits today"),
            N_("Stays that end today or are over."),
            f"{_L}/exits-today",
            filters=("desk",),
            rows="stays",
        ),
        WorkList(
            "leaving",
            N_("No next step"),
            N_("People who leave soon, or have left, and what comes next is not settled."),
            f"{_L}/leaving-without-next-step",
            filters=("desk",),
            rows="stays",
        ),
        WorkList(
            "unmet",
            N_("Unmet"),
            N_("Needs without a provider, and needs that were closed without help."),
            f"{_L}/unmet",
            filters=("reason", *_FILTERS),
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Number:
    """The length of a list. Counting stops at some point; then there are more."""

    count: int
    more: bool = False

    def __str__(self) -> str:
        return f"{self.count}+" if self.more else str(self.count)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Number:
        """A count of the API."""
        return cls(told["count"], told["more"])

    @classmethod
    def sum(cls, told: Mapping[str, Mapping[str, Any]]) -> Number:
        """The sum of several counts."""
        return cls(sum(one["count"] for one in told.values()), any(one["more"] for one in told.values()))


def numbers(parts: Mapping[str, Part[Any]]) -> Mapping[str, Number]:
    """The length of each list that is known, by the name of the list. A service that is away gives none."""
    found: dict[str, Number] = {}
    if (counts := parts["counts"].value) is not None:
        for name in ("mine", "due", "overdue", "escalations", "halted", "unmet"):
            found[name] = Number.of(counts[name])
        found["waiting"] = Number.sum(counts["waiting"])
    if (stays := parts["stays"].value) is not None:
        found["exits"] = Number(stays["exits_today"])
        found["leaving"] = Number(stays["leaving_without_next_step"])
    for name in ("reviews", "waitlists"):
        if (count := parts[name].value) is not None:
            found[name] = Number.of(count)
    return found


def asked_of(one: WorkList, chosen: Mapping[str, str]) -> dict[str, Any]:
    """The query of the API for the chosen filters of this list."""
    wanted = {one.renamed.get(name, name): chosen[name] for name in one.filters if chosen.get(name)}
    return {**one.default, **wanted}


@dataclass(frozen=True)
class Sent:
    """A form of an action that was refused: shown again at its place with what was typed and what is wrong."""

    act: str
    of: str
    """The id of the need, referral, review or person that the action is about."""
    filled: Filled


@dataclass(frozen=True)
class NeedActs:
    """What a desk can do with one need now. Templates show exactly these actions (`work/actions.html`)."""

    rights: Rights
    need: Json
    referral: Json | None = None
    """The live referral."""
    review: Json | None = None
    """The pending review of the referral."""
    stay: Json | None = None
    etag: str = ""
    """The version of the exit plan that the form changes."""
    others: Sequence[Json] = ()
    """The other needs of the person."""
    is_searched: bool = False
    journey_end: str | None = None
    desks: Sequence[tuple[str, str]] = ()
    back: str = "/work"
    sent: Sent | None = None

    def filled(self, act: str, of: str | None) -> Filled:
        """The form of an action: as it was sent if it was refused, otherwise empty."""
        sent = self.sent
        return sent.filled if sent is not None and (sent.act, sent.of) == (act, of) else Filled()

    @property
    def _is_open(self) -> bool:
        return bool(self.need["status"] == "open")

    @property
    def _status(self) -> Any:
        return (self.referral or {}).get("status")

    def can(self, act: str) -> bool:
        """Whether this action is possible now, by the state and the person's rights."""
        scope, possible = _POSSIBLE[act]
        return self.rights.may(scope) and possible(self)

    def any_of(self, *acts: str) -> bool:
        """Whether one of these actions is possible."""
        return any(map(self.can, acts))

    @property
    def prerequisites(self) -> Sequence[Json]:
        """The needs that can come first."""
        return [one for one in self.others if one["status"] in ("open", "met")]


_AGE: Final = "age_unresolved"
_PROMISE: Final = "promise_broken"
_SEEKING: Final = frozenset({"seeking", "waitlisted"})
_WITH_PROVIDER: Final = frozenset({"accepted", "in_service"})
_POSSIBLE: Final[Mapping[str, tuple[str, Callable[[NeedActs], bool]]]] = {
    "acknowledge": ("needs:write", lambda of: of._is_open and of.need["owner"] is not None),
    "assign": ("needs:write", lambda of: of._is_open),
    "hand-over": ("needs:write", lambda of: of._is_open and of.need["owner"] is not None),
    "refuse": ("needs:write", lambda of: of._is_open),
    "close": ("needs:write", lambda of: of._is_open),
    "reopen": ("needs:write", lambda of: not of._is_open and of.journey_end is None),
    "seek-again": (
        "needs:write",
        lambda of: of._is_open and of.journey_end is None and (of.referral is None or of._status in _SEEKING),
    ),
    "set-prerequisite": (
        "needs:write",
        lambda of: (
            of._is_open and bool(of.prerequisites) and (of._status is None or of._status in {*_SEEKING, "blocked"})
        ),
    ),
    "remove-prerequisite": ("needs:write", lambda of: of._is_open and of.need["after_need_id"] is not None),
    "override": ("referrals:write", lambda of: of._status in {*_SEEKING, "offered"}),
    "cancel": ("referrals:write", lambda of: of.referral is not None),
    "enter-in-error": ("referrals:write", lambda of: of.referral is not None),
    "uphold": (
        "referrals:write",
        lambda of: of._status in _WITH_PROVIDER and of.referral is not None and bool(of.referral["halted_since"]),
    ),
    "search-attempt": ("needs:write", lambda of: of.referral is not None and of.is_searched),
    "plan": ("referrals:write", lambda of: of.stay is not None),
    "extend": ("referrals:write", lambda of: of.stay is not None and of.stay["ended_at"] is None),
    "approve": ("reviews:decide", lambda of: _reason(of.review) not in (None, _AGE, _PROMISE)),
    "reject": ("reviews:decide", lambda of: _reason(of.review) not in (None, _PROMISE) and _is_pending(of.review)),
    "resolve": ("reviews:decide", lambda of: _reason(of.review) == _PROMISE),
    "decide-age": ("ages:decide", lambda of: _reason(of.review) == _AGE),
    "end-journey": ("needs:write", lambda of: of.journey_end is None),
    "reopen-journey": ("needs:write", lambda of: of.journey_end in ("died", "left_the_country")),
}
"""The scope of each action, and the state in which it is possible."""


def _is_pending(review: Json | None) -> bool:
    return review is not None and review["status"] == "pending"


def _reason(review: Json | None) -> str | None:
    """Why a decision is asked for. Only the decision about an age can be taken once more."""
    return review["reason"] if review and (_is_pending(review) or review["reason"] == _AGE) else None


def acts_of_row(rights: Rights, row: Json, *, back: str, sent: Sent | None) -> NeedActs:
    """What can be done from a row of the reviews or of the searches; everything else is on the page of the need."""
    need = {"id": row["need_id"] or "", "returnee_id": row["returnee_id"], "status": "open", "owner": None}
    if "next_attempt_at" in row:
        referral = {"id": row["referral_id"], "status": "seeking", "halted_since": None}
        return NeedActs(rights, need, referral=referral, is_searched=True, back=back, sent=sent)
    return NeedActs(rights, need, review=row, back=back, sent=sent)


def is_searched(steps: Sequence[Json], referral_id: str | None) -> bool:
    """Whether a search for the person runs for this referral: it has begun, and nobody has found the person since."""
    running = False
    for step in steps:
        if referral_id is not None and step["referral_id"] == referral_id:
            if step["step"] == "referral.search":
                running = True
            elif step["step"] == "referral.search_attempt" and step["reason"] == "found":
                running = False
    return running


def live_referral(referrals: Sequence[Json], need_id: str) -> Json | None:
    """The referral of the need that has not ended."""
    return next((one for one in referrals if one["need_id"] == need_id and one["ended_at"] is None), None)


def stayed_referral(referrals: Sequence[Json], need_id: str) -> Json | None:
    """The newest referral of the need that can have a stay: its service runs, or has ended."""
    stayed = ("in_service", "completed", "cancelled")
    mine = (one for one in referrals if one["need_id"] == need_id and one["status"] in stayed)
    return max(mine, key=lambda one: str(one["opened_at"]), default=None)


def reason_table(reason: str) -> str:
    """The table of labels for the reason of an unmet need: why a desk owns it, or why it was closed."""
    return "owner_reason" if reason in REFERRALS["owner_reason"] else "end_reason"
