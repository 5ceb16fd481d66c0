"""An announcement from a body: JSON, or a CSV or XLSX manifest whose batch is described in the query."""

import asyncio
import json
from collections.abc import Callable, Sequence, Set
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from email.message import Message
from functools import partial
from typing import Any, Final

from pydantic import ValidationError

from libs.chassis.errors import FieldError, InvalidInput
from libs.chassis.validation import field_errors
from libs.events.catalogue.arrivals import ArrivalBatchAnnounced
from services.registration.errors import MediaTypeUnknown
from services.registration.manifest_files.rules import read_xlsx
from services.registration.manifests.rules import CsvError, CsvManifest, manifest_faults, read_csv

_NOTHING_STORED: Final = "The body breaks a rule; nothing was stored."
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_CSV_EXAMPLE = (
    "sender_reference;given_names;family_names;birth_date;sex;nationality\n"
    "seat-1A;Sample Given;Sample Family;1990-05-17;female;GT\n"
)
_JSON_EXAMPLE = {
    "sender_reference": "2026-03-02-flight-1",
    "mode": "flight",
    "reception_place": "GT01",
    "expected_at": "2026-03-02T19:00:00Z",
    "entries": [{"sender_reference": "seat-1A", "given_names": "Sample Given", "family_names": "Sample Family"}],
}


@dataclass(frozen=True, slots=True)
class CsvParameters:
    """The fields of a batch that a CSV manifest cannot contain; they are in the query."""

    sender_reference: str | None
    mode: str | None
    carrier: str | None
    origin: str | None
    reception_place: str | None
    expected_at: datetime | None

    def given(self) -> dict[str, object]:
        """Those that were sent."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def announcement_from_json(body: bytes) -> ArrivalBatchAnnounced:
    """A batch from a JSON body; raises InvalidInput that names each field at fault."""
    try:
        return ArrivalBatchAnnounced.model_validate_json(body)
    except ValidationError as error:
        raise InvalidInput(_NOTHING_STORED, errors=_faults(error, _parsed(body))) from None


async def announced(content_type: str, body: bytes, parameters: CsvParameters, *, today: date) -> ArrivalBatchAnnounced:
    """A batch from a body of this type. Raises MediaTypeUnknown, or InvalidInput that names each field at fault."""
    kind, _, rest = content_type.partition(";")
    kind = kind.strip().lower()
    if kind == "application/json":
        return announcement_from_json(body)
    if kind == "text/csv":
        charset = parameters_of(rest).get("charset")
        return _from_file(partial(read_csv, body, charset=charset), parameters, today)
    if kind == XLSX:
        # A workbook takes longer to read, so it is read in a thread, and other requests do not wait for it.
        return await asyncio.to_thread(_from_file, partial(read_xlsx, body), parameters, today)
    raise MediaTypeUnknown


def parameters_of(text: str) -> dict[str, str]:
    """The parameters of a content type."""
    message = Message()
    message["content-type"] = f"text/plain;{text}"
    return {name.lower(): value for name, value in message.get_params(failobj=[])[1:]}


def _from_file(read: Callable[[], CsvManifest], parameters: CsvParameters, today: date) -> ArrivalBatchAnnounced:
    """A batch from the rows of a file and its parameters; raises InvalidInput that names each row and field.

    All rules are applied to all rows, so that a sender who corrects what is named need not send the file many times.
    """
    try:
        manifest, faults = read(), []
    except CsvError as error:
        if error.manifest is None:
            raise InvalidInput(_NOTHING_STORED, errors=error.errors) from None
        manifest, faults = error.manifest, list(error.errors)
    told = {**parameters.given(), "entries": manifest.rows}
    found: list[FieldError] = []
    announcement = None
    try:
        announcement = ArrivalBatchAnnounced.model_validate(told)
    except ValidationError as error:
        found = _faults(error, told, lines=manifest.lines, parameters=True)
    entries = [(row.get("sender_reference"), _day(row.get("birth_date"))) for row in manifest.rows]
    found += [_at_line(fault, manifest.lines) for fault in manifest_faults(entries, today=today)]
    faults = [*faults, *_not_named(found, {fault.pointer for fault in faults})]
    if announcement is None or faults:
        rows = refused_rows(faults, manifest.lines)
        raise InvalidInput(_NOTHING_STORED, errors=faults, rows_count=len(manifest.rows), refused_rows=rows)
    return announcement


def refused_rows(faults: Sequence[FieldError], lines: Sequence[int]) -> list[dict[str, str | int]]:
    """Line, field and rule of every fault of a row. A refusal lists the first 50 faults only, with their reasons."""
    found: list[dict[str, str | int]] = []
    for fault in faults:
        _, _, path = fault.pointer.partition("/entries/")
        place, _, name = path.partition("/")
        if place.isdecimal():
            found.append({"line": lines[int(place)], "field": name, "rule": fault.rule})
    return sorted(found, key=lambda one: one["line"])


def _not_named(found: Sequence[FieldError], named: Set[str]) -> list[FieldError]:
    """The faults whose field or row has no fault yet."""
    return [fault for fault in found if not {fault.pointer, fault.pointer.rpartition("/")[0]} & named]


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        return None  # the form of the date is checked with the other fields


def _at_line(fault: FieldError, lines: Sequence[int]) -> FieldError:
    line = lines[int(fault.pointer.split("/")[2])]
    return replace(fault, detail=f"Line {line}: {fault.detail}")


def announcement_schema() -> dict[str, Any]:
    """The JSON Schema of an announcement without references. The route parses its body itself, so FastAPI adds no
    component for it."""
    schema = ArrivalBatchAnnounced.model_json_schema()
    parts: dict[str, Any] = schema.pop("$defs")

    def whole(part: Any) -> Any:
        if isinstance(part, list):
            return [whole(item) for item in part]
        if not isinstance(part, dict):
            return part
        rest = {name: whole(value) for name, value in part.items() if name != "$ref"}
        return {**whole(parts[part["$ref"].rpartition("/")[2]]), **rest} if "$ref" in part else rest

    inlined: dict[str, Any] = whole(schema)
    return inlined


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _faults(
    error: ValidationError, told: Any, *, lines: Sequence[int] = (), parameters: bool = False
) -> list[FieldError]:
    """The errors of pydantic without the values; for a file with the line in it, and with parameters by their names."""
    findings: list[dict[str, Any]] = [
        {**finding, "loc": ("body", *finding["loc"])}
        for finding in error.errors(include_url=False, include_context=False)
    ]
    faults = []
    for finding, fault in zip(findings, field_errors(findings, told), strict=True):
        path = finding["loc"][1:]
        if lines and len(path) > 1 and path[0] == "entries" and isinstance(path[1], int):
            fault = _at_line(fault, lines)
        elif parameters and len(path) == 1:
            fault = replace(fault, pointer=str(path[0]))
        faults.append(fault)
    return faults


ANNOUNCEMENT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": announcement_schema(),
                "example": _JSON_EXAMPLE,
            },
            "text/csv": {"schema": {"type": "string"}, "example": _CSV_EXAMPLE},
            XLSX: {"schema": {"type": "string", "format": "binary"}, "example": "(a workbook with the same columns)"},
        },
    }
}
