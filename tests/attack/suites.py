"""Attacks that are tests of their own: which files they stand in, and how many of them did not hold."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from deploy.local.installation import ROOT
from tests.attack.tokens import Line

SUITES = {
    "forged events, on a topic that anybody may write to": [
        "tests/service/registration/test_forged_events.py",
        "tests/unit/events/test_signing.py",
    ],
    "a stranger, and a stolen login, at the secured broker": [
        "tests/journeys/test_secured_broker.py",
        "tests/events/failures/test_rights.py",
    ],
    "slow, huge and half-finished requests": [
        "tests/service/chassis/test_hostile_peers.py",
        "tests/service/chassis/test_framing.py",
    ],
    "bad messages of strangers": ["tests/events/test_foreign_failures.py"],
    "hostile receivers of webhooks": [
        "tests/service/notifications/test_posting.py",
        "tests/service/notifications/test_endpoints.py",
    ],
    "the record of access rewritten by who owns the database": [
        "tests/service/registration/test_seals.py",
        "tests/service/registration/test_seal_keys.py",
        "tests/service/referral/test_seals.py",
    ],
    "facts that change under an offer: avoided, suspended, agreement over": [
        "tests/service/registration/test_packets_judged_again.py",
        "tests/service/referral/test_judged_again.py",
        "tests/service/referral/test_judged_standing.py",
    ],
    "a login of a service that would be more": ["tests/service/chassis/test_logins.py"],
    "queries that forgot to ask whose rows they read": [
        "tests/service/chassis/test_walls.py",
        "tests/service/registration/test_walls.py",
        "tests/service/referral/test_walls.py",
        "tests/service/provider_directory/test_walls.py",
        "tests/service/notifications/test_walls.py",
    ],
    "matches of other centres and organisations, of protected people and children alone, decided at once": [
        "tests/service/registration/test_matching_sight.py",
        "tests/service/registration/test_matching_merges.py",
    ],
    "restricted needs, with the rights and keys of everything else": [
        "tests/service/registration/test_restricted.py",
        "tests/service/registration/test_restricted_store.py",
        "tests/service/referral/test_restricted.py",
    ],
    "what an erasure leaves, with every key of before": ["tests/service/registration/test_erased_attacked.py"],
    "guessing of ids, codes, tokens and secrets, and asking without end": [
        "tests/service/chassis/test_rates.py",
        "tests/service/registration/test_guesses.py",
        "tests/deploy_local/test_issuer.py",
    ],
    "texts that an expression reads for seconds": ["tests/deploy/test_patterns.py"],
    "tools and files in the code": ["tests/architecture/test_dangerous_tools.py"],
}


def run_suite(name: str, files: list[str], *, options: tuple[str, ...] = ()) -> Line:
    """Run these tests; a test is a try, one that fails or could not run is a deviation."""
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *options]
        done = subprocess.run([*command, *files], cwd=ROOT, capture_output=True, text=True, check=False)
        if not report.exists():
            return Line(name, 0, [f"the tests did not run: {done.stdout[-500:]}{done.stderr[-500:]}"])
        return line_of(name, report.read_text(encoding="utf-8"))


def line_of(name: str, report: str) -> Line:
    """The line of a report in JUnit's form; no test at all is a deviation too."""
    cases = list(ElementTree.fromstring(report).iter("testcase"))
    failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    deviations = [f"{case.get('classname')}::{case.get('name')}" for case in failed]
    return Line(name, len(cases), deviations if cases else ["no test was found"])
