"""Connects the parts of notifications: routes, subscriptions, loops. No other module knows all parts."""

from fastapi import FastAPI

from libs.chassis.app import Loop, build_app
from libs.chassis.database import Database
from libs.chassis.health import check_of
from libs.chassis.settings import Role
from libs.events.cluster import Cluster
from libs.events.consumer import Consumer
from libs.events.relay import Relay
from libs.events.signing import EventKeys
from libs.events.subscriptions import Subscriptions
from libs.operations import api as operations_api
from services.notifications.deliveries import api as deliveries_api
from services.notifications.deliveries.loop import Sender
from services.notifications.endpoints import api as endpoints_api
from services.notifications.endpoints.sealing import SecretBox
from services.notifications.inbox import api as inbox_api
from services.notifications.inbox.loop import Retention
from services.notifications.inbox.subscribers import subscribe
from services.notifications.settings import NotificationsSettings

SERVICE = "notifications"
DESCRIPTION = """\
Notifies organisations of events that concern them: by signed webhooks (Standard Webhooks 1.0), and in an inbox to poll.
Delivery is at-least-once, in no guaranteed order; `webhook-id` (`message_id` in the inbox) identifies repetitions."""


def create_app(settings: NotificationsSettings | None = None) -> FastAPI:
    """Build the application in the role that its settings give it. Settings come from the environment if not given."""
    settings = settings or NotificationsSettings()
    database = Database(settings.database_url, clock=settings.clock(), application_name=SERVICE, pool_size=8)
    box = SecretBox(settings.webhook_secret_key.get_secret_value())
    subscriptions = Subscriptions(group=SERVICE)
    subscribe(subscriptions)
    cluster = Cluster.named(settings.kafka_bootstrap_servers, **settings.kafka_access())
    event_keys = EventKeys.named(SERVICE, **settings.keys_of_events())
    consumer = Consumer(
        cluster,
        subscriptions,
        transaction=database.transaction,
        instance_id=settings.worker_id(SERVICE),
        keyring=event_keys.keyring,
    )
    relay = Relay(settings.database_url, cluster, source=f"urn:enlace:{SERVICE}", signer=event_keys.signer)
    checks = {Role.WORKER: ("consumer", consumer.why_unready), Role.RELAY: ("relay", relay.why_unready)}
    app = build_app(
        service=SERVICE,
        title="Enlace notifications",
        description=DESCRIPTION,
        settings=settings,
        database=database,
        routers=[endpoints_api.router, deliveries_api.router, inbox_api.router, operations_api.router],
        loops=[
            Loop("consumer", consumer.run, Role.WORKER),
            Loop("sender", _sender(database, box, settings).run, Role.WORKER),
            Loop("retention", Retention(database).run, Role.WORKER),
            Loop("relay", relay.run, Role.RELAY),
        ],
        work_checks={name: check_of(why) for role, (name, why) in checks.items() if settings.role.covers(role)},
    )
    operations_api.observe(app, consumer=consumer, relay=relay)
    app.state.secret_box = box
    return app


def _sender(database: Database, box: SecretBox, settings: NotificationsSettings) -> Sender:
    return Sender(
        database,
        box=box,
        allow_private=settings.webhook_allow_private,
        concurrency=settings.webhook_concurrency,
        endpoint_concurrency=settings.webhook_endpoint_concurrency,
    )
