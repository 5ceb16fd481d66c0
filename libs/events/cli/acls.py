"""`acls show | commands | apply`: the rights on Kafka, and the command that creates them."""

from typing import Annotated

import typer

from libs.events.acls import OPERATOR, Right, rights
from libs.events.acls import apply as apply_rights
from libs.events.cli.options import AsJson, Brokers
from libs.events.cli.output import done, finish, show

acls = typer.Typer(help="Rights on Kafka, from the catalogue.", no_args_is_help=True)

Reception = Annotated[
    list[str] | None,
    typer.Option("--reception", help="The user of a reception system; repeat the option for each."),
]
Operators = Annotated[
    list[str] | None,
    typer.Option("--operator-user", help=f"A user of operators; repeat the option for each. Default: {OPERATOR}."),
]


def _wanted(reception: list[str] | None, operators: list[str] | None) -> list[Right]:
    return rights(reception=reception or (), operators=operators or (OPERATOR,))


@acls.command("show")
def show_rights(reception: Reception = None, operators: Operators = None, as_json: AsJson = False) -> None:
    """Show the rights of each principal on topics and groups."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    for right in _wanted(reception, operators):
        rows.setdefault((right.user, right.resource.name.lower(), right.name), []).append(right.operation.name)
    show(
        (
            {"principal": f"User:{user}", "resource": resource, "name": name, "operations": " ".join(operations)}
            for (user, resource, name), operations in rows.items()
        ),
        as_json=as_json,
    )


@acls.command()
def commands(reception: Reception = None, operators: Operators = None) -> None:
    """Show the rights as commands of kafka-acls.sh, one per line."""
    for right in _wanted(reception, operators):
        typer.echo(
            'kafka-acls.sh --bootstrap-server "$KAFKA_BOOTSTRAP_SERVERS" --command-config admin.properties'
            f" --add {right.command}"
        )


@acls.command()
def apply(
    bootstrap_servers: Brokers, reception: Reception = None, operators: Operators = None, as_json: AsJson = False
) -> None:
    """Create missing rights; run it as an administrator. No right is removed."""
    wanted = _wanted(reception, operators)
    finish(apply_rights(bootstrap_servers, wanted))
    done(f"{len(wanted)} rights are there", as_json=as_json, rights=len(wanted))
