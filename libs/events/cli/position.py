"""`position show | reset`: the positions of the groups of one database."""

from dataclasses import asdict
from functools import partial
from typing import Annotated

import typer

from libs.events.audit import Hand
from libs.events.cli.loading import DigestOf, digest_of
from libs.events.cli.options import AsJson, Brokers, Database, DryRun, Operator, ReasonUnlessDry, hand
from libs.events.cli.output import show, with_both
from libs.events.operating.positions import Move, Target, positions, reset

position = typer.Typer(help="The positions of a service's consumer.", no_args_is_help=True)

Group = Annotated[str, typer.Option("--group", help="The consumer group: the name of the service.")]
Topic = Annotated[str, typer.Option("--topic", help="The topic.")]


@position.command("show")
def show_positions(
    database: Database,
    bootstrap_servers: Brokers,
    group: Annotated[str | None, typer.Option("--group", help="Only this group.")] = None,
    topic: Annotated[str | None, typer.Option("--topic", help="Only this topic.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show positions, beginnings and ends of the logs, and why a partition is stopped; exit code 1 if one is."""
    found = with_both(database, bootstrap_servers, lambda one, logs: positions(one, logs, group=group, topic=topic))
    rows = [
        {"group": one.group, "topic": one.topic, "partition": one.partition, "position": one.next_offset,
         "first": one.bounds and one.bounds.first, "end": one.bounds and one.bounds.end,
         "last_event": one.last_event_id, "moved": one.moved_at, "stopped": one.stopped}
        for one in found
    ]  # fmt: skip
    show(rows, as_json=as_json)
    if any(one.stopped for one in found):
        raise typer.Exit(1)


@position.command("reset")
def reset_position(
    database: Database,
    bootstrap_servers: Brokers,
    group: Group,
    topic: Topic,
    operator: Operator,
    partition: Annotated[int | None, typer.Option("--partition", help="One partition.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All partitions.")] = False,
    to_start: Annotated[bool, typer.Option("--to-start", help="Move to the oldest record that still exists.")] = False,
    to_end: Annotated[bool, typer.Option("--to-end", help="Move behind the newest record.")] = False,
    to_offset: Annotated[int | None, typer.Option("--to-offset", help="Move to this offset of one partition.")] = None,
    after_last_event: Annotated[
        bool,
        typer.Option(
            "--after-last-event", help="Move behind the event that was processed last, at whatever offset it is now."
        ),
    ] = False,
    skip: Annotated[bool, typer.Option("--skip", help="Allow skipping records; they are never processed.")] = False,
    digest: DigestOf = None,
    dry_run: DryRun = False,
    reason: ReasonUnlessDry = None,
    as_json: AsJson = False,
) -> None:
    """Move positions. A running worker notices the move and continues from there.

    Records that are read again are discarded by the inbox if they were handled before. Use `replay` to rebuild a read
    model.
    """
    if (partition is None) != every:
        raise typer.BadParameter("give one partition, or --all")
    target = _target(start=to_start, end=to_end, offset=to_offset is not None, after=after_last_event)
    if target is Target.OFFSET and every:
        raise typer.BadParameter("--to-offset needs exactly one partition", param_hint="--to-offset")
    by = Hand(operator, "a dry run") if dry_run else hand(operator, reason)
    chosen = partial(reset, group=group, topic=topic, partition=partition, target=target, by=by, offset=to_offset)
    work = partial(chosen, digest=digest_of(digest), may_skip=skip, dry_run=dry_run)
    moves = with_both(database, bootstrap_servers, work)
    show([asdict(move) for move in moves], as_json=as_json)
    if not as_json:
        typer.echo(_explained(moves))


def _target(*, start: bool, end: bool, offset: bool, after: bool) -> Target:
    said = {Target.START: start, Target.END: end, Target.OFFSET: offset, Target.AFTER_LAST_EVENT: after}
    chosen = [target for target, is_said in said.items() if is_said]
    if len(chosen) != 1:
        raise typer.BadParameter("give one of --to-start, --to-end, --to-offset N, --after-last-event")
    return chosen[0]


def _explained(moves: list[Move]) -> str:
    again, skipped = sum(move.again for move in moves), sum(move.skipped for move in moves)
    return (
        f"{again} records are read again: the inbox discards those that it knows. {skipped} records are skipped: they"
        " are not handled unless they are published again."
    )
