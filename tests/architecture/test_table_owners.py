"""A part owns its tables: only its modules write them, and whoever else reads them is named here.

What a statement does is read from its SQL, and from the calls of `services/*/database.py` and of SQLAlchemy that write.
Tables of `libs` are left out: each service has its own, and the library writes them.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SERVICES = Path(__file__).resolve().parents[2] / "services"
LISTS = {"progress", "promises", "statistics", "timelines", "work_lists"}
"""Parts of referral that may read every table: they show or count rows, and change none."""
READERS = {
    "audit": "journey need offer referral review",
    "consents": "journey need referral",
    "desk": "journey need review",
    "intake": "journey need",
    "journeys": "household",
    "kept_apart": "journey offer provider_service referral",
    "judging": "household journey offer place_hold pool provider_organization provider_service referral",
    "needs": "household journey need offer referral step",
    "notes": "journey",
    "offers": "offer referral",
    "ownership": "journey need referral",
    "places": "offer provider_service referral",
    "reconciling": "household journey kept_apart need offer provider_organization provider_service referral",
    "referrals": "household journey offer referral timer",
    "router": """arrival_batch exclusion household journey kept_pool need offer supply_change supply_total
        referral timer waitlist_entry""",
    "searches": "journey need referral",
    "stays": "journey need stay",
    "waitlists": "journey need place_hold pool provider_service timer",
}
"""By part of referral: the tables of other parts that it reads."""
WRITERS = {
    "registration": {
        ("manifests", "returnee"),  # when a manifest ages out, people lose their key in it
        ("reconciling", "consent_withdrawal"),  # a restore loses withdrawals, which are entered again
    },
}
"""By service: the parts that write a table of another part."""
WRITTEN_BY_LIBRARY = {"access_seal", "certificate"}
"""Tables of referral that `libs/chassis/sealed_log.py` and `libs/certificates/copies.py` write."""

_WRITES = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+([a-z_]+)")
_READS = re.compile(r"\b(?:FROM|JOIN)\s+([a-z_]+)")
_WRITING_CALLS = {"insert_rows", "insert_columns", "update_rows", "update_columns", "insert", "update", "delete"}


@dataclass
class Uses:
    """Which parts of one service own, write and read its tables."""

    owner: dict[str, str] = field(default_factory=dict)
    table_of: dict[str, str] = field(default_factory=dict)
    """By name of a row's class."""
    writers: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    readers: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def foreign(self, uses: dict[str, set[str]]) -> set[tuple[str, str]]:
        """Part and table, where the part does not own the table."""
        return {(part, table) for table, parts in uses.items() for part in parts if part != self.owner[table]}


def uses_of(service: str, *, also: str = "") -> Uses:
    """What the modules of a service do to its tables; `also` is the text of one more module, of a part `intruder`."""
    base, found = SERVICES / service, Uses()
    paths = [path for path in base.rglob("*.py") if "migrations" not in str(path)]
    trees = [(_part(path, base), ast.parse(path.read_text(encoding="utf-8"))) for path in paths]
    for part, tree in trees:
        for class_, table in _tables_in(tree):
            found.owner[table], found.table_of[class_] = part, table
    for part, tree in [*trees, ("intruder", ast.parse(also))]:
        for node in ast.walk(tree):
            for table in _written(node, found):
                found.writers[table].add(part)
            for table in _read(node, found):
                found.readers[table].add(part)
    return found


def _part(path: Path, base: Path) -> str:
    return path.relative_to(base).parts[0].removesuffix(".py")


def _tables_in(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and any(one.arg == "table" for one in node.keywords):
            for line in node.body:
                if isinstance(line, ast.Assign) and _name(line.targets[0]) == "__tablename__":
                    yield node.name, ast.literal_eval(line.value)


def _written(node: ast.AST, known: Uses) -> set[str]:
    found = _tables_named(_WRITES, node, known)
    if isinstance(node, ast.Call):
        classes = [_name(node.func)]
        if _name(node.func) in _WRITING_CALLS:
            classes += map(_name, node.args)
        found |= {known.table_of[one] for one in classes if one in known.table_of}
    return found


def _read(node: ast.AST, known: Uses) -> set[str]:
    found = _tables_named(_READS, node, known)
    if isinstance(node, ast.Name) and node.id in known.table_of:
        found.add(known.table_of[node.id])
    return found


def _tables_named(pattern: re.Pattern[str], node: ast.AST, known: Uses) -> set[str]:
    return {table for table in pattern.findall(_text(node)) if table in known.owner}


def _text(node: ast.AST) -> str:
    """The text of a literal, without what an f-string fills in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(one) if isinstance(one, ast.Constant) else " " for one in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


@pytest.mark.parametrize("service", ["referral", "registration", "provider_directory", "notifications"])
def test_a_table_is_written_by_its_owner_only(service: str):
    found = uses_of(service)
    assert found.foreign(found.writers) <= WRITERS.get(service, set())


def test_who_reads_a_table_of_another_part_of_referral_is_named():
    found = uses_of("referral")
    named = {(part, table) for part, tables in READERS.items() for table in tables.split()}
    read = {(part, table) for part, table in found.foreign(found.readers) if part not in LISTS}
    assert read == named


def test_every_table_of_referral_is_seen_to_be_written():
    """A way of writing that this file does not see would go through unseen."""
    found = uses_of("referral")
    assert {table for table in found.owner if found.owner[table] not in found.writers[table]} == WRITTEN_BY_LIBRARY


@pytest.mark.parametrize(
    "line",
    [
        'connection.execute("UPDATE referral SET ready_at = $1")',
        'connection.execute(f"DELETE FROM referral WHERE status IN {states}")',
        "insert_rows(session, ReferralRow, rows)",
        "session.add(ReferralRow(referral_id=one))",
        "session.exec(tables.delete(ReferralRow))",
    ],
)
def test_each_way_of_writing_is_seen(line: str):
    found = uses_of("referral", also=line)
    assert ("intruder", "referral") in found.foreign(found.writers)
