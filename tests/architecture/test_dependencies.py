"""What routes depend on is async: FastAPI runs a plain function in a thread, which costs more than what it computes."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

ROOT = Path(__file__).resolve().parents[2]
APIS = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in (ROOT / "services").glob("*/**/api.py")
)


def routes_of(module: str) -> list[APIRoute]:
    """The routes that a file gives its service; none where it holds dependencies of others only."""
    routers = [one for one in vars(importlib.import_module(module)).values() if isinstance(one, APIRouter)]
    return [route for router in routers for route in router.routes if isinstance(route, APIRoute)]


def needed(dependant: Dependant) -> Iterator[Dependant]:
    """What this needs, and what that needs in turn."""
    for one in dependant.dependencies:
        yield one
        yield from needed(one)


def is_async(dependant: Dependant) -> bool:
    call = inspect.unwrap(dependant.call) if inspect.isfunction(dependant.call) else dependant.call
    asked = (call, type(call).__call__)
    return any(inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one) for one in asked)


def test_there_are_routes_to_look_at():
    assert sum(len(routes_of(module)) for module in APIS) > 100


@pytest.mark.parametrize("module", APIS)
def test_no_dependency_of_a_route_takes_a_threads_turn(module: str):
    """With `async` taken from a dependency, such as `_filters` of the work lists, its routes are named here."""
    routes = routes_of(module)
    plain = {
        f"{route.path}: {getattr(one.call, '__name__', one.call)}"
        for route in routes
        for one in needed(route.dependant)
        if not is_async(one)
    }
    assert not plain
