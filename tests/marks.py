"""Marked values: which texts of an API were sent with a mark, and where a mark is written.

A mark is looked for in each form in which a program may write it: in clear, as hexadecimal, in base64, and for dates
and telephone numbers also in their usual notations.
"""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from uuid import uuid4
from zipfile import ZipFile

import asyncpg
import httpx
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from libs.chassis.logs import JsonLines, get_logger
from libs.chassis.spans import DiscreetExporter, as_record
from tests.personal_texts import marked, texts_of_requests

MARK = "Zzkanari"
BIRTH_DATE = "1931-07-23"
PHONE = "+50255519731"
LOOKED = "canary.looked"
_ALONE = r"(?<![0-9a-fA-F]){}(?![0-9a-fA-F])"
_OF_DATES = (
    r"1931[-/. ]0?7[-/. ]23",
    r"(?<![0-9])23[-/. ]0?7[-/. ](19)?31(?![0-9])",
    r"1931, 7, 23",
    _ALONE.replace("{}", "19310723"),
)
_OF_NUMBERS = (r"502[- ]?5551[- ]?9731", _ALONE.replace("{}", r"5551[- ]?9731"))


def encodings(text: str) -> set[str]:
    """The text in hexadecimal, and what stands in base64 wherever the text begins in what is encoded."""
    found = {text.encode().hex()}
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + text.encode()).decode()
        found.add(encoded[(0, 2, 3)[before] : len(encoded) // 4 * 4 - 4])
    return found


def forms_of(*marks: str) -> str:
    """A regular expression, of Python and of PostgreSQL, for these texts in all their forms."""
    plain = {re.escape(mark) for mark in marks}
    coded = {re.escape(one) for mark in marks for word in (mark, mark.lower()) for one in encodings(word)}
    return "|".join(sorted(plain | coded, key=len))


TELLING = "|".join((forms_of(MARK, BIRTH_DATE, PHONE), *_OF_DATES, *_OF_NUMBERS))
"""What tells of a marked person."""
_TELLING = re.compile(TELLING, re.IGNORECASE)


def mark() -> str:
    """A marked text that no other is equal to."""
    return f"{MARK}-{uuid4().hex[:8]}"


def tells(text: str) -> bool:
    """Whether a mark is in this text, in any form."""
    return _TELLING.search(text) is not None


def _unpacked(content: bytes) -> bytes:
    """The files of an archive, such as those of a spreadsheet; else the content itself."""
    if not content.startswith(b"PK"):
        return content
    with ZipFile(BytesIO(content)) as archive:
        return b"".join(archive.read(name) for name in archive.namelist())


class Marks:
    """Which texts were sent with a mark, in requests that were taken and in others; and what refusals said."""

    def __init__(self, document: dict[str, Any], *, sent: str = MARK) -> None:
        self.document, self.sent = document, sent
        self.paths = {
            path: re.compile(re.sub(r"{\w+}", "[^/]+", path))
            for path in sorted(document["paths"], key=lambda one: one.count("{"))
        }
        self.taken: set[str] = set()
        self.refused: set[str] = set()
        self.problems: list[str] = []

    async def look(self, response: httpx.Response) -> None:
        """Note one request and its answer; a hook of the client."""
        await response.aread()
        (self.taken if response.is_success else self.refused).update(self.fields(response.request))
        if response.is_error:
            self.problems.append(response.text + str(response.headers))

    def fields(self, request: httpx.Request) -> list[str]:
        """The texts that hold a mark."""
        path = next((path for path, form in self.paths.items() if form.fullmatch(request.url.path)), request.url.path)
        found = [f"query:{name}" for name, value in request.url.params.items() if self.sent in value]
        media = request.headers.get("content-type", "").partition(";")[0]
        if media == "application/json":
            found += marked(json.loads(request.content or b"null"), mark=self.sent)
        elif self.sent.encode() in _unpacked(request.content):
            found.append(media)
        return [f"{request.method} {path} {one}" for one in found]

    def there(self, name: str = "") -> set[str]:
        """All texts of the document, or those of this name. Headers hold tokens, versions and the random keys of
        requests."""
        found = texts_of_requests(self.document, mark=mark() if self.sent == MARK else self.sent)
        return {one for one in found if " header:" not in one and one.endswith(name)}

    def missing(self, only_refused: Collection[str] = ()) -> dict[str, list[str]]:
        """Texts that were not sent with a mark; nothing if each was in a request that was taken. Filters of lists, and
        texts that no marked value fulfils, may have been refused."""
        there, refusable = self.there(), {*only_refused}
        filters = {one for one in there if " query:" in one}
        found = {
            "in no request that was taken": there - filters - refusable - self.taken,
            "in no request": there & (filters | refusable) - self.taken - self.refused,
            "not there any more": refusable - there,
        }
        return {what: sorted(texts) for what, texts in found.items() if texts}

    async def ask_with_marks(self, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        """Send each list and each count of the document with a mark in each of its filters."""
        for one in sorted(self.there()):
            if asked := re.fullmatch(r"GET (\S+) query:(\w+)", one):
                path, name = asked.groups()
                answer = await client.get(re.sub(r"{\w+}", str(uuid4()), path), params={name: mark()}, headers=headers)
                assert answer.status_code < 500, (one, answer.text)


@dataclass
class Watch:
    """What this process writes beside its answers, since the beginning of a test."""

    caplog: Any
    capfd: Any
    spans: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    metrics: InMemoryMetricReader = field(default_factory=InMemoryMetricReader)

    def written(self) -> dict[str, list[str]]:
        """Lines of logs, what was printed, spans and metrics, each as a service exports them. May be read once."""
        get_logger("tests.marks").warning(LOOKED)
        print(LOOKED)
        data = self.metrics.get_metrics_data()
        formatter = JsonLines("canary")
        return {
            "logs": [formatter.format(one) for one in self.caplog.records if _is_of_a_service(one)],
            "output": "".join(self.capfd.readouterr()).splitlines(),
            "spans": [json.dumps(as_record(one), default=str) for one in self.spans.get_finished_spans()],
            "metrics": [] if data is None else data.to_json(indent=1).splitlines(),
        }

    def telling(self) -> dict[str, list[str]]:
        """The lines that tell of a marked person, by place. Each place must have been looked through at all."""
        written = self.written()
        for place, sign in (("logs", LOOKED), ("output", LOOKED), ("spans", "http.route"), ("metrics", "http.route")):
            assert any(sign in line for line in written[place]), f"{place} are looked through at all"
        return {place: found for place, lines in written.items() if (found := [one for one in lines if tells(one)])}

    async def leaks(self, marks: Marks, url: str, allowed: Collection[str]) -> dict[str, list[str]]:
        """Where a mark is and must not be: in what the process wrote, in refusals, in columns of the database.

        The allowed columns must hold one, so that the list of them stays right.
        """
        assert len(marks.problems) > 5, "refusals are looked through at all"
        columns = await columns_that_tell(url)
        found = self.telling() | {
            "problems": [one for one in marks.problems if tells(one)],
            "columns": sorted(columns - {*allowed}),
            "allowed columns without a mark": sorted({*allowed} - columns),
        }
        return {place: lines for place, lines in found.items() if lines}


def _is_of_a_service(record: logging.LogRecord) -> bool:
    """Neither of the client of a test, nor one that does not reach the handler of a service, which is at the root.
    Pytest also catches those of loggers that do not propagate, such as uvicorn's list of requests."""
    logger: logging.Logger | None = logging.getLogger(record.name)
    while logger is not None and logger.parent is not None:
        if not logger.propagate:
            return False
        logger = logger.parent
    return not record.name.startswith(("asyncio", "httpcore", "httpx"))


@contextmanager
def watching(caplog: Any, capfd: Any) -> Iterator[Watch]:
    """Watch the process. The application has been made before: the first one makes the providers of telemetry."""
    caplog.set_level("DEBUG")
    watch = Watch(caplog, capfd)
    tracers, meters = trace.get_tracer_provider(), metrics.get_meter_provider()
    assert isinstance(tracers, TracerProvider)
    assert isinstance(meters, MeterProvider)
    tracers.add_span_processor(SimpleSpanProcessor(DiscreetExporter(watch.spans)))
    meters.add_metric_reader(watch.metrics)
    try:
        yield watch
    finally:
        meters.remove_metric_reader(watch.metrics)
        watch.spans.shutdown()


async def columns_that_tell(url: str, telling: str = TELLING) -> set[str]:
    """Columns of any type, of all tables, in which a value tells: `note.text`. Outbox and archive are among them."""
    connection = await asyncpg.connect(url)
    try:
        names = await connection.fetch(
            "SELECT c.relname AS of, array_agg(a.attname::text) AS columns FROM pg_class c"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
            " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY 1"
        )
        found = set()
        for table in names:
            tests = ", ".join(f'bool_or("{one}"::text ~* $1)' for one in table["columns"])
            row = await connection.fetchrow(f'SELECT {tests} FROM "{table["of"]}"', telling)
            found |= {f"{table['of']}.{name}" for name, told in zip(table["columns"], row or (), strict=True) if told}
    finally:
        await connection.close()
    return found
