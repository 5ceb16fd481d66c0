"""What may become of a person announced, and how a manifest is read from CSV (pure)."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from libs.chassis.errors import FieldError

ENTRIES_MAX = 1000
CELL_MAX = 200
COLUMNS = ("sender_reference", "given_names", "family_names", "birth_date", "sex", "nationality")
REQUIRED_COLUMNS = ("sender_reference", "given_names", "family_names")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would run when the manifest is exported again (domain P21)."""


class EntryStatus(StrEnum):
    """What became of a person announced."""

    EXPECTED = "expected"
    REGISTERED = "registered"
    ABSENT = "absent"


def repeated_references(references: Sequence[str]) -> list[int]:
    """Places of entries whose reference an earlier entry has."""
    seen: Counter[str] = Counter()
    places = []
    for place, reference in enumerate(references):
        if seen[reference]:
            places.append(place)
        seen[reference] += 1
    return places


@dataclass(frozen=True, slots=True)
class CsvManifest:
    """The rows of a CSV manifest: cells by column, empty cells left out, and the line each row begins at."""

    rows: list[dict[str, str]]
    lines: list[int]


class CsvError(ValueError):
    """The file is not a manifest; `errors` names rows and columns, never their contents."""

    def __init__(self, *errors: FieldError) -> None:
        super().__init__("the CSV manifest breaks a rule")
        self.errors = errors


def read_csv(body: bytes) -> CsvManifest:
    """A manifest from CSV: UTF-8 with or without a byte order mark, a header row, `,` or `;` between cells.

    Raises CsvError for what makes it no manifest at all: encoding, header, ragged rows, too many or too long, and
    cells that a spreadsheet would run as a formula. What the cells say is checked afterwards.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CsvError(FieldError("", "utf-8", "The file must be UTF-8.")) from None
    if "\x00" in text:
        raise CsvError(FieldError("", "text", "The file must be text."))
    delimiter = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = _header(next(reader, []))
        return _rows(reader, header)
    except csv.Error:
        raise CsvError(FieldError("", "csv", f"Line {reader.line_num} is not valid CSV.")) from None


def _header(cells: Sequence[str]) -> list[str]:
    header = [cell.strip().lower() for cell in cells]
    faults = [
        FieldError("", "column-missing", f"The header row lacks the column {name}.")
        for name in REQUIRED_COLUMNS
        if name not in header
    ]
    if any(name not in COLUMNS for name in header):
        faults.append(FieldError("", "column-unknown", f"The header row may have these columns: {', '.join(COLUMNS)}."))
    if len(set(header)) < len(header):
        faults.append(FieldError("", "column-repeated", "The header row names a column twice."))
    if faults:
        raise CsvError(*faults)
    return header


def _rows(reader: Any, header: Sequence[str]) -> CsvManifest:
    manifest = CsvManifest([], [])
    faults: list[FieldError] = []
    line = reader.line_num + 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            if len(manifest.rows) == ENTRIES_MAX:
                raise CsvError(FieldError("/entries", "too-long", f"A manifest has at most {ENTRIES_MAX} rows."))
            faults += _row_faults(cells, header, place=len(manifest.rows), line=line)
            manifest.rows.append({n: c.strip() for n, c in zip(header, cells, strict=False) if c.strip()})
            manifest.lines.append(line)
        line = reader.line_num + 1
    if faults:
        raise CsvError(*faults)
    return manifest


def _row_faults(cells: Sequence[str], header: Sequence[str], *, place: int, line: int) -> list[FieldError]:
    if len(cells) != len(header):
        return [FieldError(f"/entries/{place}", "cells", f"Line {line} has not as many cells as the header row.")]
    faults = []
    for name, cell in zip(header, cells, strict=True):
        if len(cell) > CELL_MAX:
            faults.append(FieldError(f"/entries/{place}/{name}", "too-long", f"Line {line}: the cell is too long."))
        elif cell.startswith(_FORMULA_STARTS) or cell.strip().startswith(_FORMULA_STARTS):
            faults.append(
                FieldError(f"/entries/{place}/{name}", "formula", f"Line {line}: the cell begins like a formula.")
            )
    return faults
