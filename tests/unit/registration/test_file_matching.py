"""`python -m services.registration match`: the files that it reads, and what it says about others."""

import csv
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.registration.cli import cli
from services.registration.file_matching.dates import DateReader
from services.registration.file_matching.rules import UnreadableFileError, read_people
from services.registration.linkage.priors import load
from tests.unit.registration.febrl_like import FEBRL_1

ROOT = Path(__file__).resolve().parents[3]
HEADER = "id,given_name,surname,date_of_birth,phone,sex\n"
TWO = "1,José,Hernández Xicay,1985-03-12,55123456,m\n2,Jose,Xicay Hernandez,12/03/1985,5512 3456,M\n"


def run(tmp_path: Path, body: bytes | str, *more: str) -> tuple[Result, list[dict[str, str]]]:
    file, out = tmp_path / "people.csv", tmp_path / "pairs.csv"
    file.write_bytes(body.encode() if isinstance(body, str) else body)
    result = CliRunner().invoke(cli, ["match", str(file), "--out", str(out), *more])
    if not out.exists():
        return result, []
    with out.open(encoding="utf-8", newline="") as written:
        return result, list(csv.DictReader(written))


def test_the_command_runs_as_a_module_without_settings_and_prints_numbers_only(tmp_path: Path):
    (tmp_path / "people.csv").write_text(HEADER + TWO)
    command = [sys.executable, "-m", "services.registration", "match", str(tmp_path / "people.csv"), "--out"]
    done = subprocess.run(
        [*command, str(tmp_path / "pairs.csv")], cwd=ROOT, env={"PATH": ""}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "2 records; pairs: 1 same, 0 to review\n"
    assert (tmp_path / "pairs.csv").read_text().splitlines()[0] == "id_a,id_b,score,band"


def test_the_other_commands_are_there_too():
    shown = CliRunner().invoke(cli, ["--help"]).output
    assert all(command in shown for command in ("serve", "migrate", "verify-audit", "match"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ", ", ";", "\t"])
def test_encodings_and_separators_give_the_same_pairs(tmp_path: Path, encoding: str, delimiter: str):
    result, pairs = run(tmp_path, (HEADER + TWO).replace(",", delimiter).encode(encoding))
    assert result.exit_code == 0
    assert [(pair["id_a"], pair["id_b"], pair["band"]) for pair in pairs] == [("1", "2", "same")]


def test_columns_may_stand_in_any_order_and_all_but_one_may_be_absent(tmp_path: Path):
    result, pairs = run(tmp_path, "surname,rec_id\nChavajay,a\nCholotio,b\n")
    assert (result.exit_code, pairs) == (0, [])
    result, pairs = run(tmp_path, "Phone,Surname,Given Name\n44445555,Chavajay,Ana\n,,\n44445555,Chavajay,Ana\n")
    assert [(pair["id_a"], pair["id_b"]) for pair in pairs] == [("2", "4")]  # lines, as there is no id


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"colour,size\nred,4\n", "no column that is compared"),
        (b"id\n1\n", "no column that is compared"),
        (b"surname,surname\na,b\n", "more than once"),
        (b"surname\nL\x00pez\n", "not text"),
        (b"\xff\xfe\xff", "not text"),
        (b'surname\n"' + b"x" * 200_000 + b'"\n', "not valid CSV"),
    ],
)
def test_a_file_that_is_no_list_of_people_is_an_error_with_code_2(tmp_path: Path, body: bytes, says: str):
    result, pairs = run(tmp_path, body)
    assert result.exit_code == 2
    assert says in result.output
    assert "Traceback" not in result.output
    assert not pairs
    assert not (tmp_path / "pairs.csv").exists()


