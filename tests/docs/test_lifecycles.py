"""The page of the lifecycles says what the tables of states say, in its diagrams too."""

import re
from pathlib import Path

from deploy.lifecycles.page import PAGE, page
from services.referral.lifecycles.fhir import REQUEST
from services.referral.lifecycles.guards import GUARDS
from services.referral.lifecycles.rules import LIVE_OFFER, LIVE_REFERRAL, NEEDS, OFFERS, REFERRALS

ROOT = Path(__file__).resolve().parents[2]
TABLES = [(NEEDS, frozenset()), (REFERRALS, LIVE_REFERRAL), (OFFERS, LIVE_OFFER)]


def test_the_page_is_up_to_date():
    assert (ROOT / PAGE).read_text(encoding="utf-8") == page(), "run `python -m deploy.lifecycles write`"


def test_every_diagram_draws_its_table_and_nothing_else():
    """Seen to fail with the arrows out of the box of live states left out."""
    diagrams = re.findall(r"```mermaid\nstateDiagram-v2\n(.*?)```", page(), re.DOTALL)
    for (table, live), diagram in zip(TABLES, diagrams, strict=True):
        drawn = set()
        for before, after, step in re.findall(r"(\S+) --> (\w+): (\w+)", diagram):
            states = live if before == "live" else [None if before == "[*]" else before]
            drawn |= {(state, step, after) for state in states}
        moves = {(row.state, row.step, row.to) for row in table.rows if row.state is not row.to}
        assert drawn == moves


def test_every_guard_event_and_code_is_on_the_page():
    text = page()
    for table, _ in TABLES:
        for row in table.rows:
            assert row.guard is None or GUARDS[row.guard].words in text
            assert row.event is None or f"`{row.event}`" in text
    assert {guard for table, _ in TABLES for row in table.rows if (guard := row.guard)} == set(GUARDS)
    assert all(f"| {state} | {status} |" in text for state, status in REQUEST.items())
