"""Tests that `make test-long` runs and `make test` leaves out: why each is long, and what `make test` shows instead.

No test marks itself as long. A reviewer reads this table; `tests/architecture/test_long_runs.py` holds it to its form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

EXTENDING, BARRIERS = "tests/docs/test_extending.py", "tests/console/browser/test_barriers.py"
LOSING, FUZZ = "tests/console/browser/test_losing.py", "tests/contract/test_openapi_fuzz.py"
SHORT_RUN, JOURNEYS = "tests/chaos/test_short_run.py", "tests/journeys"
PAGES, UP = "tests/docs/test_commands.py", "tests/deploy_local/test_commands.py"
AWAY, TRACES = "tests/events/failures/test_kafka_away.py", "tests/deploy_local/test_traces.py"
AS_ROUNDS = "tests/service/referral/test_same_as_rounds.py"
FITS = f"{EXTENDING}::test_the_changes_of_every_section_fit_and_are_in_style"
DEMO = f"{JOURNEYS}/test_demo.py::test_a_flight_and_a_bus_go_from_the_gate_to_accepted_offers"
SUPERVISOR = "tests/deploy_local/test_supervisor.py::test_the_whole_system_starts_restarts_what_dies_and_stops"


@dataclass(frozen=True, slots=True)
class LongRun:
    """One test function, or some of its cases."""

    test: str
    reason: str
    shown_by: tuple[str, ...]
    """Tests of `make test` that show the same promise on less: others, or the remaining cases of this one."""
    cases: str = ".*"
    """A regular expression for the ids of the cases that are long."""

    def has(self, nodeid: str) -> bool:
        """Whether this entry is about that test."""
        function, _, case = nodeid.partition("[")
        return function == self.test and re.fullmatch(self.cases, case.removesuffix("]")) is not None


def _same(test: str, reason: str, cases: str) -> LongRun:
    """Some cases of a test are long, the others stay in `make test`."""
    return LongRun(test, reason, (test,), cases)


def _page(name: str) -> LongRun:
    reason = "runs the commands of a section, with their tests or with a whole system, in a copy of the project"
    return LongRun(f"{EXTENDING}::{name}", reason, (FITS,))


def _short_run(name: str) -> LongRun:
    instead = (
        "tests/chaos/test_lost.py::test_an_acknowledged_arrival_without_a_returnee_is_lost",
        "tests/chaos/test_stopping.py::test_a_run_that_is_stopped_leaves_no_process_and_no_directory_behind",
        "tests/events/failures/test_relay.py::test_r1_a_relay_killed_after_reading_loses_nothing",
        SUPERVISOR,
    )
    return LongRun(
        f"{SHORT_RUN}::{name}", "four minutes of random faults and planted errors on a whole system", instead
    )


LONG_RUNS = (
    _page("test_a_section_that_changes_the_project_holds"),
    _page("test_the_section_about_a_language_holds"),
    _page("test_the_sections_about_a_pack_and_a_listener_hold"),
    LongRun(
        f"{JOURNEYS}/test_demo_countries.py::test_a_flight_and_a_bus_of_another_country_go_from_the_gate_to_accepted_offers",
        "starts a whole system for each country; the code is the same",
        (
            DEMO,
            "tests/unit/packs/test_check.py::test_the_packs_of_the_project_have_no_fault",
            "tests/unit/packs/test_policy.py::test_the_routing_policy_is_valid",
        ),
    ),
    LongRun(
        f"{JOURNEYS}/test_demo.py::test_on_the_same_state_every_service_may_be_killed_during_the_next_flight",
        "a second demo on the same system",
        (DEMO, SUPERVISOR, "tests/service/referral/test_writers.py"
         "::test_64_writers_and_kill_9_never_exceed_the_maximum_and_leak_nothing"),
    ),
    LongRun(
        f"{JOURNEYS}/test_simulation.py::test_hours_of_arrivals_among_silent_partners_end_with_no_need_unowned",
        "hours of arrivals through a whole system",
        (DEMO, "tests/unit/simulate/test_plan.py"
         "::test_two_to_four_flights_of_at_most_135_come_and_105_people_by_land"),
    ),
    _short_run("test_a_system_that_is_killed_stopped_and_cut_off_at_random_keeps_every_promise"),
    _short_run("test_the_run_had_load_and_faults_of_every_kind"),
    _short_run("test_a_planted_bug_of_each_kind_makes_the_verdict_bad"),
    LongRun(
        f"{PAGES}::test_every_command_on_the_page_about_operations_runs_as_it_stands",
        "some thirty commands, each a process of its own",
        (f"{PAGES}::test_every_command_on_the_page_runs_as_it_stands",),
    ),
    LongRun(
        f"{UP}::test_the_system_is_started_watched_joined_by_a_partner_and_stopped",
        "starts a whole system by commands, each a process of its own",
        (f"{PAGES}::test_every_command_on_the_page_runs_as_it_stands", SUPERVISOR),
    ),
    LongRun(
        f"{TRACES}::test_a_trace_through_two_services_is_read_in_zipkin_which_ends_with_the_system",
        "starts Zipkin twice",
        ("tests/deploy_local/test_trace_receiver.py::test_spans_are_accepted_when_zipkin_has_them_and_not_before",),
    ),
    _same(
        f"{BARRIERS}::test_no_page_of_the_views_has_a_barrier",
        "all pages again in the second language and the dark scheme",
        r"(?!provider-renap-).*-en",
    ),
    _same(
        f"{LOSING}::test_without_a_service_pages_say_what_is_missing_and_forms_are_sent_later",
        "all pages without one service, for each service",
        r"provider_directory|notifications",
    ),
    _same(
        f"{FUZZ}::test_no_request_breaks_the_service_or_its_document",
        "several times as many requests",
        r".*whole.*",
    ),
    _same(
        f"{AWAY}::test_a_service_that_starts_while_kafka_is_away_takes_requests",
        "a process of each service; the chassis is the same",
        r"registration|referral|provider_directory",
    ),
    _same(
        f"{AS_ROUNDS}::test_the_same_history_with_and_without_offers_at_once_places_everybody_alike",
        "more random histories",
        r"[1-9]\d*",
    ),
)  # fmt: skip

FOUND = pytest.StashKey[dict[str, list[str]]]()
"""For each function of the table that was collected, all its cases."""


def mark(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """Give the tests of the table the marker `long`, by which the targets choose."""
    table: dict[str, LongRun] = {one.test: one for one in LONG_RUNS}
    found: dict[str, list[str]] = {}
    for item in items:
        entry = table.get(item.nodeid.partition("[")[0])
        if entry is None:
            continue
        found.setdefault(entry.test, []).append(item.nodeid)
        if entry.has(item.nodeid):
            item.add_marker(pytest.mark.long(reason=entry.reason))
    config.stash[FOUND] = found
