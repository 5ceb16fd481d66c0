"""What one arrival costs: look-ups by an index, a limited number of people of each block, nothing that grows."""

from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from libs.chassis.database import raw
from services.registration.linkage.blocking import keys
from services.registration.linkage.records import Record
from services.registration.matching.queries import CANDIDATES, candidates
from services.registration.matching.rules import BLOCK_MAX
from tests.service.registration.matching import identity, matches

FILLED = 20_000


@pytest.fixture
async def crowd(registration):
    """A key that many people have, and many other keys. They belong to one person, whom nothing else refers to."""
    person = await registration.register(identity=identity())
    made = [uuid7() for _ in range(3 * BLOCK_MAX)]
    common = -(2**62) - int(str(UUID(person["id"]).int)[-9:])
    copy = """
        INSERT INTO returnee SELECT (jsonb_populate_record(r, jsonb_build_object('id', n.id, 'case_code', n.id::text,
            'arrival_key', '\\x' || replace(n.id::text, '-', ''), 'manifest_key', NULL, 'reception_place', 'GT99'))).*
        FROM returnee r CROSS JOIN unnest($2::uuid[]) AS n (id) WHERE r.id = $1
    """
    await registration.fetch(copy, UUID(person["id"]), made)
    await registration.fetch("INSERT INTO match_key SELECT $1, unnest($2::uuid[])", common, made)
    await registration.fetch(
        "INSERT INTO match_key SELECT n, $1 FROM generate_series($2::bigint, $2::bigint + $3) n",
        UUID(person["id"]), common + 1, FILLED,
    )  # fmt: skip
    await registration.fetch("ANALYZE match_key")
    yield common, made
    await registration.fetch("DELETE FROM match_key WHERE key BETWEEN $1 AND $2", common, common + FILLED + 1)
    await registration.fetch("DELETE FROM returnee WHERE id = ANY($1::uuid[])", made)


async def test_of_a_common_key_a_limited_number_of_people_is_read_newest_first(registration, crowd):
    common, made = crowd
    async with registration.database.transaction() as session:
        found = await candidates(session, [common])
    assert found[common] == sorted(made, reverse=True)[: BLOCK_MAX + 2]


async def test_candidates_are_looked_up_by_the_index_and_no_table_is_read_through(registration, crowd):
    common, _ = crowd
    async with registration.database.transaction() as session:
        connection = await raw(session)
        asked = [common, *range(common + 1, common + 13)]
        (plan,) = await connection.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {CANDIDATES}", asked, BLOCK_MAX + 2)
    nodes = list(every(plan[0][0]["Plan"]))
    scans = [node for node in nodes if node.get("Relation Name") == "match_key"]
    assert [node["Node Type"] for node in scans] == ["Index Only Scan"], scans
    assert all("key" in node["Index Cond"] for node in scans)
    assert all(node["Actual Rows"] <= BLOCK_MAX + 2 for node in scans)


def every(node):
    yield node
    for part in node.get("Plans", ()):
        yield from every(part)


async def test_somebody_of_a_very_common_name_is_found_by_a_rarer_key(registration):
    same = identity()
    first = await registration.register(identity=same)
    await matches(registration, first["id"])
    record = Record(same["given_names"], same["family_names"])
    crowd = [uuid7() for _ in range(BLOCK_MAX + 5)]
    for key in keys(record):
        token = registration.vault.master.token("match", key)
        copied = "INSERT INTO match_key SELECT $1, id FROM returnee ORDER BY id DESC LIMIT $2 ON CONFLICT DO NOTHING"
        await registration.fetch(copied, token, len(crowd))
    second = await registration.register(identity=same)
    found = await matches(registration, second["id"])
    assert first["id"] in {one["returnee_id"] for match in found for one in match["people"]}
