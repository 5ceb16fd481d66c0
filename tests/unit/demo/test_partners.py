"""What a partner declares: places that it has added stay, also if it then says that it is full."""

from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, cast

from deploy.demo import partners
from deploy.demo.partners import Partner, Tally, Urls
from deploy.packs.demo_data import load_demo
from deploy.packs.directory import load_directory

PACK = Path(__file__).parents[3] / "deploy" / "packs" / "guatemala"


class Declared:
    """The organisation's caller; it keeps the bodies of its declarations."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []

    async def call(self, method: str, url: str, *, body: dict[str, Any], expect: frozenset[int] = frozenset()) -> None:
        assert (method, url.rsplit("/", 1)[1]) == ("PUT", "capacity")
        self.bodies.append(body)


@asynccontextmanager
async def at_once():
    yield


async def test_a_service_that_is_full_after_it_declared_more_does_not_lower_its_maximum(monkeypatch) -> None:
    """A lowered maximum may be below the places in use. Seen to fail without `added` in `_declare_full`."""
    monkeypatch.setattr(partners, "SAYS_FULL_AFTER_SECONDS", 0)
    organization = next(one for one in load_directory(PACK).organizations if one.slug == "igm")
    service, caller = organization.services[0], Declared()
    partner = Partner(
        organization, caller=cast(Any, caller), urls=Urls("", "", ""), tally=Tally(), random=Random(1),
        hands=cast(Any, SimpleNamespace(working=at_once)), notebook=cast(Any, None), clock=cast(Any, None),
        habits=load_demo(PACK).partners,
    )  # fmt: skip
    await partner._declare_full(service)
    await partner.declare_more(service, 3)
    await partner.declare_more(service, 2)
    await partner._declare_full(service)
    maximum = service.pools[0].maximum
    shown = [(body["pools"][0]["maximum"], body["pools"][0]["available"]) for body in caller.bodies]
    declared = service.pools[0].available
    assert shown == [(maximum, 0), (maximum + 3, declared + 3), (maximum + 5, declared + 5), (maximum + 5, 0)]
