"""Regular expressions: `python -m deploy.patterns`, for `make check`. Exit 1 if one of them is not linear."""

import sys

import typer

from deploy.contracts.node import ParserError
from deploy.local.installation import ROOT
from deploy.patterns.found import Unreadable, patterns
from deploy.patterns.judged import faults


def main() -> None:
    """Judge every regular expression in the code."""
    try:
        found = list(patterns(ROOT))
        wrong = faults(found)
    except (Unreadable, ParserError) as error:
        _end([str(error)])
    if wrong:
        _end(wrong)
    typer.echo(f"patterns: {len(found)} regular expressions, each linear in the length of a text")


def _end(lines: list[str]) -> None:
    typer.echo("\n".join(f"patterns: {line}" for line in lines), err=True)
    sys.exit(1)


if __name__ == "__main__":
    typer.run(main)
