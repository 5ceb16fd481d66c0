"""Connects the parts of provider_directory: routes, subscriber, loops. No other module knows all parts."""

from functools import partial

from fastapi import FastAPI

from libs.chassis.app import Loop, build_app
from libs.chassis.auth import Caller
from libs.chassis.database import Database
from libs.chassis.health import Check, check_of
from libs.chassis.settings import Role
from libs.chassis.walls import array_text
from libs.events.cluster import Cluster
from libs.events.consumer import Consumer
from libs.events.relay import Relay
from libs.events.signing import EventKeys
from libs.operations import api as operations_api
from services.provider_directory.capacity.api import router as capacity
from services.provider_directory.capacity.subscribers import subscriptions
from services.provider_directory.certificates.api import router as certificates
from services.provider_directory.listings.api import router as listings
from services.provider_directory.organizations.api import rights_of
from services.provider_directory.organizations.api import router as organizations
from services.provider_directory.pack import Pack, load_pack
from services.provider_directory.search.api import router as search
from services.provider_directory.settings import DirectorySettings
from services.provider_directory.taxonomy.api import router as taxonomy
from services.provider_directory.taxonomy.queries import Renderings

SERVICE = "provider_directory"
SOURCE = "urn:enlace:provider-directory"


def create_app(settings: DirectorySettings | None = None) -> FastAPI:
    """The application; settings come from the environment unless they are given."""
    settings = settings or DirectorySettings()
    pack = load_pack(settings.pack)
    database = Database(settings.database_url, clock=settings.clock(), application_name=SERVICE)
    cluster = Cluster.named(settings.kafka_bootstrap_servers, **settings.kafka_access())
    event_keys = EventKeys.named(SERVICE, **settings.keys_of_events())
    relay = Relay(settings.database_url, cluster, source=SOURCE, signer=event_keys.signer)
    consumer = Consumer(
        cluster,
        subscriptions,
        transaction=database.transaction,
        instance_id=settings.worker_id(SERVICE),
        keyring=event_keys.keyring,
    )
    app = build_app(
        service=SERVICE,
        title="Enlace: provider directory",
        description="Organisations, what they offer and where, and how many they can take.",
        settings=settings,
        database=database,
        routers=[search, capacity, listings, organizations, certificates, taxonomy, operations_api.router],
        loops=[
            Loop(name="consumer", run=consumer.run, role=Role.WORKER),
            Loop(name="relay", run=relay.run, role=Role.RELAY),
        ],
        work_checks=_work_checks(settings, consumer, relay),
        told_of=partial(told_of, pack=pack),
    )
    operations_api.observe(app, consumer=consumer, relay=relay)
    app.state.pack = pack
    app.state.taxonomy = Renderings(pack.taxonomy)
    return app


def told_of(caller: Caller, *, pack: Pack) -> dict[str, str]:
    """The additional settings for row-level security in this service: whether the caller administers the directory, and
    the restricted categories, whose accreditations and agreements most callers must not see."""
    return {
        "enlace.administers": "true" if rights_of(caller).is_admin else "false",
        "enlace.hidden_categories": array_text(tuple(sorted(pack.restricted))),
    }


def _work_checks(settings: DirectorySettings, consumer: Consumer, relay: Relay) -> dict[str, Check]:
    checks: dict[str, Check] = {}
    if settings.role.covers(Role.WORKER):
        checks["consumer"] = check_of(consumer.why_unready)
    if settings.role.covers(Role.RELAY):
        checks["relay"] = check_of(relay.why_unready)
    return checks
