"""Connects the parts of registration: routes, subscriptions, loops. No other module knows all parts."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI

from libs.chassis.app import Loop, Resource, build_app
from libs.chassis.database import Database
from libs.chassis.health import Check, Unready, check_of
from libs.chassis.seal_keys import SealKeys
from libs.chassis.sealed_log import seal_forever
from libs.chassis.secret_files import SettingRefused
from libs.chassis.settings import Role
from libs.chassis.signed_claims import ClaimKeys, ClaimKeysError
from libs.events.cluster import Cluster
from libs.events.consumer import Consumer
from libs.events.relay import Relay
from libs.events.signing import EventKeys
from libs.events.subscriptions import Subscriptions
from libs.operations import api as operations_api
from services.registration.access_reports import api as access_reports_api
from services.registration.answers import api as answers_api
from services.registration.answers.loop import judge_forever
from services.registration.arrivals import api as arrivals_api
from services.registration.arrivals import subscribers as arrivals_subscribers
from services.registration.arrivals.actions.gathering import registering_of
from services.registration.arrivals.loop import age_out_forever
from services.registration.arrivals.loop import seal_forever as seal_batches_forever
from services.registration.audit.actions import tell_seal
from services.registration.audit.api import said_of
from services.registration.audit.tables import AUDIT
from services.registration.certificates import subscribers as certificates_subscribers
from services.registration.certificates.api import look_up_certificates
from services.registration.consent import api as consent_api
from services.registration.consent.loop import seal_forever as seal_references_forever
from services.registration.database import KeysDatabase
from services.registration.doubts import api as doubts_api
from services.registration.doubts.loop import count_forever
from services.registration.emergencies import api as emergencies_api
from services.registration.emergencies.loop import count_forever as count_emergencies_forever
from services.registration.erasure import api as erasure_api
from services.registration.erasure.loop import replay_forever
from services.registration.exports import api as exports_api
from services.registration.exports.loop import end_forever
from services.registration.gate import api as gate_api
from services.registration.households import api as households_api
from services.registration.identity_checks import api as identity_checks_api
from services.registration.identity_ends import api as identity_ends_api
from services.registration.identity_ends.loop import check_forever
from services.registration.incidents import api as incidents_api
from services.registration.incidents.loop import watch_forever
from services.registration.intake import api as intake_api
from services.registration.intake import subscribers as intake_subscribers
from services.registration.intake.loop import key_forever
from services.registration.legal_requests import api as legal_requests_api
from services.registration.linkage.priors import Priors
from services.registration.linkage.priors import load as load_priors
from services.registration.matching import api as matching_api
from services.registration.matching.loop import compare_forever
from services.registration.needs import api as needs_api
from services.registration.needs import subscribers as needs_subscribers
from services.registration.needs.loop import move_forever
from services.registration.needs.restricted import MAY_TAKE_ON_RESTRICTED
from services.registration.pack import Pack, load_pack
from services.registration.packets import api as packets_api
from services.registration.packets import subscribers as packets_subscribers
from services.registration.packets.loop import act_on_ended_forever
from services.registration.people import api as people_api
from services.registration.people.loop import index_forever
from services.registration.progress import api as progress_api
from services.registration.receipts import api as receipts_api
from services.registration.releases import api as releases_api
from services.registration.retention import api as retention_api
from services.registration.screening import api as screening_api
from services.registration.settings import Settings
from services.registration.sharing import api as sharing_api
from services.registration.sync import api as sync_api
from services.registration.sync.loop import tidy_forever
from services.registration.told import api as told_api
from services.registration.vault.key_files import name_in
from services.registration.vault.queries import unknown_master_keys
from services.registration.vault.sealing import MasterKey, Vault
from services.registration.vault.transit import KeyManagerAway, Transit
from services.registration.withholding import api as withholding_api

SERVICE = "registration"
DESCRIPTION = """\
Who has arrived, what they need, what they allow. Identity data are stored only here, encrypted with a key per person;
all others know only a case code. Every access to personal data is recorded, and the person can get the list."""
ROUTERS = [
    progress_api.router,  # before `/arrival-batches/{batch_id}`, which would take the word for an id
    arrivals_api.router,
    gate_api.router,
    people_api.router,
    needs_api.router,
    answers_api.router,
    told_api.router,
    screening_api.router,
    consent_api.router,
    receipts_api.router,
    intake_api.router,
    intake_api.people_router,
    matching_api.router,
    households_api.router,
    doubts_api.router,
    packets_api.router,
    sharing_api.router,
    withholding_api.router,
    erasure_api.router,
    access_reports_api.router,
    identity_checks_api.router,
    incidents_api.router,
    legal_requests_api.router,
    releases_api.router,
    emergencies_api.router,
    retention_api.router,
    exports_api.router,
    identity_ends_api.router,
    sync_api.router,
    operations_api.router,
]


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the application in the role that its settings give it. Settings come from the environment if not given."""
    settings = settings or Settings()
    database = Database(settings.database_url, clock=settings.clock(), application_name=SERVICE, pool_size=8)
    vault = vault_of(settings, KeysDatabase(settings.keys_database_url))
    pack, priors = load_pack(settings.pack), load_priors(settings.pack / "linkage.yaml")
    cluster = Cluster.named(settings.kafka_bootstrap_servers, **settings.kafka_access())
    event_keys = EventKeys.named(SERVICE, **settings.keys_of_events())
    consumer = Consumer(
        cluster,
        subscriptions_of(vault=vault, pack=pack),
        transaction=database.transaction,
        seal=vault.seal_parked,
        unseal=vault.open_parked,
        digest=vault.master.digest_of,
        instance_id=settings.worker_id(SERVICE),
        keyring=event_keys.keyring,
    )
    relay = Relay(settings.database_url, cluster, source=f"urn:enlace:{SERVICE}", signer=event_keys.signer)
    app = build_app(
        service=SERVICE,
        title="Enlace registration",
        description=DESCRIPTION,
        settings=settings,
        database=database,
        routers=ROUTERS,
        loops=[
            Loop("consumer", consumer.run, Role.WORKER),
            *_work(database, vault, pack, priors, audit_keys=settings.audit_keys()),
            Loop("relay", relay.run, Role.RELAY),
        ],
        checks={"keys": _keys_check(vault), "restricted needs": _restricted_check(database)},
        work_checks=_work_checks(settings, consumer, relay),
        resources=[_closing(vault)],
        **_about_callers(pack),
    )
    operations_api.observe(app, consumer=consumer, relay=relay)
    app.state.vault, app.state.pack, app.state.priors = vault, pack, priors
    app.state.grant_keys, app.state.registering = grant_keys_of(settings, vault), registering_of(database, vault, pack)
    return app


