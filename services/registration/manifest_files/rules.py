"""Reads a manifest from a workbook in XLSX (pure).

A workbook is a ZIP archive of XML files, so a small one can become very large. The sizes that it states are checked
before anything is unpacked, and it is unpacked in pieces, no further than it states. `defusedxml` refuses entities.
"""

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime, time
from functools import partial
from io import BytesIO
from typing import Any, Final

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.xml import DEFUSEDXML

from libs.chassis.errors import FieldError
from services.registration.manifests.rules import ENTRIES_MAX, CsvError, CsvManifest, columns_of

if not DEFUSEDXML:
    raise ImportError("openpyxl must read XML with defusedxml")
UNPACKED_MAX: Final = 8_000_000
"""How large the files of a workbook may be together. A manifest of 1,000 people needs a twentieth of it."""
MEMBERS_MAX: Final = 200
RATIO_MAX: Final = 200
LINES_MAX: Final = 5 * ENTRIES_MAX
"""At which line reading stops, however empty the lines are."""
CELLS_MAX: Final = 60
_PIECE: Final = 65_536
_WHOLE_MAX: Final = 10**15
"""From here on a spreadsheet has lost the last digits of a number."""
_BROKEN = (
    zipfile.BadZipFile, zlib.error, SyntaxError, InvalidFileException, KeyError, ValueError, TypeError, AttributeError,
    IndexError, OverflowError, EOFError, NotImplementedError, RuntimeError, OSError,
)  # fmt: skip
"""What zipfile, the XML parser (a SyntaxError) and openpyxl raise for files that are no workbooks."""


def read_xlsx(body: bytes) -> CsvManifest:
    """Read a manifest from the only filled sheet of a workbook, with the same columns as in CSV.

    Raises CsvError for a file that is no workbook or would become too large, for a second filled sheet, merged cells,
    formulas, errors, and values that a spreadsheet has changed, such as a reference that became a date.
    """
    try:
        with zipfile.ZipFile(BytesIO(body)) as archive:
            _require_small(archive)
            file = _unpacked(archive)
        return _manifest(file)
    except CsvError:
        raise
    except _BROKEN:
        raise CsvError(FieldError("", "xlsx", "The file is not a workbook in XLSX that can be read.")) from None


def _require_small(archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    unpacked = sum(one.file_size for one in members)
    packed = sum(one.compress_size for one in members)
    if unpacked > UNPACKED_MAX:
        raise CsvError(FieldError("", "unpacked-size", f"The workbook may have {UNPACKED_MAX} bytes when unpacked."))
    if unpacked > RATIO_MAX * max(packed, 1):
        raise CsvError(FieldError("", "unpacked-ratio", f"The workbook may unpack to {RATIO_MAX} times its size."))
    if len(members) > MEMBERS_MAX:
        raise CsvError(FieldError("", "unpacked-members", f"The workbook may have {MEMBERS_MAX} parts."))


def _unpacked(archive: zipfile.ZipFile) -> BytesIO:
    """The XML files of the archive in an archive that is not packed, which openpyxl can read safely.

    If openpyxl read the packed one, `zipfile` would unpack a member as a whole, however small its stated size is. In
    pieces, it unpacks no more than the next piece, and stops at the stated size.
    """
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as copy:
        for one in archive.infolist():
            if one.filename.endswith((".xml", ".rels")):
                with archive.open(one, mode="r") as member:
                    content = b"".join(iter(partial(member.read, _PIECE), b""))
                copy.writestr(one.filename, content)
                _require_not_merged(one.filename, content)
    return file


def _require_not_merged(name: str, content: bytes) -> None:
    """Of merged cells only the first has a value, so the rows of the others would lack it."""
    if name.startswith("xl/worksheets/") and b"mergeCell " in content:
        detail = "The workbook has merged cells: separate them, and fill in every row."
        raise CsvError(FieldError("", "merged-cells", detail))


def _manifest(file: BytesIO) -> CsvManifest:
    book = load_workbook(file, read_only=True, keep_links=False, keep_vba=False)
    try:
        filled = [rows for sheet in book.worksheets if (rows := _first_and_rest(_lines(sheet))) is not None]
        if len(filled) != 1:
            detail = "Exactly one sheet of the workbook must have content."
            raise CsvError(FieldError("", "one-sheet", detail))
        header, lines = filled[0]
        return _rows(header, lines)
    finally:
        book.close()


def _lines(sheet: Any) -> Iterator[tuple[int, Sequence[Any]]]:
    """Lines with content, by their numbers."""
    sheet.reset_dimensions()  # what the file says about its size need not be true
    for line, cells in enumerate(sheet.iter_rows(max_col=CELLS_MAX), start=1):
        if line > LINES_MAX:
            raise CsvError(FieldError("/entries", "too-long", f"A sheet may have {LINES_MAX} lines."))
        if any(cell.value not in (None, "") for cell in cells):
            yield line, cells


def _first_and_rest(
    lines: Iterator[tuple[int, Sequence[Any]]],
) -> tuple[Sequence[Any], Iterator[tuple[int, Sequence[Any]]]] | None:
    first = next(lines, None)
    return None if first is None else (first[1], lines)


def _rows(header: Sequence[Any], lines: Iterator[tuple[int, Sequence[Any]]]) -> CsvManifest:
    columns = columns_of([cell.value if isinstance(cell.value, str) else "" for cell in header])
    manifest = CsvManifest([], [])
    faults: list[FieldError] = []
    for line, cells in lines:
        place, texts = len(manifest.rows), []
        for number, cell in enumerate(cells):
            name = columns.get(number, "")
            text, fault = _text(cell, column=name)
            texts.append(text)
            if fault is not None:
                pointer = f"/entries/{place}/{name}" if name else f"/entries/{place}"
                faults.append(FieldError(pointer, fault[0], f"Line {line}: {fault[1]}"))
        faults += manifest.add(texts, columns, line=line)
    if faults:
        raise CsvError(*faults, manifest=manifest)
    return manifest


def _text(cell: Any, *, column: str) -> tuple[str, tuple[str, str] | None]:
    """The value of a cell as text, and the rule and reason if it cannot be taken as it is."""
    value, kind = cell.value, getattr(cell, "data_type", "n")
    if value is None:
        return "", None
    if kind == "f":
        return "", ("formula", "the cell has a formula: replace it by its value.")
    if kind == "e":
        return "", ("cell-error", "the cell has an error of the spreadsheet.")
    if isinstance(value, str):
        return value, None
    if isinstance(value, datetime) and column == "birth_date" and value.time() == time.min:
        return value.date().isoformat(), None
    if column == "sender_reference" and _is_whole(value):
        return str(int(value)), None
    if column == "birth_date":
        return "", ("day", "a date is text such as 1990-05-17, or a cell that is formatted as a date.")
    return "", ("text-cell", "the cell must be formatted as text: the spreadsheet has changed the value.")


def _is_whole(value: Any) -> bool:
    """Whether this is a whole number of which the spreadsheet still has every digit."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and abs(value) < _WHOLE_MAX and value == int(value)
