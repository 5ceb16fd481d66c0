"""The page of the API document: served where a setting says so, whole without any other address, and only to read."""

import asyncio
import base64
import hashlib
import json
import re

from tests.browser import a_browser
from tests.service.chassis.things import Gate

PATHS = ("/docs", "/docs/swagger-ui.css", "/docs/swagger-ui.js", "/docs/start.js", "/openapi.json")


async def test_without_the_setting_there_are_no_pages(make_app, running):
    """Taken out: the condition in `_serve` (each was there for everybody)."""
    async with running(make_app(Gate(), api_docs="off")) as client:
        assert {path: (await client.get(path)).status_code for path in PATHS} == dict.fromkeys(PATHS, 404)
        assert (await client.get("/redoc")).status_code == 404


def test_the_pages_are_shut_where_nothing_is_said(make_settings, monkeypatch):
    monkeypatch.delenv("ENLACE_API_DOCS")
    assert make_settings().api_docs == "off"


async def test_every_part_of_the_page_is_from_here_and_has_its_sum(things):
    page = await things.client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    parts = re.findall(r'(?:src|href)="(docs/[^"]+)" integrity="sha384-([^"]+)"', page.text)
    assert [name for name, _ in parts] == ["docs/swagger-ui.css", "docs/swagger-ui.js", "docs/start.js"]
    assert "//" not in page.text
    for name, told in parts:
        part = await things.client.get(f"/{name}")
        assert base64.b64encode(hashlib.sha384(part.content).digest()).decode() == told
        assert part.headers["x-content-type-options"] == "nosniff"


async def test_only_the_page_itself_may_run_scripts_and_only_those_from_here(things):
    policy = (await things.client.get("/docs")).headers["content-security-policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["script-src"] == "'self'"
    assert rules["connect-src"] == "'self'"
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == rules["frame-ancestors"] == "'none'"
    for path in ("/openapi.json", "/livez", "/docs/start.js"):
        answer = await things.client.get(path)
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; base-uri")


async def test_a_browser_shows_every_operation_and_asks_nobody_else(things, tmp_path):
    """With FastAPI's own page the browser asked cdn.jsdelivr.net and fastapi.tiangolo.com, and showed nothing.

    With `SecurityHeaders`' policy instead of the page's own it refused the scripts.
    """
    chromium = a_browser()
    here = str(things.client.base_url).rstrip("/")
    log = tmp_path / "net.json"
    browser = await asyncio.create_subprocess_exec(
        *(str(chromium), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--enable-logging=stderr"),
        *(
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--log-net-log={log}",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ),
        *("--virtual-time-budget=20000", "--timeout=90000", "--dump-dom", f"{here}/docs"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    page, told = await asyncio.wait_for(browser.communicate(), 150)
    shown, said = page.decode(), told.decode(errors="replace")
    for path in (await things.client.get("/openapi.json")).json()["paths"]:
        assert f'data-path="{path}"' in shown, said[-2_000:]
    assert "Content Security Policy" not in said
    assert "Failed to find a valid digest" not in said
    assert "try-out" not in shown
    asked = asked_by_pages(log.read_text(encoding="utf-8"))
    assert asked >= {f"{here}{path}" for path in PATHS[1:]}
    assert not {url for url in asked if not url.startswith((f"{here}/", "data:"))}


def asked_by_pages(log):
    """Every address that a page asked for; what the browser asks for itself has no page as its initiator."""
    events = json.loads(log if log.rstrip().endswith("}") else log.rstrip().rstrip(",") + "]}")["events"]
    starts = [event["params"] for event in events if "initiator" in event.get("params", {})]
    return {start["url"] for start in starts if "url" in start and start["initiator"] != "not an origin"}