def _about_callers(pack: Pack) -> dict[str, Any]:
    """What row-level security is told of a caller: from the token, and from the certificates."""
    return {"told_of": partial(said_of, pack=pack), "look_up": partial(look_up_certificates, pack=pack)}


def _work_checks(settings: Settings, consumer: Consumer, relay: Relay) -> dict[str, Check]:
    waits = {Role.WORKER: ("consumer", consumer.why_unready), Role.RELAY: ("relay", relay.why_unready)}
    return {name: check_of(why) for role, (name, why) in waits.items() if settings.role.covers(role)}


def vault_of(settings: Settings, keys: KeysDatabase) -> Vault:
    """The vault with both keys of these settings; `SettingRefused` or VaultError if one cannot be used."""
    master, restricted = settings.vault_key_text(), settings.restricted_key_text()
    manager = manager_of(settings) if name_in(master) or name_in(restricted) else None
    try:
        opened = MasterKey.from_base64(master, manager), MasterKey.from_base64(restricted, manager)
    except KeyManagerAway as away:
        raise SettingRefused({"ENLACE_KMS_URL": f"the key manager cannot be used ({away.__cause__})"}) from None
    return Vault(opened[0], keys, opened[1], manager)


def manager_of(settings: Settings) -> Transit:
    """The key manager that these settings name; `SettingRefused` if none can be used."""
    url, token_file = settings.require_kms()
    return Transit(url, token_file, authorities=settings.kms_ca_file, kept_seconds=settings.kms_kept_seconds)


