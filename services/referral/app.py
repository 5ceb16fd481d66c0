"""Connects the parts of referral: routes, subscribers, loops. No other module uses all parts."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from fastapi import APIRouter, FastAPI
from sqlmodel.ext.asyncio.session import AsyncSession

from libs.chassis.app import Loop, build_app
from libs.chassis.clock import Clock
from libs.chassis.database import Database
from libs.chassis.health import check_of
from libs.chassis.sealed_log import seal_forever
from libs.chassis.settings import Role
from libs.events.cluster import Cluster
from libs.events.consumer import Consumer
from libs.events.relay import Relay
from libs.events.replaying import Service
from libs.events.signing import EventKeys
from libs.events.subscriptions import Subscriptions
from libs.operations import api as operations_api
from services.referral.access import said_of
from services.referral.audit.actions import tell_seal
from services.referral.audit.tables import AUDIT
from services.referral.bulk_answers.api import router as bulk_answer_routes
from services.referral.certificates import subscribers as certificates
from services.referral.certificates.api import look_up_certificates
from services.referral.clocks.loop import Clockwork, Fire
from services.referral.clocks.queries import Due
from services.referral.clocks.rules import TimerKind
from services.referral.consents import subscribers as consents
from services.referral.desk.api import router as desk_routes
from services.referral.endings import subscribers as endings
from services.referral.intake import subscribers as intake
from services.referral.intake.actions import PlaceAtOnce
from services.referral.journeys import queries as journeys
from services.referral.needs import actions as needs
from services.referral.needs.api import router as need_routes
from services.referral.offers.actions import offers
from services.referral.offers.actions.gathering import answers_of
from services.referral.offers.api import router as offer_routes
from services.referral.ownership.api import list_router as owned_routes
from services.referral.ownership.api import router as ownership_routes
from services.referral.ownership.loop import HandOvers
from services.referral.pack.policy import RoutingPolicy, load_policy
from services.referral.places import subscribers as places
from services.referral.places.api import router as place_routes
from services.referral.places.loop import Sweeper
from services.referral.progress.api import router as progress_routes
from services.referral.promises.api import router as promise_routes
from services.referral.promises.loop import Watcher
from services.referral.providers import subscribers as providers
from services.referral.referrals import actions as referrals
from services.referral.referrals.api import desk_router as referral_desk_routes
from services.referral.referrals.api import router as referral_routes
from services.referral.router.loop import Router
from services.referral.searches import actions as searches
from services.referral.searches.api import router as search_routes
from services.referral.separations import subscribers as separations
from services.referral.settings import ReadModelSettings, Settings
from services.referral.stages.api import desk_router as desk_list_routes
from services.referral.stages.api import router as stage_routes
from services.referral.statistics.api import router as statistics_routes
from services.referral.stays import actions as stays
from services.referral.stays.api import router as stay_routes
from services.referral.timelines.api import router as timeline_routes
from services.referral.waitlists.api import router as waitlist_routes
from services.referral.work_lists.api import router as work_list_routes

TimerAction = Callable[[AsyncSession, RoutingPolicy, Sequence[Due]], Awaitable[None]]
"""The action for clocks of one kind that have run out."""

ROUTES: tuple[APIRouter, ...] = (
    offer_routes,
    referral_routes,
    referral_desk_routes,
    need_routes,
    desk_routes,
    place_routes,
    stay_routes,
    waitlist_routes,
    statistics_routes,
    stage_routes,
    desk_list_routes,
    owned_routes,
    promise_routes,
    progress_routes,
    bulk_answer_routes,
    timeline_routes,
    search_routes,
    ownership_routes,
    work_list_routes,
)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service in the role that its settings name. It does not start with an invalid country pack."""
    settings = settings or Settings()
    policy = load_policy(settings.pack)
    database = Database(settings.database_url, clock=settings.clock(), application_name="enlace-referral", pool_size=8)
    cluster = Cluster.named(settings.kafka_bootstrap_servers, **settings.kafka_access())
    event_keys = EventKeys.named("referral", **settings.keys_of_events())
    router = Router(database, policy, dsn=settings.database_url)
    consumer = Consumer(
        cluster,
        subscriptions(policy, place=router.place_at_once),
        transaction=database.transaction,
        instance_id=settings.worker_id("referral"),
        keyring=event_keys.keyring,
    )
    relay = Relay(settings.database_url, cluster, source="urn:enlace:referral", signer=event_keys.signer)
    checks = {Role.WORKER: ("consumer", consumer.why_unready), Role.RELAY: ("relay", relay.why_unready)}
    app = build_app(
        service="referral",
        title="Enlace referral",
        description="Needs, referrals and offers, the ledger of places, clocks, queues and decisions of staff.",
        settings=settings,
        database=database,
        routers=(*ROUTES, operations_api.router),  # the last one shows no person, so nothing is recorded
        loops=[
            Loop("consumer", consumer.run, Role.WORKER),
            Loop("router", router.run, Role.WORKER),
            Loop("hand-overs", HandOvers(database, policy).run, Role.WORKER),
            Loop("clocks", clockwork(database, policy).run, Role.WORKER),
            Loop("watcher", _watcher(settings, database, policy).run, Role.WORKER),
            Loop("audit sealer", _sealer(settings, database), Role.WORKER),
            Loop("relay", relay.run, Role.RELAY),
        ],
        told_of=said_of,
        look_up=partial(look_up_certificates, policy=policy),
        work_checks={name: check_of(why) for role, (name, why) in checks.items() if settings.role.covers(role)},
    )
    operations_api.observe(app, consumer=consumer, relay=relay)
    app.state.policy, app.state.gathering = policy, answers_of(database, policy)
    return app