def test_a_file_that_is_not_there_and_a_place_that_cannot_be_written_are_errors_with_code_2(tmp_path: Path):
    result = CliRunner().invoke(cli, ["match", str(tmp_path / "none.csv"), "--out", str(tmp_path / "pairs.csv")])
    assert result.exit_code == 2
    (tmp_path / "people.csv").write_text(HEADER + TWO)
    nowhere = tmp_path / "nowhere" / "pairs.csv"
    result = CliRunner().invoke(cli, ["match", str(tmp_path / "people.csv"), "--out", str(nowhere)])
    assert (result.exit_code, "cannot be written" in result.output) == (2, True)


def test_a_header_alone_gives_a_header_alone(tmp_path: Path):
    result, pairs = run(tmp_path, HEADER)
    assert (result.exit_code, pairs) == (0, [])
    assert (tmp_path / "pairs.csv").read_text() == "id_a,id_b,score,band\n"


def test_an_id_that_is_a_formula_is_written_as_text(tmp_path: Path):
    """Seen to fail without `_safe`."""
    _, pairs = run(tmp_path, HEADER + TWO.replace("1,José", "=1+1,José").replace("2,Jose", "@SUM(A1),Jose"))
    assert [(pair["id_a"], pair["id_b"]) for pair in pairs] == [("'=1+1", "'@SUM(A1)")]


def test_rows_with_too_few_or_too_many_cells_are_compared_and_counted(tmp_path: Path):
    result, pairs = run(tmp_path, HEADER + TWO + "3,Ana\n4,Juan,Caal,1990,,m,surplus,,\n")
    assert result.exit_code == 0
    assert "1 rows have fewer cells" in result.output
    assert len(pairs) == 1


def test_nothing_of_a_person_is_printed(tmp_path: Path):
    result, _ = run(tmp_path, HEADER + TWO + TWO + '9,"Broken\n')
    for value in ("José", "Xicay", "1985", "55123456", "Broken"):
        assert value not in result.output


def test_two_runs_write_the_same_bytes_and_weights_can_be_written_and_used(tmp_path: Path):
    body = b"\n".join(FEBRL_1.read_bytes().splitlines()[:201])
    learnt = tmp_path / "learnt.yaml"
    run(tmp_path, body, "--estimate", str(learnt))
    first = (tmp_path / "pairs.csv").read_bytes()
    run(tmp_path, body)
    assert (tmp_path / "pairs.csv").read_bytes() == first
    assert load(learnt).lifted == frozenset()
    result, _ = run(tmp_path, body, "--priors", str(learnt))
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("cell", "born"),
    [
        ("19850312", date(1985, 3, 12)), ("1985-03-12", date(1985, 3, 12)), ("12/03/1985", date(1985, 3, 12)),
        ("12.3.1985", date(1985, 3, 12)), ("1985/3/12", date(1985, 3, 12)), ("12 de marzo de 1985", date(1985, 3, 12)),
        ("Mar 12, 1985", date(1985, 3, 12)), ("12/03/85", date(1985, 3, 12)), ("12031985", date(1985, 3, 12)),
        ("1985-03-12T00:00:00", date(1985, 3, 12)), ("19850312.0", date(1985, 3, 12)), ("1985", 1985),
        ("circa 1985", 1985), ("19450231", "19450231"), ("31/02/1945", "19450231"), ("", None), ("unknown", None),
        ("12", None), ("0/0/0000", None), ("99999999999", None), ("²⁰/03/1985", date(1985, 3, 20)),
    ],
)  # fmt: skip
def test_dates_are_read_as_people_and_programs_write_them(cell: str, born: object):
    read = DateReader([cell]).read(cell)
    assert (read.day or read.year or read.text) == born


def test_a_column_in_which_a_second_number_exceeds_twelve_has_the_month_first():
    assert DateReader(["03/25/1985", "03/12/1985"]).read("03/12/1985").day == date(1985, 3, 12)


def test_a_file_of_another_kind_is_refused_by_the_reader():
    with pytest.raises(UnreadableFileError):
        read_people(b"PK\x03\x04\x00\x00")
