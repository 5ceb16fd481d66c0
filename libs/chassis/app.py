"""The application of a service: routes, background loops, health and telemetry. All services connect them in the same
way."""

import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import cache
from typing import Any

import httpx
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from libs.chassis.api_pages import install_api_pages
from libs.chassis.auth import require_callers
from libs.chassis.database import Database, LookUp, ToldOf
from libs.chassis.gate import close
from libs.chassis.health import Check, Health, Unready
from libs.chassis.http_client import Transport
from libs.chassis.idempotency import retention_loop
from libs.chassis.input_guard import Bodies, InputGuard
from libs.chassis.logins import StrongLoginError, refuse_strong
from libs.chassis.logs import get_logger
from libs.chassis.migrations import head_of, known_revisions, version_table
from libs.chassis.openapi import install_openapi
from libs.chassis.problems import install_problem_handlers
from libs.chassis.rates import RateLimits, Rates
from libs.chassis.revocations import Revocations
from libs.chassis.security_headers import SecurityHeaders
from libs.chassis.settings import CommonSettings, Role
from libs.chassis.supervisor import Loop, Supervisor
from libs.chassis.telemetry import flush_telemetry, instrument, setup_telemetry
from libs.chassis.tokens import KeyRing, TokenVerifier

__all__ = ["Loop", "Resource", "build_app"]

log = get_logger(__name__)
Resource = Callable[[FastAPI], AbstractAsyncContextManager[None]]
"""Something that a service opens at start and closes at the end, e.g. an HTTP client kept on `app.state`."""


def build_app(
    *,
    service: str,
    title: str,
    settings: CommonSettings,
    database: Database,
    routers: Sequence[APIRouter] = (),
    loops: Sequence[Loop] = (),
    checks: Mapping[str, Check] | None = None,
    work_checks: Mapping[str, Check] | None = None,
    resources: Sequence[Resource] = (),
    told_of: ToldOf | None = None,
    look_up: LookUp | None = None,
    description: str = "",
    version: str = "1.0.0",
    stop_seconds: float = 10.0,
) -> FastAPI:
    """The application of `service` in the role that the settings give it.

    `routers` are served by the roles `all` and `api`. A loop runs in the processes whose role covers the role of the
    loop. The API needs the database, its migrations and everything in `checks`. `work_checks` and the loops belong to
    the background work. `resources` are entered in order before the loops start, and left in reverse order after the
    loops have ended. Loops have `stop_seconds` to end.
    """
    setup_telemetry(service, settings)
    mine = [loop for loop in (*loops, retention_loop(database)) if settings.role.covers(loop.role)]
    supervisor = Supervisor(mine, deadline_seconds=stop_seconds)
    own = {"database": _database_check(database), "migrations": _migrations_check(service, database)}
    behind = {**(work_checks or {}), **supervisor.checks()}
    told: dict[str, Any] = {"title": title, "version": version, "description": description}
    app = FastAPI(**told, **_OURS, lifespan=_lifespan(database, supervisor, resources))
    app.state.settings = settings
    app.state.database, app.state.told_of, app.state.look_up = database, told_of, look_up
    app.state.supervisor = supervisor
    app.state.health = Health({**own, **(checks or {})}, behind, has_api=settings.role.covers(Role.API))
    _serve(app, routers if settings.role.covers(Role.API) else ())
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


_OURS: Mapping[str, Any] = {
    "generate_unique_id_function": _operation_id,
    "redirect_slashes": False,
    # The document and its page are served by libs.chassis.api_pages.
    "openapi_url": None,
    "docs_url": None,
    "redoc_url": None,
}


def _serve(app: FastAPI, routers: Sequence[APIRouter]) -> None:
    """Add the routes and the middleware to `app`."""
    require_callers(routers)
    settings: CommonSettings = app.state.settings
    install_problem_handlers(app)
    bodies = Bodies(settings.bodies_in_memory_bytes)
    app.add_middleware(InputGuard, limit_bytes=settings.body_limit_bytes, bodies=bodies)
    app.state.rates = Rates(settings)
    app.add_middleware(RateLimits, rates=app.state.rates)
    app.add_middleware(SecurityHeaders)
    app.include_router(app.state.health.router())
    for router in routers:
        _take_over(app, router)
    install_openapi(app, token_url=settings.token_url or f"{settings.token_issuer.rstrip('/')}/token")
    if settings.api_docs == "open":
        install_api_pages(app)
    instrument(app)


def _take_over(app: FastAPI, router: APIRouter) -> None:
    """Use the routes of the router directly: including it would build each of them, with its models, a second time."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            route.unique_id = _operation_id(route)
            close(route)
        app.router.routes.append(route)


@cache
def _trusted() -> ssl.SSLContext:
    """The certificate authorities that this machine trusts, read once per process."""
    return httpx.create_ssl_context()


def _lifespan(
    database: Database, supervisor: Supervisor, resources: Sequence[Resource]
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        settings: CommonSettings = app.state.settings
        async with AsyncExitStack() as stack:
            stack.callback(flush_telemetry)
            stack.push_async_callback(database.close)
            client = await stack.enter_async_context(httpx.AsyncClient(transport=Transport(verify=_trusted())))
            await _refuse_strong_login(database)
            app.state.tokens = TokenVerifier(
                KeyRing(settings.token_jwks_url, client),
                issuer=settings.token_issuer,
                audience=settings.token_audience,
                longest_seconds=settings.token_longest_seconds,
                revocations=Revocations(settings.revocations_file),
            )
            for resource in resources:
                await stack.enter_async_context(resource(app))
            stack.push_async_callback(supervisor.stop)
            supervisor.start()
            log.info("process.started", role=settings.role)
            yield
            log.info("process.stopping", role=settings.role)

    return lifespan


async def _refuse_strong_login(database: Database) -> None:
    """Refuse to start under a login with too many rights. With an unavailable database it starts, but is not ready."""
    try:
        await refuse_strong(database)
    except (OSError, TimeoutError, SQLAlchemyError):
        log.warning("database.away")
    except StrongLoginError as error:
        log.error("login.refused", reason=str(error))
        raise


def _database_check(database: Database) -> Check:
    looked = False

    async def check() -> None:
        nonlocal looked
        async with database.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        if not looked:
            try:
                await refuse_strong(database)
            except StrongLoginError as error:
                raise Unready(str(error)) from None
            looked = True

    return check


def _migrations_check(service: str, database: Database) -> Check:
    head = head_of(service)
    behind = known_revisions(service) - {head} if head is not None else frozenset()

    async def check() -> None:
        if head is None:
            return
        async with database.engine.connect() as connection:
            table = version_table(service)
            if (await connection.execute(text("SELECT to_regclass(:name)"), {"name": table})).scalar() is None:
                raise Unready("no migration has been applied")
            version = (await connection.execute(text(f"SELECT version_num FROM {table}"))).scalar()  # noqa: S608
            # A revision that this code does not know is a newer one. This code works with it: an upgrade first migrates
            # the database, then replaces the processes one by one.
            if version in behind:
                raise Unready("the database lacks migrations of this version")

    return check
