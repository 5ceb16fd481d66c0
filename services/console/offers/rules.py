"""What a row of the lists shows, in which order, and which buttons an offer has (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Json = Mapping[str, Any]
TABS: Final = ("waiting", "serving", "ended")
LIVE: Final = frozenset({"pending", "acknowledged"})
SERVING: Final = ("accepted", "in_service")
"""The states of a referral whose provider has accepted and whose service has not ended."""
ENDED: Final[Mapping[str, Mapping[str, Any]]] = {
    "served": {"referral_status": ["completed", "not_delivered", "cancelled", "entered_in_error"]},
    "declined": {"status": "declined"},
    "expired": {"status": "expired"},
    "recalled": {"status": "recalled"},
}
"""The lists of offers that have ended, with what the API is asked for."""
AT_ONCE: Final = 100
"""The largest number of answers that the API takes in one call, therefore also the most rows of one page."""
FEW: Final = 25
"""The rows of the page when it is opened. It refreshes itself, and a phone at a shelter has a slow line."""
ANSWERS: Final = ("acknowledge", "accept", "decline")


@dataclass(frozen=True)
class Chosen:
    """What was chosen in the list, kept while the list refreshes itself."""

    offers: frozenset[str] = frozenset()
    every: bool = False

    def has(self, offer_id: str) -> bool:
        """Whether the box of this offer is ticked."""
        return self.every or offer_id in self.offers


@dataclass(frozen=True)
class Result:
    """The result of one answer of many."""

    offer_id: str
    case_code: str
    refusal: str | None
    """The code of the refusal; None if the answer was taken."""
    rules: Sequence[str] = ()


@dataclass(frozen=True)
class Results:
    """The results of many answers."""

    answer: str
    rows: Sequence[Result] = field(default_factory=tuple)

    @property
    def taken(self) -> Sequence[Result]:
        """The answers that were taken."""
        return [one for one in self.rows if one.refusal is None]

    @property
    def refused(self) -> Sequence[Result]:
        """The answers that were refused."""
        return [one for one in self.rows if one.refusal is not None]


def results(answer: str, told: Sequence[Json], case_codes: Mapping[str, str]) -> Results:
    """The results of a call with many answers."""
    rows = []
    for one in told:
        problem = one["problem"] or {}
        known = case_codes.get(one["offer_id"], "")
        code = one["offer"]["case_code"] if one["offer"] else known
        faults = [fault["rule"] for fault in problem.get("errors", ())]
        rows.append(Result(one["offer_id"], code, problem.get("code"), faults))
    return Results(answer, rows)


def answers(answer: str, offer_ids: Sequence[str], *, reason: str | None, note: str | None) -> list[dict[str, Any]]:
    """The body's answers: one of the same kind for each offer."""
    more = {name: value for name, value in (("reason", reason), ("note", note)) if value is not None}
    return [{"offer_id": one, "answer": answer, **(more if answer == "decline" else {})} for one in offer_ids]


def details(
    told: Sequence[Json],
    *,
    name: Callable[[str], str],
    value: Callable[[Json], str],
    yes: str,
    no: str,
    areas: Mapping[str, str],
    language: Callable[[str], str],
    forms: Mapping[str, str],
) -> list[tuple[str, str]]:
    """The coded details of a need: what is asked, and the answer."""
    shown = []
    for one in told:
        answer = one["value"]
        if isinstance(answer, bool):
            text = yes if answer else no
        elif forms.get(one["detail"]) == "languages":
            text = ", ".join(map(language, answer))
        elif isinstance(answer, str) and answer in areas:
            text = areas[answer]
        else:
            text = value(one)
        shown.append((name(one["detail"]), text))
    return shown


@dataclass(frozen=True)
class Buttons:
    """What a person may do with an offer now."""

    acknowledge: bool = False
    answer: bool = False
    packet: bool = False
    start: bool = False
    complete: bool = False
    not_delivered: bool = False
    uphold: bool = False
    enter_in_error: bool = False


def buttons(offer: Json, *, answers: bool, reports: bool, reads_packets: bool, staff: bool) -> Buttons:
    """The buttons of an offer. `answers`, `reports`, `reads_packets`: the rights; `staff`: of the network."""
    status, service, halted = offer["status"], offer["referral_status"], offer["halted_since"] is not None
    return Buttons(
        acknowledge=answers and status == "pending",
        answer=answers and status in LIVE,
        packet=reads_packets and status == "accepted",
        start=reports and service == "accepted" and not halted,
        complete=reports and service == "in_service",
        not_delivered=reports and service in SERVING,
        uphold=reports and staff and halted and service in SERVING,
        enter_in_error=reports and staff and status == "accepted" and service != "entered_in_error",
    )


@dataclass(frozen=True)
class Question:
    """A fact that a completion states, as the form asks for it."""

    fact: str
    text: str
    form: str
    values: Sequence[tuple[str, str]]
    at_least: int | None
    at_most: int | None

    @property
    def field(self) -> str:
        """The name of the form's field. It says how the answer is read."""
        return f"{self.form}-{self.fact}"


def questions(facts: Json, taxonomy: Json, *, kind: str | None, service_type: str) -> list[Question]:
    """What a completion asks: the facts of the kind that was given; without a kind, those of the service type.

    Without the taxonomy, a fact is asked as yes or no under its code.
    """
    asked = facts["by_kind"].get(kind, ()) if kind else facts["completion_facts"].get(service_type, ())
    known = {one["code"]: one for one in taxonomy.get("facts", ())}
    return [_question(fact, known.get(fact)) for fact in asked]


def _question(fact: str, term: Json | None) -> Question:
    if term is None:
        return Question(fact, fact.replace("_", " "), "yes_no", (), None, None)
    values = [(one["code"], one["label"]) for one in term["values"]]
    return Question(fact, term["label"], term["form"], values, term["at_least"], term["at_most"])


def fact_value(taxonomy: Json, fact: str, value: bool | int | str) -> str:
    """The answer of a fact that is a number or a choice, in words."""
    term = next((one for one in taxonomy.get("facts", ()) if one["code"] == fact), None)
    known = {one["code"]: one["label"] for one in (term or {}).get("values") or ()}
    return str(known.get(value, value))


def stated(fields: Mapping[str, Any]) -> dict[str, bool | int | str]:
    """The facts that a form states, by fact; fields without an answer state nothing."""
    found: dict[str, bool | int | str] = {}
    for name, value in fields.items():
        form, _, fact = name.partition("-")
        if not fact or value in ("", None):
            continue
        if form == "yes_no":
            found[fact] = value == "yes"
        elif form in ("number", "choice"):
            found[fact] = value
    return found


def of_this_offer(entries: Sequence[dict[str, Any]], offer: Json) -> list[dict[str, Any]]:
    """The entries of a timeline that belong to this offer or its referral."""
    own = {offer["id"], offer["referral_id"]}
    return [one for one in entries if own & {one["offer_id"], one["referral_id"]}]
