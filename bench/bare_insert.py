"""The references over HTTP: a request that inserts and commits one row, and one that copies the rows of a manifest.

    uvicorn bench.bare_insert:app

The framework and the driver are those of the services. `BENCH_DATABASE_URL` names a database with the tables of
`CREATE` and `CREATE_ENTRY`.
"""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from fastapi import FastAPI, Request

CREATE = "CREATE TABLE bare_answer (id uuid PRIMARY KEY, at timestamptz NOT NULL)"
CREATE_ENTRY = """
    CREATE TABLE bare_entry (id uuid PRIMARY KEY, batch_id uuid NOT NULL, sender_reference text NOT NULL,
        given_names text NOT NULL, family_names text NOT NULL, birth_date date, sex text NOT NULL, nationality text)
"""
_TEXTS = ("sender_reference", "given_names", "family_names")


@asynccontextmanager
async def _pool(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["BENCH_DATABASE_URL"], min_size=8, max_size=8) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=_pool)


@app.post("/answers/{answer_id}")
async def answer(answer_id: UUID) -> dict[str, str]:
    """Insert one row and commit it."""
    await app.state.pool.execute("INSERT INTO bare_answer VALUES ($1, now())", answer_id)
    return {"id": str(answer_id)}


@app.post("/batches/{batch_id}")
async def batch(batch_id: UUID, request: Request) -> dict[str, str]:
    """Copy the entries of a manifest, and commit them."""
    rows = entry_rows(batch_id, (await request.json())["entries"])
    async with app.state.pool.acquire() as connection:
        await copy_entries(connection, rows)
    return {"id": str(batch_id)}


def entry_rows(batch_id: UUID, entries: Sequence[Mapping[str, str]]) -> list[tuple[Any, ...]]:
    """One row for each entry, in clear."""
    return [
        (
            uuid4(),
            batch_id,
            *(one[name] for name in _TEXTS),
            date.fromisoformat(one["birth_date"]),
            one["sex"],
            one["nationality"],
        )
        for one in entries
    ]


async def copy_entries(connection: Any, rows: Sequence[tuple[Any, ...]]) -> None:
    """Store these rows with one COPY, which is a transaction of its own."""
    await connection.copy_records_to_table("bare_entry", records=rows)
