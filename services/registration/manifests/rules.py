"""The states of a manifest entry, and how a manifest is read from CSV (pure)."""

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from libs.chassis.errors import FieldError
from services.registration.people.rules import birth_date_fault, birth_date_is_possible

ENTRIES_MAX = 1000
CELL_MAX = 200
COLUMNS = ("sender_reference", "given_names", "family_names", "birth_date", "sex", "nationality")
REQUIRED_COLUMNS = ("sender_reference", "given_names", "family_names")
_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t])"?[,;\t]*(?:\r\n|\r|\n|$)', re.IGNORECASE)
"""The first line by which spreadsheets name the separator between cells."""
_CODECS: Mapping[str, str] = {
    "utf-8": "utf-8-sig",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "windows-1252": "cp1252",
    "iso-8859-1": "latin-1",
}
"""The encodings that a sender can name, with Python's names."""
_MARKS: Mapping[bytes, tuple[str, ...]] = {
    b"\xef\xbb\xbf": ("utf-8-sig",),
    b"\xff\xfe": ("utf-16", "utf-16-le"),
    b"\xfe\xff": ("utf-16", "utf-16-be"),
}
"""Byte order marks, with the codecs that they allow."""
_LINE_END = re.compile(r"\r\n|\r|\n")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""The beginnings of a cell that a spreadsheet would run as a formula if the manifest was exported again (domain
P21)."""


class EntryStatus(StrEnum):
    """The status of an announced person."""

    EXPECTED = "expected"
    REGISTERED = "registered"
    ABSENT = "absent"


class AbsenceReason(StrEnum):
    """Why an announced person did not arrive with the flight or bus."""

    NOT_ON_BOARD = "not_on_board"
    LEFT_AT_EARLIER_STOP = "left_at_earlier_stop"
    NOT_STATED = "not_stated"


def repeated_references(references: Sequence[str]) -> list[int]:
    """The positions of entries that have the same reference as an earlier entry."""
    seen: Counter[str] = Counter()
    places = []
    for place, reference in enumerate(references):
        if seen[reference]:
            places.append(place)
        seen[reference] += 1
    return places


def manifest_faults(entries: Sequence[tuple[str | None, date | None]], *, today: date) -> list[FieldError]:
    """The faults of entries, given by reference and birth date: repeated references, and birth dates of nobody."""
    named = [f"\0{place}" if reference is None else reference for place, (reference, _) in enumerate(entries)]
    faults = [
        FieldError(f"/entries/{place}/sender_reference", "unique", "An earlier entry has the same reference.")
        for place in repeated_references(named)
    ]
    return faults + [
        birth_date_fault(f"/entries/{place}")
        for place, (_, birth_date) in enumerate(entries)
        if birth_date is not None and not birth_date_is_possible(birth_date, on=today)
    ]


@dataclass(frozen=True, slots=True)
class CsvManifest:
    """The rows of a manifest: cells by column without empty cells, and the line at which each row begins."""

    rows: list[dict[str, str]]
    lines: list[int]

    def add(self, cells: Sequence[str], columns: Mapping[int, str], *, line: int) -> list[FieldError]:
        """Add a row; return its faults. Raises CsvError if there are too many rows."""
        if len(self.rows) == ENTRIES_MAX:
            raise CsvError(FieldError("/entries", "too-long", f"A manifest may have at most {ENTRIES_MAX} rows."))
        faults = row_faults(cells, columns, place=len(self.rows), line=line)
        self.rows.append({columns[n]: cell.strip() for n, cell in enumerate(cells) if n in columns and cell.strip()})
        self.lines.append(line)
        return faults


class CsvError(ValueError):
    """The file is not a manifest. `errors` names rows and columns, never their contents."""

    def __init__(self, *errors: FieldError, manifest: CsvManifest | None = None) -> None:
        super().__init__("the manifest breaks a rule")
        self.errors = errors
        self.manifest = manifest
        """All rows, if only some of them are at fault: the others are then checked too."""


def read_csv(body: bytes, *, charset: str | None = None) -> CsvManifest:
    """Read a manifest from CSV as a spreadsheet saves it: UTF-8 with or without a byte order mark, and a header row.
    Another encoding must be named by `charset`.

    Cells are separated by `,`, `;` or a tab; a first line such as `sep=;` may name the separator. Raises CsvError if
    the file cannot be read as a manifest: wrong encoding or header, rows of different lengths, too many rows, cells
    that are too long, and cells that a spreadsheet would run as a formula. The values of the cells are checked later.
    """
    text = _decoded(body, (charset or "utf-8").lower())
    if "\x00" in text:
        raise CsvError(FieldError("", "text", "The file must be text."))
    named = _SEPARATOR_LINE.match(text)
    delimiter = named[1] if named else _delimiter(_LINE_END.split(text, maxsplit=1)[0])
    text = text[named.end() :] if named else text
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines_before = 1 if named else 0
    try:
        columns = columns_of(next(reader, []))
        return _rows(reader, columns, lines_before)
    except csv.Error:
        line = reader.line_num + lines_before
        raise CsvError(FieldError("", "csv", f"Line {line} is not valid CSV.")) from None


def _decoded(body: bytes, charset: str) -> str:
    codec = _CODECS.get(charset)
    if codec is None:
        known = ", ".join(_CODECS)
        raise CsvError(FieldError("Content-Type", "charset", f"The encoding of a CSV can be one of: {known}."))
    if codec != "utf-8-sig" and any(codec not in allowed for mark, allowed in _MARKS.items() if body.startswith(mark)):
        detail = "The byte order mark at the beginning contradicts the named encoding."
        raise CsvError(FieldError("Content-Type", "charset", detail))
    try:
        return body.decode(codec).removeprefix("\ufeff")
    except UnicodeDecodeError:
        if codec != "utf-8-sig":
            raise CsvError(
                FieldError("Content-Type", "charset", "The file does not have the named encoding.")
            ) from None
    # Another encoding could only be guessed, and a wrong guess changes names.
    detail = 'The file must be UTF-8: save it as "CSV UTF-8", or name its encoding, such as charset=windows-1252.'
    raise CsvError(FieldError("", "utf-8", detail))


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def columns_of(cells: Sequence[str]) -> dict[int, str]:
    """The named columns of a header row by their positions; raises CsvError for a header that is not one of a manifest.

    Columns without a name, which spreadsheets add, must be empty in every row.
    """
    columns = {place: name for place, cell in enumerate(cells) if (name := cell.strip().lower())}
    counts = Counter(columns.values())
    faults = [
        FieldError("", "column-missing", f"The header row does not contain the column {name}.")
        for name in REQUIRED_COLUMNS
        if name not in counts
    ]
    if any(name not in COLUMNS for name in counts):
        faults.append(FieldError("", "column-unknown", f"The header row may have these columns: {', '.join(COLUMNS)}."))
    faults += [
        FieldError("", "column-repeated", f"The header row names the column {name} twice.")
        for name in COLUMNS
        if counts[name] > 1
    ]
    if faults:
        raise CsvError(*faults)
    return columns


def _rows(reader: Any, columns: Mapping[int, str], lines_before: int) -> CsvManifest:
    manifest = CsvManifest([], [])
    faults: list[FieldError] = []
    line = reader.line_num + lines_before + 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            faults += manifest.add(cells, columns, line=line)
        line = reader.line_num + lines_before + 1
    if faults:
        raise CsvError(*faults, manifest=manifest)
    return manifest


def row_faults(cells: Sequence[str], columns: Mapping[int, str], *, place: int, line: int) -> list[FieldError]:
    """What is wrong with the cells of a row, whatever their values mean."""
    if len(cells) <= max(columns):
        return [
            FieldError(
                f"/entries/{place}", "cells", f"Line {line} has a different number of cells than the header row."
            )
        ]
    faults = []
    for number, cell in enumerate(cells):
        name = columns.get(number)
        if name is None:
            if cell.strip():
                detail = f"Line {line}: cell {number + 1} stands in a column that the header row does not name."
                faults.append(FieldError(f"/entries/{place}", "column-nameless", detail))
        elif len(cell) > CELL_MAX:
            faults.append(FieldError(f"/entries/{place}/{name}", "too-long", f"Line {line}: the cell is too long."))
        elif cell.startswith(_FORMULA_STARTS) or cell.strip().startswith(_FORMULA_STARTS):
            faults.append(
                FieldError(
                    f"/entries/{place}/{name}",
                    "formula",
                    f"Line {line}: the cell begins like a formula of a spreadsheet.",
                )
            )
    return faults
