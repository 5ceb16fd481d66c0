"""Reads the rows that a relay has to send next: in the order of their ids, without the acknowledged ones."""

from collections.abc import Collection, Sequence
from typing import Any

from libs.events.postgres import Connection
from libs.events.relaying.retiring import Unretired

_COLUMNS = "id, event_id, topic, key, type, payload, traceparent, tracestate, created_at"


def _statement(condition: str = "") -> str:
    """`$1` rows from the gaps between acknowledged rows (`$2`, `$3`) and after all of them (`$4`).

    There is no cursor: every id that is not acknowledged is looked for in every read. The gaps are ranges of the
    primary key, so acknowledged rows are not read, and of a million waiting rows only the first `$1`. If both parts
    were one, PostgreSQL would sort all rows that it found, and not only those of the gaps.
    """
    return f"""
    (
        SELECT found.* FROM unnest($2::bigint[], $3::bigint[]) AS gap (above, below)
        CROSS JOIN LATERAL (
            SELECT {_COLUMNS} FROM outbox o WHERE id > above AND id < below{condition} ORDER BY id LIMIT $1
        ) AS found
        ORDER BY id LIMIT $1
    ) UNION ALL (
        SELECT {_COLUMNS} FROM outbox o WHERE id > $4{condition} ORDER BY id LIMIT $1
    )
    ORDER BY id LIMIT $1
    """  # noqa: S608 - constants of this module


_READ = _statement()
_READ_AROUND = _statement("""
    AND NOT topic = ANY($5) AND NOT EXISTS (
        SELECT FROM unnest($6::text[], $7::text[]) AS b (topic, key) WHERE b.topic = o.topic AND b.key = o.key)
""")


async def read(
    connection: Connection, limit: int, unretired: Unretired, blocked: Collection[tuple[str, str | None]] = ()
) -> Sequence[Any]:
    """At most `limit` rows, without those of `blocked` keys and topics. A topic is blocked if its key is None."""
    gaps = unretired.gaps()
    if not blocked:
        return await connection.fetch(_READ, limit, *gaps)
    topics = [topic for topic, key in blocked if key is None]
    keys = [(topic, key) for topic, key in blocked if key is not None]
    return await connection.fetch(
        _READ_AROUND, limit, *gaps, topics, [topic for topic, _ in keys], [key for _, key in keys]
    )
