"""Supply chain: `python -m deploy.supply bill` and `... audit`; `make check` runs both."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from deploy.supply import advisories
from deploy.supply.bill import bill, faults

cli = typer.Typer(help=__doc__, no_args_is_help=True)


@cli.command("bill")
def bill_command(out: Annotated[Path | None, typer.Option(help="Where to write the document.")] = None) -> None:
    """Make the bill of materials (CycloneDX 1.5); exit 1 if it breaks that schema."""
    document = bill()
    wrong = faults(document)
    if wrong:
        typer.echo("\n".join(["supply: the bill of materials breaks the schema of CycloneDX:", *wrong]), err=True)
        sys.exit(1)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    typer.echo(f"supply: a bill of {len(document['components'])} components" + (f" in {out}" if out else ""))


@cli.command("audit")
def audit_command(
    strict: Annotated[bool, typer.Option(help="Fail if the advisory service does not answer.")] = False,
) -> None:
    """Look for published vulnerabilities; exit 1 if there is one that is not accepted."""
    try:
        found = advisories.audit()
    except advisories.Unreachable as away:
        typer.echo(f"supply: NOT AUDITED, the service of advisories does not answer ({away})", err=True)
        sys.exit(1 if strict else 0)
    for line in found.vulnerable:
        typer.echo(f"supply: vulnerable: {line}", err=True)
    for name in found.unknown:
        typer.echo(f"supply: NOT AUDITED: {name}", err=True)
    if found.vulnerable or (strict and found.unknown):
        sys.exit(1)
    typer.echo("supply: no published vulnerability")


if __name__ == "__main__":
    cli()
