"""How a CSV file of people is read, in any of the usual forms, and how its pairs are written (pure)."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from libs.wire.names import comparable
from services.registration.file_matching.dates import Born, DateReader
from services.registration.linkage.records import Record

CELL_MAX = 200
"""More of a cell is not compared."""
_ALIASES: Mapping[str, str] = {
    alias: column
    for column, aliases in {
        "id": "id rec_id record_id",
        "given_names": "given_name given_names first_name first_names forename nombre nombres",
        "family_names": "surname surnames family_name family_names last_name last_names apellido apellidos",
        "born": "date_of_birth birth_date dob birthdate fecha_nacimiento fecha_de_nacimiento",
        "sex": "sex gender sexo",
        "document_number": "document_number dpi cui documento",
        "phone": "phone phone_number telephone telefono",
        "municipality": "municipality municipio",
        "street_number": "street_number",
        "address_1": "address_1 address1",
        "address_2": "address_2 address2",
        "suburb": "suburb",
        "postcode": "postcode post_code postal_code",
        "state": "state",
    }.items()
    for alias in aliases.split()
}
_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t|])"?[,;\t|]*(?:\r\n|\r|\n|$)', re.IGNORECASE)
_LINE_END = re.compile(r"\r\n|\r|\n")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class UnreadableFileError(ValueError):
    """The file cannot be read as people. The message names lines and columns, never a value."""


@dataclass(frozen=True, slots=True)
class PeopleFile:
    """The rows of a file, in their order."""

    ids: list[str]
    records: list[Record]
    other_lengths: int
    """How many rows have more or fewer cells than the header row."""

    @property
    def repeated_ids(self) -> int:
        """How many ids stand in more than one row."""
        return sum(1 for count in Counter(self.ids).values() if count > 1)


def read_people(body: bytes) -> PeopleFile:
    """Read a file. Raises UnreadableFileError."""
    text = _text(body)
    named = _SEPARATOR_LINE.match(text)
    lines_before = 1 if named else 0
    text = text[named.end() :] if named else text
    header = _LINE_END.split(text.lstrip("\r\n"), maxsplit=1)[0]
    if not header.strip():
        raise UnreadableFileError("The file is empty: it has no header row.")
    delimiter = named[1] if named else max(",;\t|", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        columns = _columns(next(row for row in reader if any(cell.strip() for cell in row)))
        return _people(_rows(reader, columns, lines_before), columns)
    except csv.Error:
        line = reader.line_num + lines_before
        raise UnreadableFileError(f"Line {line} is not valid CSV.") from None


def _text(body: bytes) -> str:
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "cp1252", "latin-1")
    for encoding in encodings:
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text
    raise UnreadableFileError("The file is not text: save it as CSV in UTF-8.")


def _columns(cells: Sequence[str]) -> dict[int, str]:
    names = {place: re.sub(r"[\s.\-]+", "_", comparable(cell).strip('"')) for place, cell in enumerate(cells)}
    columns = {place: _ALIASES[name] for place, name in names.items() if name in _ALIASES}
    twice = sorted(name for name, count in Counter(columns.values()).items() if count > 1)
    if twice:
        raise UnreadableFileError(f"The header row names these columns more than once: {', '.join(twice)}.")
    if not set(columns.values()) - {"id"}:
        known = "given_name, surname, street_number, address_1, address_2, suburb, postcode, state, date_of_birth"
        raise UnreadableFileError(f"The header row names no column that is compared. Known are {known}, phone, sex.")
    return columns


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    cells: dict[str, str]
    is_of_other_length: bool


def _rows(reader: Iterable[list[str]], columns: Mapping[int, str], lines_before: int) -> Iterator[_Row]:
    line = reader.line_num + lines_before + 1  # type: ignore[attr-defined]
    width = max(columns) + 1
    for row in reader:
        if any(cell.strip() for cell in row):
            cells = {name: row[place].strip()[:CELL_MAX] for place, name in columns.items() if place < len(row)}
            yield _Row(line, {name: cell for name, cell in cells.items() if cell}, len(row) < width)
        line = reader.line_num + lines_before + 1  # type: ignore[attr-defined]


def _people(rows: Iterable[_Row], columns: Mapping[int, str]) -> PeopleFile:
    read = list(rows)
    dates = DateReader(row.cells.get("born", "") for row in read)
    records = [_record(row.cells, dates.read(row.cells.get("born", ""))) for row in read]
    ids = [row.cells.get("id") or str(row.line) for row in read]
    return PeopleFile(ids, records, sum(row.is_of_other_length for row in read))


def _record(cells: Mapping[str, str], born: Born) -> Record:
    told = {name: cell for name, cell in cells.items() if name not in ("id", "born")}
    return Record(**told, birth_date=born.day, birth_year=born.year, birth_text=born.text)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records that may be of one person."""

    id_a: str
    id_b: str
    score: float
    band: str


def written(pairs: Iterable[Pair]) -> str:
    """The pairs as CSV. An id that a spreadsheet would run as a formula begins with an apostrophe."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("id_a", "id_b", "score", "band"))
    for pair in pairs:
        writer.writerow((safe_cell(pair.id_a), safe_cell(pair.id_b), f"{pair.score:.6f}", pair.band))
    return out.getvalue()


def safe_cell(cell: str) -> str:
    """The cell with an apostrophe before it if a spreadsheet would run it as a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
