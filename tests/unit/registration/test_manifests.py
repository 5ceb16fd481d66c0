"""Manifests in CSV, as spreadsheets of any country write them, and as nobody should."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registration.manifests.rules import COLUMNS, CsvError, read_csv, repeated_references

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r\n"), max_size=40).filter(
    lambda text: text == text.strip() and not text.startswith(("=", "+", "-", "@"))
)
ROWS = st.lists(st.tuples(*[CELLS] * len(COLUMNS)).filter(any), max_size=20)


@given(ROWS, st.sampled_from(",;"), st.booleans(), st.sampled_from(["\n", "\r\n"]))
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


@given(st.lists(st.sampled_from("abcd")))
def test_only_the_first_of_equal_references_stands(references):
    kept = [one for place, one in enumerate(references) if place not in set(repeated_references(references))]
    assert kept == list(dict.fromkeys(references))
