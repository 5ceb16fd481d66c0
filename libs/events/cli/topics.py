"""`topics ensure | check`, `catalogue`: the declared topics and events, and whether the topics of Kafka match them."""

from inspect import formatannotation
from typing import Any

import typer

from libs.events.catalogue import CATALOGUE
from libs.events.cli.options import AsJson, Brokers
from libs.events.cli.output import done, ended, finish, show
from libs.events.event import Event
from libs.events.topics import TOPICS, check_topics, ensure_topics

topics = typer.Typer(help="The topics of Enlace.", no_args_is_help=True)


@topics.command()
def ensure(bootstrap_servers: Brokers, as_json: AsJson = False) -> None:
    """Create missing topics and check the existing ones."""
    finish(ensure_topics(bootstrap_servers))
    done(f"{len(TOPICS)} topics are as declared", as_json=as_json, topics=len(TOPICS), faults=[])


@topics.command()
def check(bootstrap_servers: Brokers, as_json: AsJson = False) -> None:
    """Report differences between topics and declaration; exit code 1 if there are any."""
    faults = finish(check_topics(bootstrap_servers))
    if as_json:
        done("", as_json=True, topics=len(TOPICS), faults=faults)
    if faults:
        raise ended(() if as_json else faults)
    if not as_json:
        typer.echo(f"{len(TOPICS)} topics are as declared")


def catalogue(as_json: AsJson = False) -> None:
    """List every event type: topic, key, version, and whether it is compacted; with --json its fields."""
    rows = [_entry(model) for _, model in sorted(CATALOGUE.items())]
    if not as_json:
        rows = [{name: value for name, value in row.items() if name != "fields"} for row in rows]
    show(rows, as_json=as_json)


def _entry(model: type[Event]) -> dict[str, Any]:
    return {
        "topic": model.topic,
        "type": model.type,
        "key": model.key_field,
        "version": int(model.type.rpartition(".v")[2]),
        "compacted": TOPICS[model.topic].compacted,
        "fields": {name: formatannotation(field.annotation) for name, field in model.model_fields.items()},
    }