def _watcher(settings: Settings, database: Database, policy: RoutingPolicy) -> Watcher:
    mend = Sweeper(database, claim=journeys.claim).sweep_once
    return Watcher(database, policy, clock_rate=settings.clock_rate, mend=mend)


def _sealer(settings: Settings, database: Database) -> Callable[[asyncio.Event], Awaitable[None]]:
    return partial(seal_forever, database=database, table=AUDIT, keys=settings.audit_keys(), tell=tell_seal)


def subscriptions(policy: RoutingPolicy, *, group: str = "referral", place: PlaceAtOnce | None = None) -> Subscriptions:
    """All subscriptions of referral, as one consumer group. `place` offers new referrals at once, if possible."""
    listening = Subscriptions(group=group)
    providers.subscribe(listening)
    certificates.subscribe(listening)
    places.subscribe(listening)
    intake.subscribe(listening, policy, place=place)
    consents.subscribe(listening, policy)
    endings.subscribe(listening, policy)
    separations.subscribe(listening, policy)
    return listening


def read_models() -> Service:
    """The read models that `python -m libs.events replay --service services.referral.app:read_models` rebuilds."""
    settings = ReadModelSettings()
    database = Database(settings.database_url, clock=Clock(), application_name="enlace-replay", pool_size=1)
    listening = subscriptions(load_policy(settings.pack))
    keys = EventKeys.named("referral", private=None, public=settings.event_keys or settings.event_keys_file)
    return Service(listening, database.transaction, database.close, keys.keyring)


def clockwork(database: Database, policy: RoutingPolicy) -> Clockwork:
    """The loop of the clocks, with the action for each kind of clock."""
    actions: dict[TimerKind, TimerAction] = {
        TimerKind.OFFER_REMINDER: offers.remind_of_offers,
        TimerKind.OFFER_EXPIRY: offers.expire_offers,
        TimerKind.ROUTING_DEADLINE: referrals.escalate_overdue_routing,
        TimerKind.HOUSEHOLD_DEADLINE: referrals.escalate_incomplete_household,
        TimerKind.WAITLIST_DEADLINE: referrals.escalate_overdue_queue,
        TimerKind.START_DEADLINE: referrals.escalate_overdue_start,
        TimerKind.REPORT_DEADLINE: referrals.escalate_overdue_report,
        TimerKind.START_REMINDER: referrals.remind_of_starts,
        TimerKind.REPORT_REMINDER: referrals.remind_of_reports,
        TimerKind.ACKNOWLEDGE_DEADLINE: offers.act_on_unacknowledged,
        TimerKind.OWNER_SILENCE: needs.escalate_silent_owners,
        TimerKind.SEARCH_DEADLINE: searches.remind_of_searches,
        TimerKind.STAY_ALARM: stays.ring_alarms,
        TimerKind.STAY_END: stays.run_out,
    }

    def under_policy(action: TimerAction) -> Fire:
        return lambda session, due: action(session, policy, due)

    fire = {kind: under_policy(action) for kind, action in actions.items()}
    return Clockwork(database, claim=journeys.claim, fire=fire)
