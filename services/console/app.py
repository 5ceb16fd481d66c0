"""Connects the parts of the console: pages, the issuer, the services. No other module knows all parts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.routing import APIRoute

from libs.chassis.gate import close
from libs.chassis.health import Health
from libs.chassis.input_guard import Bodies, InputGuard
from libs.chassis.logs import get_logger
from libs.chassis.rates import RateLimits, Rates
from libs.chassis.security_headers import SecurityHeaders
from libs.chassis.supervisor import Supervisor
from libs.chassis.telemetry import flush_telemetry, instrument, setup_telemetry
from services.console import assets, refused_pages
from services.console.calls import http_client
from services.console.cases import api as cases_api
from services.console.consents import api as consents_api
from services.console.deletions import api as deletions_api
from services.console.directory import api as directory_api
from services.console.doubts import api as doubts_api
from services.console.emergencies import api as emergencies_api
from services.console.endpoints import api as endpoints_api
from services.console.exports import api as exports_api
from services.console.incidents import api as incidents_api
from services.console.intake import api as intake_api
from services.console.issuer import Issuer
from services.console.listings import api as listings_api
from services.console.matches import api as matches_api
from services.console.needs import api as needs_api
from services.console.offers import api as offers_api
from services.console.pack import Pack
from services.console.people import Console
from services.console.people_data import api as people_data_api
from services.console.places import api as places_api
from services.console.reception import api as reception_api
from services.console.releases import api as releases_api
from services.console.screening import api as screening_api
from services.console.sessions import Sessions
from services.console.settings import ConsoleSettings
from services.console.shared_answers import SharedAnswers
from services.console.signin import api as signin_api
from services.console.signin.actions import SignIns
from services.console.stays import api as stays_api
from services.console.tonight import api as tonight_api
from services.console.withholding import api as withholding_api
from services.console.work import api as work_api

SERVICE = "console"
log = get_logger(__name__)
ROUTERS = (
    signin_api.router,
    tonight_api.router,
    cases_api.router,
    work_api.router,
    reception_api.router,
    doubts_api.router,
    matches_api.router,
    screening_api.entry,
    screening_api.router,
    needs_api.router,
    consents_api.router,
    intake_api.router,
    deletions_api.router,
    offers_api.router,
    stays_api.router,
    places_api.router,
    endpoints_api.router,
    listings_api.router,
    directory_api.router,
    people_data_api.router,
    releases_api.router,
    emergencies_api.router,
    exports_api.router,
    incidents_api.router,
    withholding_api.router,
    assets.router,
)


def create_app(settings: ConsoleSettings | None = None) -> FastAPI:
    """Build the application. Settings come from the environment if not given."""
    settings = settings or ConsoleSettings()
    setup_telemetry(SERVICE, settings)
    app = FastAPI(
        title="Enlace console",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    app.state.settings = settings
    app.state.supervisor = Supervisor([])
    app.state.health = Health({})
    app.state.sign_ins = SignIns()
    refused_pages.install(app)
    app.add_middleware(
        InputGuard, limit_bytes=settings.body_limit_bytes, bodies=Bodies(settings.bodies_in_memory_bytes)
    )
    app.state.rates = Rates(settings)
    app.add_middleware(RateLimits, rates=app.state.rates)
    app.add_middleware(SecurityHeaders, cookies=True)
    app.include_router(app.state.health.router())
    for router in ROUTERS:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            close(route)
            app.router.routes.append(route)
    instrument(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: ConsoleSettings = app.state.settings
    async with http_client(settings) as http:
        app.state.console = Console(
            settings=settings,
            issuer=Issuer(settings, http),
            sessions=Sessions(
                idle_seconds=60.0 * settings.session_idle_minutes, longest_seconds=3600.0 * settings.session_hours
            ),
            shared=SharedAnswers(),
            pack=Pack(settings.pack),
            http=http,
        )
        log.info("process.started")
        yield
        log.info("process.stopping")
        flush_telemetry()
