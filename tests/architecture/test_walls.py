"""Where a request works as the service itself is listed, with the reason (decision 0068)."""

import ast
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OWN_WORK = {
    "services/registration/arrivals/actions/gathering.py": (
        1,
        "people of several requests; each caller's wall is first",
    ),
    "services/referral/journeys/actions/writing.py": (1, "a permitted step changes the whole journey of a person"),
    "services/referral/offers/actions/answering.py": (1, "the same, for answers of many callers in one transaction"),
    "services/referral/desk/actions.py": (1, "a review is resolved with a note"),
    "services/referral/referrals/actions.py": (1, "an override looks through all services"),
    "services/referral/ownership/actions.py": (1, "a hand-over moves needs as its worker does"),
    "services/referral/bulk_answers/actions.py": (1, "what calls of any organisation came to is forgotten"),
    "services/referral/audit/actions.py": (1, "what was shown is recorded, also of rows that the caller may not list"),
    "services/referral/audit/queries.py": (1, "ids by an index over arrays; the caller then reads them"),
    "services/referral/progress/queries.py": (1, "reception counts people of its places; no row here is its own"),
    "services/referral/promises/queries.py": (1, "numbers that hold for all rows only"),
    "services/referral/waitlists/queries.py": (4, "positions count everybody; ids by an index over arrays"),
    "services/registration/packets/actions/grants.py": (1, "whether a person behind a grant still allows it"),
    "services/referral/certificates/api.py": (1, "whether the caller holds certificates; no caller reads any"),
    "services/registration/certificates/queries.py": (1, "whether the caller holds a certificate; no caller reads any"),
    "services/registration/emergencies/queries.py": (1, "a person is told of all looks in an emergency"),
    "services/registration/identity_ends/queries.py": (2, "whose days are over, only for who sees all; a report"),
    "services/registration/exports/queries.py": (1, "whoever excludes a recipient in any record is left out"),
    "services/registration/exports/actions/files.py": (1, "a download is counted; no caller writes to an export"),
    "services/registration/incidents/queries.py": (1, "who is affected, over all entries; only for who sees all"),
    "services/registration/sharing/queries.py": (2, "packets of one person: ids for requests; the person's report"),
    "services/registration/walls.py": (
        1,
        "a write needs all arrivals, case codes and members; the wall is asked first",
    ),
    "services/registration/households/queries.py": (2, "who sees one member, or decides on a claim, is told of all"),
    "services/registration/packets/actions/packets.py": (
        1,
        "a packet tells of a person who is no row of the organisation's",
    ),
    "services/registration/told/actions.py": (1, "the same for one answer; the offer is asked first"),
    "services/registration/packets/queries.py": (1, "whether an unknown offer is another organisation's"),
    "services/registration/organizations/queries.py": (1, "whether an organisation that a consent names takes part"),
    "services/registration/gate/queries.py": (2, "numbers of a batch that the caller sees; what was just diverted"),
    "services/registration/progress/queries.py": (1, "staff see the numbers of every batch, and of nobody"),
    "services/registration/matching/queries.py": (1, "of a person whom the caller does not see: day and place only"),
    "services/registration/matching/actions/looking.py": (2, "everybody is compared; a hidden record may link two"),
    "services/registration/people/queries.py": (1, "ids by an index over arrays; the caller then reads them"),
    "services/notifications/endpoints/queries.py": (1, "operators see which endpoints of all organisations fail"),
    "services/provider_directory/organizations/actions.py": (2, "whether an id is taken; the whole standing is told"),
    "services/provider_directory/listings/queries.py": (2, "what is hidden at a location counts, also in a list"),
    "services/provider_directory/listings/actions.py": (8, "whether an id is taken; a location changes its services"),
    "services/provider_directory/capacity/actions.py": (1, "whether an id is taken"),
}
"""By file: how often, and why rows beyond the caller's are needed."""
OWN_TRANSACTIONS = {
    "services/referral/offers/actions/gathering.py": (1, "answers of many callers are written together"),
}
"""Files on the way of a request that open transactions of the service's own work."""
WAYS_OF_REQUESTS = re.compile(r"/(api|actions|queries|recording)(\.py|/)")


def _calls(name: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for path in (ROOT / "services").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) == name:
                found[str(path.relative_to(ROOT))] += 1
    return found


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def test_parts_of_requests_that_are_the_services_own_work_are_listed():
    assert _calls("own_work") == {name: count for name, (count, _) in OWN_WORK.items()}


def test_requests_open_no_other_transaction_of_the_services_own():
    found = {name: count for name, count in _calls("transaction").items() if WAYS_OF_REQUESTS.search(name)}
    known = {name: count for name, (count, _) in OWN_TRANSACTIONS.items()}
    assert {name: count for name, count in found.items() if "/vault/" not in name} == known
