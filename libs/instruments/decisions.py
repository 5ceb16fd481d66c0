"""The decisions that a question may serve. A question that serves none must not be asked (domain P30).

A question also serves a need if it is asked because of an answer that the rule reads, and its answer is shown to
whoever meets the need.

| form | meaning | exists if |
|---|---|---|
| `need:<rule>` | a need is reported | the instrument has this rule for needs, and it reads the question |
| `review:<rule>` | a desk reviews in private | the instrument has this rule for reviews, and it reads the question |
| `routing:<fact>` | a fact by which a provider is chosen | the routing profile has this field |
| `consent:<purpose>` | what a consent is asked for | there is this purpose |
| `statistic:<name>` | a number that the network publishes | referral calculates it |
"""

from collections.abc import Mapping
from typing import Final

from libs.events.catalogue.registration import RoutingProfile
from libs.events.codes import ConsentPurpose
from libs.instruments.conditions import Condition
from libs.instruments.model import Instrument, NeedRule, Question, ReviewRule

_NOT_ASKED: Final = frozenset({"returnee_id", "version", "case_code", "arrival_batch_id", "household_id"})
ROUTING_FACTS: Final = frozenset(RoutingProfile.model_fields) - _NOT_ASKED
STATISTICS: Final = frozenset({"needs", "unmet_needs"})
"""The numbers of `GET /v1/statistics` and `GET /v1/work-lists/unmet/summary` of referral."""


def decision_fault(instrument: Instrument, question: Question, decision: str) -> str | None:
    """Why the question does not serve this decision, or None."""
    kind, _, name = decision.partition(":")
    rules: Mapping[str, Mapping[str, NeedRule] | Mapping[str, ReviewRule]] = {
        "need": instrument.needs,
        "review": instrument.reviews,
    }
    if kind in rules:
        rule = rules[kind].get(name)
        if rule is None:
            return f"the instrument has no rule {name} for a {kind}"
        read = read_by(instrument, rule.when)
        details = question.ask_if is not None and bool(question.ask_if.questions() & read) and bool(question.shown_to)
        return None if question.id in read or details else f"the rule {name} does not read this question"
    known = {
        "routing": ROUTING_FACTS,
        "consent": frozenset(one.value for one in ConsentPurpose),
        "statistic": STATISTICS,
    }
    if kind not in known:
        return "must begin with need:, review:, routing:, consent: or statistic:"
    return None if name in known[kind] else f"there is no such decision; {kind} has {', '.join(sorted(known[kind]))}"


def read_by(instrument: Instrument, condition: Condition) -> frozenset[str]:
    """The questions that a condition reads, and those that decide whether they are asked."""
    found: set[str] = set()
    todo = set(condition.questions())
    while todo:
        name = todo.pop()
        found.add(name)
        question = instrument.by_id.get(name)
        if question is not None and question.ask_if is not None:
            todo |= question.ask_if.questions() - found
    return frozenset(found)
