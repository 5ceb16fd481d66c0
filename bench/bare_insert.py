"""The reference for answers: an HTTP request that inserts and commits one row, with the same framework and driver.

    uvicorn bench.bare_insert:app

`BENCH_DATABASE_URL` names a database with `CREATE TABLE bare_answer (id uuid PRIMARY KEY, at timestamptz)`.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
from fastapi import FastAPI

CREATE = "CREATE TABLE bare_answer (id uuid PRIMARY KEY, at timestamptz NOT NULL)"


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
