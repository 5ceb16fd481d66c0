"""`replay`: rebuild a service's read model from the logs."""

from dataclasses import asdict
from typing import Annotated

import typer

from libs.events.audit import Hand
from libs.events.cli.loading import loaded
from libs.events.cli.options import AsJson, Brokers, DryRun, Operator, ReasonUnlessDry, hand
from libs.events.cli.output import done, finish, show
from libs.events.cluster import Cluster
from libs.events.operating.logs import reading
from libs.events.replaying import Rebuilt, Service, model_of, rebuild


def replay(
    service: Annotated[
        str,
        typer.Option(
            "--service", help="MODULE:FUNCTION that returns a libs.events.replaying.Service.", metavar="WHERE"
        ),
    ],
    topic: Annotated[str, typer.Option("--topic", help="A topic of the read model.")],
    bootstrap_servers: Brokers,
    operator: Operator,
    dry_run: DryRun = False,
    reason: ReasonUnlessDry = None,
    as_json: AsJson = False,
) -> None:
    """Empty a read model and rebuild it from its topics, in one transaction; its worker may run.

    A service must declare the read model. The command reads the settings of the service, so run it where the service
    runs.
    """
    by = Hand(operator, "a dry run") if dry_run else hand(operator, reason)
    found = _service(service)
    if dry_run:
        model = finish(_look(found, topic))
        done(f"{model} can be rebuilt", as_json=as_json, model=model)
        return
    show(map(asdict, finish(_rebuild(found, bootstrap_servers, topic, by))), as_json=as_json)


async def _look(service: Service, topic: str) -> str:
    try:
        return model_of(service.subscriptions, topic).name
    finally:
        await service.close()


async def _rebuild(service: Service, bootstrap_servers: Cluster, topic: str, by: Hand) -> list[Rebuilt]:
    try:
        async with reading(bootstrap_servers) as logs:
            return await rebuild(service, logs, topic=topic, by=by)
    finally:
        await service.close()


def _service(where: str) -> Service:
    made = loaded(where, hint="--service")
    if not isinstance(made, Service):
        raise typer.BadParameter("it does not return a libs.events.replaying.Service", param_hint="--service")
    return made
