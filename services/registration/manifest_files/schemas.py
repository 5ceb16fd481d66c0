"""An announcement from a body: JSON, or a CSV or XLSX manifest whose batch is described in the query."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from email.message import Message
from functools import partial
from typing import Any, Final

from pydantic import ValidationError

from libs.chassis.errors import InvalidInput
from libs.chassis.validation import field_errors
from libs.events.catalogue.arrivals import ArrivalBatchAnnounced
from services.registration.errors import MediaTypeUnknown
from services.registration.manifest_files.rules import read_xlsx
from services.registration.manifests.rules import CsvError, CsvManifest, read_csv

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
        raise _invalid(error, _parsed(body)) from None


async def announced(content_type: str, body: bytes, parameters: CsvParameters) -> ArrivalBatchAnnounced:
    """A batch from a body of this type. Raises MediaTypeUnknown, or InvalidInput that names each field at fault."""
    kind, _, rest = content_type.partition(";")
    kind = kind.strip().lower()
    if kind == "application/json":
        return announcement_from_json(body)
    if kind == "text/csv":
        charset = parameters_of(rest).get("charset")
        return _from_file(partial(read_csv, body, charset=charset), parameters)
    if kind == XLSX:
        # A workbook takes longer to read, so it is read in a thread, and other requests do not wait for it.
        return await asyncio.to_thread(_from_file, partial(read_xlsx, body), parameters)
    raise MediaTypeUnknown


def parameters_of(text: str) -> dict[str, str]:
    """The parameters of a content type."""
    message = Message()
    message["content-type"] = f"text/plain;{text}"
    return {name.lower(): value for name, value in message.get_params(failobj=[])[1:]}


def _from_file(read: Callable[[], CsvManifest], parameters: CsvParameters) -> ArrivalBatchAnnounced:
    """A batch from the rows of a file and its parameters; raises InvalidInput that names each row and field."""
    try:
        manifest = read()
    except CsvError as error:
        raise InvalidInput("The manifest breaks a rule; nothing was stored.", errors=error.errors) from None
    told = {**parameters.given(), "entries": manifest.rows}
    try:
        return ArrivalBatchAnnounced.model_validate(told)
    except ValidationError as error:
        raise _invalid(error, told, lines=manifest.lines, parameters=True) from None


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


def _invalid(error: ValidationError, told: Any, *, lines: Sequence[int] = (), parameters: bool = False) -> InvalidInput:
    """The errors of pydantic without the values; for CSV with the line in the file, and with parameters by their
    names."""
    findings: list[dict[str, Any]] = [
        {**finding, "loc": ("body", *finding["loc"])}
        for finding in error.errors(include_url=False, include_context=False)
    ]
    faults = []
    for finding, fault in zip(findings, field_errors(findings, told), strict=True):
        path = finding["loc"][1:]
        if lines and len(path) > 1 and path[0] == "entries" and isinstance(path[1], int):
            fault = replace(fault, detail=f"Line {lines[path[1]]}: {fault.detail}")
        elif parameters and len(path) == 1:
            fault = replace(fault, pointer=str(path[0]))
        faults.append(fault)
    return InvalidInput("The body breaks a rule; nothing was stored.", errors=faults)


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
