"""Contracts: `python -m deploy.contracts check` for `make check`, `... write` after a change of the catalogue."""

import sys

import typer

from deploy.contracts import node
from deploy.contracts.files import ASYNCAPI, Made, broken_promises, made, stale, unlisted, without_message, write
from deploy.local.installation import ROOT

cli = typer.Typer(help=__doc__, no_args_is_help=True)


@cli.command("check")
def check_command() -> None:
    """Exit 1 if a published contract is broken, a generated file is out of date, or the AsyncAPI is invalid."""
    now = _made()
    _end_if(broken_promises(ROOT, now.schemas), "incompatible with what is published; publish a new type beside it")
    late = [*stale(ROOT, now.texts), *unlisted(ROOT)]
    _end_if(late, "not up to date; run `python -m deploy.contracts write`")
    try:
        node.install()
    except node.ParserError as error:
        _end_if([str(error)], "@asyncapi/parser can't be installed")
    accepted, said = node.read(ROOT / ASYNCAPI)
    _end_if([] if accepted else said.splitlines(), "@asyncapi/parser doesn't accept the document")
    typer.echo(f"contracts: {len(now.schemas)} event types, {len(now.texts)} files up to date\n{said}")


@cli.command("write")
def write_command() -> None:
    """Write the generated files; refuses a change that would break a published contract."""
    now = _made()
    _end_if(broken_promises(ROOT, now.schemas), "incompatible with what is published; publish a new type beside it")
    write(ROOT, now.texts)
    typer.echo(f"contracts: {len(now.texts)} files written")


def _made() -> Made:
    _end_if(without_message(ROOT), "every event type has a message as an example; write the missing files")
    return made(ROOT)


def _end_if(faults: list[str], why: str) -> None:
    if faults:
        typer.echo("\n".join([f"contracts: {why}:", *(f"  {fault}" for fault in faults)]), err=True)
        sys.exit(1)


if __name__ == "__main__":
    cli()