def grant_keys_of(settings: Settings, vault: Vault) -> ClaimKeys:
    """The keys that sign grants; `SettingRefused` if the file cannot be used."""
    text = settings.grant_keys_text()
    try:
        return ClaimKeys([vault.master.grants]) if text is None else ClaimKeys.from_text(text)
    except ClaimKeysError as error:
        raise SettingRefused({"ENLACE_GRANT_KEY_FILE": str(error)}) from None


def event_digest() -> Callable[[bytes], bytes]:
    """The digest under which registration stores ids of arrivals, for the commands of `libs.events`. The key comes
    from the settings in the environment."""
    settings = Settings()
    text = settings.vault_key_text()
    return MasterKey.from_base64(text, manager_of(settings) if name_in(text) else None).digest_of


def _work(database: Database, vault: Vault, pack: Pack, priors: Priors, *, audit_keys: SealKeys) -> list[Loop]:
    """The background loops of registration."""
    loops = {
        "audit sealer": partial(seal_forever, database=database, table=AUDIT, keys=audit_keys, tell=tell_seal),
        "comparisons": partial(compare_forever, database=database, vault=vault, priors=priors),
        "exports": partial(end_forever, database=database),
        "erasures": partial(replay_forever, database=database, pack=pack, vault=vault),
        "doubtful parts": partial(count_forever, database=database),
        "emergencies": partial(count_emergencies_forever, database=database),
        "duties after incidents": partial(watch_forever, database=database, policy=pack.reception.incidents),
        "manifests": partial(age_out_forever, database=database, vault=vault),
        "words of batches": partial(seal_batches_forever, database=database, master=vault.master),
        "names": partial(index_forever, database=database, vault=vault),
        "restricted needs": partial(move_forever, database=database, pack=pack, vault=vault),
        "staff references": partial(seal_references_forever, database=database, vault=vault),
        "ends of identity data": partial(check_forever, database=database, days=pack.reception.retention.identity_days),
        "told facts": partial(key_forever, database=database, vault=vault),
        "operations of devices": partial(tidy_forever, database=database, days=pack.reception.retention.device_days),
        "answers": partial(judge_forever, database=database, pack=pack, vault=vault),
        "ended consents": partial(act_on_ended_forever, database=database, pack=pack),
    }
    return [Loop(name, run, Role.WORKER) for name, run in loops.items()]


def subscriptions_of(*, vault: Vault, pack: Pack, group: str = SERVICE) -> Subscriptions:
    """All subscriptions of registration."""
    subscriptions = Subscriptions(group=group)
    arrivals_subscribers.subscribe(subscriptions, vault=vault, pack=pack)
    packets_subscribers.subscribe(subscriptions, pack=pack)
    certificates_subscribers.subscribe(subscriptions)
    needs_subscribers.subscribe(subscriptions, vault=vault)
    intake_subscribers.subscribe(subscriptions, vault=vault, pack=pack)
    return subscriptions


def _keys_check(vault: Vault) -> Check:
    async def check() -> None:
        async with vault.keys.connection() as connection:
            if await connection.fetchval("SELECT to_regclass('data_key')") is None:
                raise Unready("no migration has been applied to the database of keys")
        try:
            unknown = await unknown_master_keys(vault)
        except KeyManagerAway:
            raise Unready("the key manager does not answer, or refuses the token") from None
        if unknown:
            raise Unready("a master key is missing that is still in use")

    return check


def _restricted_check(database: Database) -> Check:
    async def check() -> None:
        async with database.engine.connect() as connection:
            may = (await connection.exec_driver_sql(MAY_TAKE_ON_RESTRICTED)).scalar_one()
        if not may:
            raise Unready("the login has no right to use the role of restricted needs (docs/operations.md)")

    return check


def _closing(vault: Vault) -> Resource:
    @asynccontextmanager
    async def opening(_: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await vault.close()

    return opening
