"""What the measurement of the console makes of its times and of the requests that it hears."""

import httpx
from fastapi import FastAPI, Request

from bench.console.relays import relays, served
from bench.console.run import figures
from bench.console.timing import Timed, name_of
from bench.console.watchers import Watched
from bench.filling import Names


def timed(pages: list[float], **calls: list[float]) -> Timed:
    return Timed(pages=pages, calls=list(calls.values()), names=list(calls), at_once=[1.0])


def test_a_page_is_compared_with_the_call_whose_median_is_the_longest():
    found = timed([13.0, 11.0, 900.0], fast=[1.0, 2.0, 3.0], slow=[9.0, 10.0, 10.5], once_slow=[2.0, 2.0, 800.0])
    assert found.slowest == (10.0, "slow")
    assert found.ratio == 1.3


def test_the_figure_is_that_of_the_worst_page_and_names_it():
    pages = {"tonight": timed([20.0], a=[10.0]), "stays": timed([12.0], a=[10.0])}
    told = figures(pages, Watched(by_one=60, by_many=63, for_other_role=11))
    assert (told["views"], told["worst"], told["watchers"]) == (2.0, "tonight", 1.05)
    assert told["ratio_stays"] == 1.2


async def test_a_relay_passes_a_request_on_unchanged_and_records_it():
    service, got = FastAPI(), []

    @service.post("/v1/cases/search")
    async def search(request: Request) -> dict[str, str]:
        got.append((request.url.query, request.headers["authorization"], await request.body()))
        return {"answer": "ñandú"}

    async with served(service) as url:
        words = ("REGISTRATION", "DIRECTORY", "REFERRAL", "NOTIFICATIONS")
        async with relays({f"ENLACE_{word}_URL": url for word in words}) as (urls, heard), httpx.AsyncClient() as http:
            place = f"{urls['ENLACE_REFERRAL_URL']}/v1/cases/search?limit=5&q=a%20b"
            answer = await http.post(place, json={"a": 1}, headers={"Authorization": "Bearer x"})
            assert answer.json() == {"answer": "ñandú"}
            (one,) = heard.take()
            assert heard.take() == []
    assert got == [("limit=5&q=a%20b", "Bearer x", b'{"a":1}')]
    assert (one.service, one.method, one.target) == ("REFERRAL", "POST", "/v1/cases/search?limit=5&q=a%20b")
    assert (one.headers["authorization"], one.body) == ("Bearer x", b'{"a":1}')
    assert "Bearer" not in repr(one)


def test_the_name_of_a_call_has_no_id_and_no_query():
    told = "/v1/returnees/01a22b3b-85e2-71e7-b34a-d4630e184d32/timeline?limit=50"
    assert name_of("GET", "REFERRAL", told) == "GET referral /v1/returnees/…/timeline"


def test_the_added_offers_are_as_many_and_of_those_services_as_told():
    one = ("00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002")
    told = Names(desks=["a-desk", "b-desk"], services=[one], open_offers=500).columns  # type: ignore[list-item]
    assert told["open"] == "n <= 8000"
    assert (one[0] in told["organization"], one[1] in told["service"]) == (True, True)
    assert "desk-1" not in told["desk"] + told["review_desk"]
