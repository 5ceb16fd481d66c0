"""Manifests in CSV, as spreadsheets of any country write them, and as nobody should."""

import csv
import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registration.manifests.rules import COLUMNS, CsvError, read_csv, repeated_references

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r\n"), max_size=40).filter(
    lambda text: text == text.strip() and not text.startswith(("=", "+", "-", "@"))
)
ROWS = st.lists(st.tuples(*[CELLS] * len(COLUMNS)).filter(any), max_size=20)


@given(ROWS, st.sampled_from(",;\t"), st.booleans(), st.sampled_from(["\n", "\r\n"]))
def test_what_was_written_is_read_whatever_the_delimiter_the_mark_and_the_line_ends(rows, delimiter, marked, line_end):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end)
    writer.writerows([COLUMNS, *rows])
    body = text.getvalue().encode("utf-8-sig" if marked else "utf-8")
    read = read_csv(body)
    assert read.rows == [{name: cell for name, cell in zip(COLUMNS, row, strict=True) if cell} for row in rows]
    assert read.lines == list(range(2, len(rows) + 2))


def faults_of(body):
    """What is wrong with the file; nothing but CsvError may come of it."""
    try:
        read_csv(body)
    except CsvError as fault:
        return fault.errors
    return None


@given(st.binary(max_size=300))
def test_no_bytes_make_it_break(body):
    assert faults_of(body) is None or faults_of(body)


@given(st.text(st.characters(codec="utf-8"), max_size=300))
def test_no_text_after_a_header_makes_it_break(text):
    body = f"{','.join(COLUMNS)}\n{text}".encode()
    assert faults_of(body) is None or faults_of(body)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", '"\t=1"'])
def test_a_cell_that_a_spreadsheet_would_run_is_refused_and_not_repeated(cell):
    with pytest.raises(CsvError) as fault:
        read_csv(f"{','.join(COLUMNS)}\n1,{cell},Muestra,,,\n".encode())
    (error,) = fault.value.errors
    assert (error.pointer, error.rule) == ("/entries/0/given_names", "formula")
    assert cell.strip('" \t') not in error.detail


def test_a_row_is_named_by_the_line_on_which_it_begins():
    body = f'{",".join(COLUMNS)}\n1,"Ana\nMaría",Muestra,,,\n2,=1,Muestra,,,\n'
    with pytest.raises(CsvError) as fault:
        read_csv(body.encode())
    assert [(error.pointer, error.detail[:7]) for error in fault.value.errors] == [
        ("/entries/1/given_names", "Line 4:")
    ]


ONE = [{"sender_reference": "1", "given_names": "Ana", "family_names": "Muestra"}]


@pytest.mark.parametrize(
    "text",
    [
        "sender_reference,given_names,family_names,,,\n1,Ana,Muestra,,,\n",
        "sender_reference;given_names;family_names;;\n1;Ana;Muestra\n",
        "sender_reference,given_names,family_names\n1,Ana,Muestra,,,,\n",
        "sender_reference,,given_names,family_names\n1, ,Ana,Muestra\n",
        "sep=;\nsender_reference;given_names;family_names\n1;Ana;Muestra\n",
        "sep=,\r\nsender_reference,given_names,family_names\r\n1,Ana,Muestra\r\n",
        '"sep=;";;\nsender_reference;given_names;family_names\n1;Ana;Muestra\n',
        "SEP=\t\nsender_reference\tgiven_names\tfamily_names\n1\tAna\tMuestra\n",
        "sep=;\nsender_reference;given_names;family_names\n1;Ana;Muestra\n;;\n ; ;\u00a0\n\n",
        "Sender_Reference ,GIVEN_NAMES,family_names\r1,Ana,Muestra\r",
    ],
)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_what_a_spreadsheet_adds_of_itself_is_left_out(text, mark):
    assert read_csv((mark + text).encode()).rows == ONE


@pytest.mark.parametrize(
    ("text", "pointer", "rule", "detail"),
    [
        ("a,given_names,family_names\n", "", "column-missing", "sender_reference"),
        ("sender_reference,given_names,given_names,family_names\n", "", "column-repeated", "given_names"),
        (
            "sep=;\nsender_reference;given_names;family_names;;\n1;Ana;M;;x\n",
            "/entries/0",
            "column-nameless",
            "Line 3: cell 5",
        ),
        (
            "sender_reference,given_names,family_names\n1,Ana,M\n2,Eva,M,,x\n",
            "/entries/1",
            "column-nameless",
            "Line 3: cell 5",
        ),
        ("sep=;\nsender_reference;given_names;family_names\n1;Ana\n", "/entries/0", "cells", "Line 3"),
        ('sep=;\nsender_reference;given_names;family_names\n1;"Ana', "", "csv", "Line 3"),
    ],
)
def test_what_a_file_cannot_mean_is_refused_with_its_place(text, pointer, rule, detail):
    faults = {(error.pointer, error.rule): error.detail for error in faults_of(text.encode())}
    assert detail in faults[pointer, rule]
    assert not any("Ana" in told or "Eva" in told for told in faults.values())


def test_lines_are_counted_from_the_line_that_names_the_separator():
    assert read_csv(b"sep=;\nsender_reference;given_names;family_names\n1;Ana;Muestra\n").lines == [3]


@pytest.mark.parametrize("encoding", ["windows-1252", "utf-16", "cp850"])
def test_an_older_encoding_is_refused_and_never_guessed(encoding):
    faults = faults_of("sender_reference,given_names,family_names\n1,José,Núñez\n".encode(encoding))
    assert {error.rule for error in faults} <= {"utf-8", "text"}


@given(st.lists(st.sampled_from("abcd")))
def test_only_the_first_of_equal_references_stands(references):
    kept = [one for place, one in enumerate(references) if place not in set(repeated_references(references))]
    assert kept == list(dict.fromkeys(references))


NAMED = "sender_reference,given_names,family_names\n1,José,Núñez\n"


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [
        ("utf-8", "utf-8-sig"),
        ("UTF-16", "utf-16"),
        ("utf-16le", "utf-16-le"),
        ("utf-16be", "utf-16-be"),
        ("windows-1252", "cp1252"),
        ("iso-8859-1", "latin-1"),
    ],
)
def test_an_older_encoding_is_read_when_its_sender_names_it(charset, encoding):
    assert read_csv(NAMED.encode(encoding), charset=charset).rows[0]["given_names"] == "José"


@pytest.mark.parametrize(
    ("charset", "body"),
    [
        ("cp037", NAMED.encode("cp037")),
        ("windows-1252", NAMED.encode("utf-8-sig")),
        ("utf-16be", NAMED.encode("utf-16")),
        ("utf-16", NAMED.encode("utf-16")[:-1]),
        ("windows-1252", NAMED.encode() + b"\x81"),
    ],
)
def test_an_encoding_that_is_unknown_or_does_not_fit_is_refused(charset, body):
    with pytest.raises(CsvError) as fault:
        read_csv(body, charset=charset)
    assert [(error.pointer, error.rule) for error in fault.value.errors] == [("Content-Type", "charset")]


def test_a_hundred_thousand_rows_are_refused_with_the_limit_and_read_no_further():
    body = f"{','.join(COLUMNS)}\n".encode() + b"1,Ana,Muestra,,,\n" * 100_000
    tracemalloc.start()
    try:
        with pytest.raises(CsvError) as fault:
            read_csv(body)
        assert tracemalloc.get_traced_memory()[1] < 10 * len(body)
    finally:
        tracemalloc.stop()
    assert [(error.pointer, error.rule) for error in fault.value.errors] == [("/entries", "too-long")]
