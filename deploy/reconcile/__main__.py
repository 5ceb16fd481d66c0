"""`python -m deploy.reconcile --dry-run | --reason TEXT`: compare what the services know, and repair differences.

Runs the commands `known` and `reconcile` of the services, with the environment that each of them needs. If the services
are installed on different machines, run the same commands there and copy the files (docs/operations.md).
"""

import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from libs.chassis.knowing import Known, read

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@cli.command()
def reconcile(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the differences; change nothing.")] = False,
    reason: Annotated[str | None, typer.Option("--reason", help="The reason; required unless it is a dry run.")] = None,
    end_pair: Annotated[list[str] | None, typer.Option("--end-pair", help="As in referral's `reconcile`.")] = None,
) -> None:
    """Compare the services and repair differences.

    Differences that only people can resolve go to desks. Those of the directory and of endpoints are only listed.
    """
    if not dry_run and not (reason or "").strip():
        raise typer.BadParameter("a change by an operator needs a reason", param_hint="--reason")
    how = ["--dry-run"] if dry_run else ["--reason", reason or ""]
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        referral = _said(here / "referral", "referral", "known")
        findings = _said(here / "findings", "registration", "reconcile", "--with", str(referral), *how)
        typer.echo(findings.read_text(encoding="utf-8"), nl=False)
        for line in pairs(read(findings)):
            typer.echo(line)
        ends = [part for one in end_pair or () for part in ("--end-pair", one)]
        handed = _said(here / "handed", "referral", "reconcile", "--with", str(findings), *how, *ends)
        typer.echo(handed.read_text(encoding="utf-8"), nl=False)
        directory = list(read(_said(here / "directory", "provider_directory", "known")))
        endpoints = list(read(_said(here / "endpoints", "notifications", "known")))
        for line in [*published(directory, read(referral)), *orphans(directory, endpoints)]:
            typer.echo(line)


def pairs(findings: Iterator[Known]) -> list[str]:
    """How many pairs of people who must be kept apart differ, in one line; without differences none."""
    counted = Counter(one.state for one in findings if one.kind == "pair")
    if not counted:
        return []
    told, ends, lost = counted["not_heard"], counted["end_not_heard"], counted["unknown"]
    return [
        f"pairs of people who must be kept apart: {told} that referral lacks, {ends} that have ended,"
        f" {lost} that registration does not know"
    ]


def published(directory: list[Known], referral: Iterator[Known]) -> list[str]:
    """Services and organisations whose version in referral differs from that in the directory, or is missing in one."""
    theirs = {(one.kind, one.id): one.version for one in referral}
    differences = []
    for one in directory:
        version = theirs.get((one.kind, one.id), 0)
        if version < one.version:
            differences.append(f"{one.kind} {one.id}: referral has not heard of version {one.version}; replay it")
        elif version > one.version:
            differences.append(f"{one.kind} {one.id}: version {version} is lost in the directory; enter it again")
    here = {(one.kind, one.id) for one in directory}
    lost = [key for key in theirs if key[0] in ("provider_service", "organization") and key not in here]
    return differences + [f"{kind} {id_}: lost in the directory; enter it again" for kind, id_ in sorted(lost)]


def orphans(directory: list[Known], endpoints: list[Known]) -> list[str]:
    """Endpoints whose organisation is not in the directory."""
    known = {one.id for one in directory if one.kind == "organization"}
    return [f"endpoint {one.id}: its organisation is lost in the directory" for one in endpoints if one.of not in known]


def _said(path: Path, service: str, *arguments: str) -> Path:
    command = [sys.executable, "-m", f"services.{service}.cli", *arguments]
    with path.open("wb") as output:
        subprocess.run(command, stdout=output, check=True)  # noqa: S603 (our own commands)
    return path


if __name__ == "__main__":
    cli()
