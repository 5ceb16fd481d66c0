"""People and errors as FEBRL's generator makes them, in any number: values are drawn from data set 1."""

import csv
from collections.abc import Sequence
from pathlib import Path
from random import Random

from tests.unit.registration.guatemalans import mistyped

FEBRL_1 = Path(__file__).with_name("data") / "febrl1.csv"
_EXCHANGED = [("given_name", "surname"), ("address_1", "address_2"), ("suburb", "postcode")]
Row = dict[str, str]


def rows_of(path: Path) -> list[Row]:
    """The rows of a FEBRL file."""
    with path.open(encoding="utf-8", newline="") as file:
        return [dict(row) for row in csv.DictReader(file, skipinitialspace=True)]


def rows(seed: int, people: int, *, again: float, most: int, errors: int, per_field: int = 2) -> list[Row]:
    """`people` rows, and of a share `again` of them at most `most` further rows with at most `errors` errors each."""
    random, source = Random(seed), rows_of(FEBRL_1)
    columns = [name for name in source[0] if name not in ("rec_id", "soc_sec_id")]
    values = {name: [row[name] for row in source if row[name]] for name in columns}
    made = []
    for number in range(people):
        row = {name: random.choice(values[name]) if random.random() > 0.03 else "" for name in columns}
        row["date_of_birth"] = f"19{random.randrange(100):02}{random.randint(1, 12):02}{random.randint(1, 28):02}"
        row["street_number"] = str(int(random.paretovariate(0.8)) % 400 + 1)
        made.append({"rec_id": f"rec-{number}-org"} | row)
        if random.random() < again:
            for copy in range(random.randint(1, most)):
                wrong = _wrong(random, row, random.randint(1, errors), per_field, values, columns)
                made.append({"rec_id": f"rec-{number}-dup-{copy}"} | wrong)
    random.shuffle(made)
    return made


def _wrong(
    random: Random, row: Row, errors: int, per_field: int, values: dict[str, list[str]], columns: Sequence[str]
) -> Row:
    wrong, counts = dict(row), dict.fromkeys(columns, 0)
    for _ in range(errors):
        name = random.choice([name for name in columns if counts[name] < per_field])
        counts[name] += 1
        kind = random.random()
        if kind < 0.08:
            one, other = random.choice(_EXCHANGED)
            wrong[one], wrong[other] = wrong[other], wrong[one]
        elif kind < 0.18:
            wrong[name] = ""
        elif kind < 0.28:
            wrong[name] = random.choice(values[name])
        elif wrong[name]:
            wrong[name] = _digit(random, wrong[name]) if wrong[name].isdigit() else mistyped(random, wrong[name])
    return wrong


def _digit(random: Random, number: str) -> str:
    at = random.randrange(len(number))
    return number[:at] + random.choice("0123456789") + number[at + 1 :]


def write(path: Path, made: Sequence[Row]) -> None:
    """Write rows as FEBRL does, with a blank after each comma."""
    lines = [", ".join(made[0])] + [", ".join(row.values()) for row in made]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
