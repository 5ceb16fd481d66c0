"""A reference client for devices that work without a line (`POST /v1/sync`). Standard library and httpx.

It writes each operation into a queue in a SQLite file before it returns, and sends the queue when there is a line. It
may be stopped or cut off at any moment: an operation stays in the queue until its result has arrived, and Enlace
recognises an operation that comes again. The file holds names and telephone numbers until they are sent: encrypt the
device, and lock it. The client prints counts, codes and ids, never what an operation says.

    python offline_client.py QUEUE.sqlite3 add OPERATION.json   # {"kind": "register", "data": {...}}: prints its ids
    python offline_client.py QUEUE.sqlite3 send                 # see `_post_by_environment`
    python offline_client.py QUEUE.sqlite3 status               # counts, and what was refused, with pointer and rule
    python offline_client.py QUEUE.sqlite3 mend ID OPERATION.json
    python offline_client.py QUEUE.sqlite3 retry                # after a token has got its scope, for example
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

OPERATIONS_AT_ONCE = 100
"""Enlace takes 500. On a bad line smaller requests come through more often."""
BYTES_AT_ONCE = 1_000_000
"""Enlace takes 2 MB."""
TAKEN = {"done", "unchanged", "superseded", "conflict"}
NAMES = ("returnee_id", "need_id", "consent_id", "household_id")
"""Fields of an operation that may name what another operation creates."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS device (id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS operation (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    person_id TEXT,           -- the id that this device made for a person, or that it knows from Enlace
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'refused', 'taken', 'erased')),
    body TEXT,                -- NULL once Enlace has it: names do not stay on the device
    result TEXT
);
CREATE TABLE IF NOT EXISTS person (id TEXT PRIMARY KEY, returnee_id TEXT NOT NULL, case_code TEXT);
"""


class NoLine(Exception):  # noqa: N818 (a state)
    """The line was cut, or Enlace does not answer. Nothing is lost: send again later."""


@dataclass
class Counts:
    """How many operations wait, were refused, were taken in, or belonged to erased people."""

    waiting: int = 0
    refused: int = 0
    taken: int = 0
    erased: int = 0


class OfflineClient:
    """The queue of one device, for one thread at a time. `post` sends one body to `/v1/sync` and returns the
    response."""

    def __init__(self, file: Path | str, post: Callable[[dict[str, Any]], httpx.Response]) -> None:
        self._post = post
        self._db = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA synchronous = FULL")  # what was added survives an empty battery
        self._db.execute("PRAGMA secure_delete = ON")  # what was taken in is overwritten in the file
        self._db.executescript(SCHEMA)
        if self._db.execute("SELECT id FROM device").fetchone() is None:
            self._db.execute("INSERT INTO device VALUES (?)", (str(uuid.uuid4()),))
        (self.device_id,) = self._db.execute("SELECT id FROM device").fetchone()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def add(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Store an operation; returns its `id`, and the `person_id` of a registration. Then it is safe."""
        operation = {"id": str(uuid.uuid4()), "made_at": _now(), "kind": kind, **fields}
        if kind == "register":
            operation.setdefault("person_id", str(uuid.uuid4()))
        person_id = operation.get("person_id") or operation.get("returnee_id")
        self._db.execute(
            "INSERT INTO operation (id, person_id, body) VALUES (?, ?, ?)",
            (operation["id"], person_id, json.dumps(operation)),
        )
        return {name: operation[name] for name in ("id", "person_id") if name in operation}

    def mend(self, operation_id: str, **fields: Any) -> None:
        """Change a refused operation, and let it be sent again with those that need it. Enlace stored nothing of it."""
        row = self._db.execute(
            "SELECT body FROM operation WHERE id = ? AND state = 'refused'", (operation_id,)
        ).fetchone()
        if row is None:
            raise KeyError(f"no refused operation has the id {operation_id}")
        body = json.dumps(json.loads(row[0]) | fields)
        self._db.execute("UPDATE operation SET state = 'waiting', body = ? WHERE id = ?", (body, operation_id))

    def retry(self) -> None:
        """Let every refused operation be sent again."""
        self._db.execute("UPDATE operation SET state = 'waiting' WHERE state = 'refused'")

    def send(self) -> Counts:
        """Send until nothing is left that can be sent. Raises NoLine if the line is cut; then call it again."""
        while batch := self._next():
            body = {"device_id": self.device_id, "sent_at": _now(), "operations": batch}
            try:
                response = self._post(body)
                answer = response.json() if response.status_code == 200 else {}
            except (httpx.HTTPError, ValueError) as error:
                raise NoLine from error  # without the text of the error: it may quote what was sent
            if response.status_code == 429 or response.status_code >= 500:
                raise NoLine
            if response.status_code != 200:
                raise SystemExit(f"Enlace refused the request as a whole: {response.status_code} {_code(response)}")
            before = self.counts()
            self._keep(answer["results"])
            if self.counts() == before or any(result["outcome"] == "not_processed" for result in answer["results"]):
                raise NoLine
        return self.counts()

    def counts(self) -> Counts:
        """How many operations are in which state."""
        rows = self._db.execute("SELECT state, count(*) FROM operation GROUP BY state")
        return Counts(**dict(rows.fetchall()))

    def refused(self) -> list[dict[str, Any]]:
        """The refused operations: sequence number, id, code, and the pointers and rules; no value."""
        rows = self._db.execute("SELECT sequence, id, result FROM operation WHERE state = 'refused' ORDER BY sequence")
        return [
            {"sequence": sequence, "id": one_id, **_reason(json.loads(result))} for sequence, one_id, result in rows
        ]

    def results(self) -> dict[str, dict[str, Any]]:
        """The last result of each operation, by its id."""
        rows = self._db.execute("SELECT id, result FROM operation WHERE result IS NOT NULL ORDER BY sequence")
        return {one_id: json.loads(result) for one_id, result in rows}

    def case_code(self, person_id: str) -> str | None:
        """The case code of a person whom this device registered, once Enlace has told it."""
        row = self._db.execute("SELECT case_code FROM person WHERE id = ?", (person_id,)).fetchone()
        return None if row is None else row[0]

    def _next(self) -> list[dict[str, Any]]:
        """The next operations in their order, without those that need a refused one: these wait until it is mended."""
        rows = self._db.execute(
            "SELECT sequence, state, body FROM operation WHERE state IN ('waiting', 'refused') ORDER BY sequence"
        )
        lacking: set[str] = set()
        batch: list[dict[str, Any]] = []
        size = 0
        for sequence, state, text in rows:
            operation = json.loads(text) | {"sequence": sequence}
            if state == "refused" or _named(operation) & lacking:
                lacking |= {operation["id"], operation.get("person_id", operation["id"])}
                continue
            size += len(text)
            if batch and (len(batch) == OPERATIONS_AT_ONCE or size > BYTES_AT_ONCE):
                break
            batch.append(operation)
        return batch

    def _keep(self, results: list[dict[str, Any]]) -> None:
        """Store the results of one request together: after a crash in here the whole request is sent again."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for result in results:
                self._keep_one(result)

    def _keep_one(self, result: dict[str, Any]) -> None:
        row = self._db.execute("SELECT person_id FROM operation WHERE id = ?", (result["operation_id"],)).fetchone()
        if row is None or result["outcome"] == "not_processed" or result["status"] == 424:
            return  # it goes on waiting
        (person_id,) = row
        if result["delete_copy"]:  # the person was erased: nothing about them stays here
            self._db.execute(
                "UPDATE operation SET state = 'erased', body = NULL, result = NULL WHERE person_id = ?", (person_id,)
            )
            self._db.execute("DELETE FROM person WHERE id = ?", (person_id,))
        elif result["outcome"] in TAKEN:
            self._db.execute(
                "UPDATE operation SET state = 'taken', body = NULL, result = ? WHERE id = ?",
                (json.dumps(result), result["operation_id"]),
            )
            if person_id is not None and result["returnee_id"] is not None:
                self._db.execute(
                    "INSERT OR REPLACE INTO person VALUES (?, ?, ?)",
                    (person_id, result["returnee_id"], result["case_code"]),
                )
        else:
            self._db.execute(
                "UPDATE operation SET state = 'refused', result = ? WHERE id = ?",
                (json.dumps(result), result["operation_id"]),
            )


def _named(operation: dict[str, Any]) -> set[str]:
    """The ids by which an operation names people and things."""
    data = operation.get("data") or {}
    named = [operation.get(name) for name in NAMES]
    named += [data.get("after_need_id"), data.get("reference_returnee_id"), *data.get("member_ids", [])]
    return {one for one in named if one is not None}


def _reason(result: dict[str, Any]) -> dict[str, Any]:
    problem = result["problem"]
    faults = [f"{one['pointer']} {one['rule']}" for one in problem["errors"]]
    return {"status": result["status"], "code": problem["code"], "faults": faults}


def _code(response: httpx.Response) -> str:
    try:
        return str(response.json()["code"])
    except (ValueError, KeyError):
        return "without a reason"


def _now() -> str:
    return datetime.now(UTC).isoformat()


def over_http(url: str, token_url: str, client_id: str, secret: str) -> Callable[[dict[str, Any]], httpx.Response]:
    """Posts bodies with a token of this client; a token that has expired is replaced once."""
    http = httpx.Client(timeout=120)
    token: list[str] = []

    def post(body: dict[str, Any]) -> httpx.Response:
        for is_last in (False, True):
            if not token:
                form = {"grant_type": "client_credentials"}
                told = http.post(token_url, data=form, auth=(client_id, secret))
                told.raise_for_status()
                token.append(told.json()["access_token"])
            response = http.post(f"{url}/v1/sync", json=body, headers={"Authorization": f"Bearer {token[0]}"})
            if response.status_code != 401 or is_last:
                return response
            token.clear()
        raise AssertionError("the last round returns")

    return post


def main(arguments: list[str]) -> None:
    """The commands; see the text at the top of this file."""
    file, command, *rest = arguments
    client = OfflineClient(file, lambda body: _post_by_environment(body))
    match command, rest:
        case "add", [name]:
            print(json.dumps(client.add(**json.loads(Path(name).read_text(encoding="utf-8")))))
        case "mend", [operation_id, name]:
            client.mend(operation_id, **json.loads(Path(name).read_text(encoding="utf-8")))
        case "retry", []:
            client.retry()
        case "send", []:
            try:
                client.send()
            except NoLine:
                print("no line: nothing is lost, send again later")
        case "status", []:
            for one in client.refused():
                print(json.dumps(one))
        case _:
            raise SystemExit(__doc__)
    print(client.counts())


def _post_by_environment(body: dict[str, Any]) -> httpx.Response:
    url = os.environ["ENLACE_REGISTRATION_URL"]
    if token := os.environ.get("ENLACE_TOKEN"):  # of the person who is signed in
        return httpx.post(f"{url}/v1/sync", json=body, headers={"Authorization": f"Bearer {token}"}, timeout=120)
    names = ("ENLACE_TOKEN_URL", "ENLACE_CLIENT_ID", "ENLACE_CLIENT_SECRET")
    return over_http(url, *(os.environ[name] for name in names))(body)


if __name__ == "__main__":
    main(sys.argv[1:])
