"""What the console does once for many pages and many people: translated texts, names, numbers of Tonight."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import httpx
import pytest
from babel.dates import format_timedelta
from jinja2 import DictLoader

from services.console.moments import Moments
from services.console.pages import TEMPLATES
from services.console.sessions import Rights
from services.console.shared_answers import SharedAnswers
from services.console.templating import OneLanguage
from services.console.tonight.queries import KEPT_SECONDS
from services.console.words import all_words
from tests.console.desk_world import desk, item, no_mishap, tell_lists, words_of
from tests.console.test_tonight import OPERATOR
from tests.console.test_tonight import night as night
from tests.console.world import World

OPTIONS = {"autoescape": True, "extensions": ["jinja2.ext.i18n"]}


async def test_two_views_that_name_desks_share_one_answer(world: World):
    """Seen to fail while each view kept the desks in a form of its own under the same name."""
    tell_lists(world, {"mine": [item()]})
    for path in ("/work/mine", "/work", "/work/mine"):
        page = await desk(world).get(path)
        no_mishap(page)
        assert page.status_code == 200
    assert len(world.services.sent("GET", "/v1/desks")) == 1
    assert "Migration institute, shelter" in words_of(page)


async def test_watchers_with_different_languages_share_the_numbers_but_not_the_words(world: World, night: object):
    """Seen to fail while the language was part of every key."""
    for language in ("en", "es"):
        page = await world.client(*OPERATOR, staff=True, language=language).get("/tonight/now")
        assert page.status_code == 200
    assert len(world.services.sent("GET", "/v1/waiting-times")) == 1
    assert [one.headers["accept-language"] for one in world.services.sent("GET", "/v1/taxonomy")] == ["en", "es"]


def test_the_numbers_of_tonight_are_kept_almost_until_the_page_asks_again():
    told = re.search(r'hx-trigger="every (\d+)s"', (TEMPLATES / "tonight" / "now.html").read_text(encoding="utf-8"))
    assert told is not None
    assert 0.9 * int(told[1]) < KEPT_SECONDS < int(told[1])


async def test_the_age_of_a_shared_answer_counts_from_the_beginning_of_its_call():
    """Seen to fail with the end of the call: a single watcher then got the numbers of the turn before."""
    now, made = [0.0], []

    async def make() -> int:
        now[0] += 3
        made.append(now[0])
        await asyncio.sleep(0)
        return len(made)

    shared = SharedAnswers(monotonic=lambda: now[0])
    assert await shared.get(Rights(), "x", make, seconds=9.5) == 1
    now[0] = 9.0
    assert await shared.get(Rights(), "x", make, seconds=9.5) == 1
    now[0] = 10.0
    assert await shared.get(Rights(), "x", make, seconds=9.5) == 2


async def test_a_session_that_ends_in_a_shared_call_ends_for_its_own_person_only(world: World, night: object):
    """The token of the one who asks first is refused. Seen to fail while those who wait got the same error."""
    arrived = asyncio.Event()

    async def slowly(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/waiting-times" and not arrived.is_set():
            arrived.set()
            await asyncio.sleep(0.2)  # the others arrive meanwhile
            return httpx.Response(401, json={})
        return await handle(request)

    handle = world.services.handle_async_request
    world.services.handle_async_request = slowly  # type: ignore[method-assign]
    crowd = [world.client(*OPERATOR, staff=True) for _ in range(5)]
    pages = await asyncio.gather(*(browser.get("/tonight/now") for browser in crowd))
    assert sorted(page.status_code for page in pages) == [200, 200, 200, 200, 303]
    assert len(world.app.state.console.sessions) == 4


@pytest.mark.parametrize("language", ["en", "es"])
def test_texts_that_are_translated_when_a_template_is_read_are_those_that_jinja_would_show(language: str):
    catalogue = all_words()[language].catalogue
    source = (
        '{{ _("Skip to the content") }}<a title="{{ _(\'Views\') }}">{% trans %}Sign out{% endtrans %}</a>'
        '{{ _("%(done)s of %(all)s", done="<b>", all=2) }}{{ _("<i>100 %%</i>") }}{{ ("" ~ _("Views"))|upper }}'
        '{{ ngettext("%(num)s person", "%(num)s people", 3) }}{% set text = _("Views") %}{{ text }}'
    )
    ours = OneLanguage.of(catalogue, loader=DictLoader({"page": source}), **OPTIONS)
    from jinja2 import Environment

    usual = Environment(loader=DictLoader({"page": source}), **OPTIONS)
    usual.install_gettext_translations(catalogue, newstyle=True)
    shown = ours.get_template("page").render()
    assert shown == usual.get_template("page").render()
    assert "&lt;b&gt;" in shown
    assert "<i>100 %</i>" in shown
    assert ("Saltar" in shown or "Ir al" in shown or "contenido" in shown) == (language == "es")


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_length_of_time_has_the_words_that_babel_gives_it(language: str):
    words = all_words()[language]
    moments = Moments(now=None, zone=None, words=words)  # type: ignore[arg-type]
    lengths = [0, 0.2, 1, 1.4, 59, 89, 89.9, 90, 3600, 5399, 5400, 86_399, 129_600, 604_800, 907_200, 4e6, 5e7, 1e8]
    for seconds in lengths:
        usual = format_timedelta(timedelta(seconds=seconds), threshold=1.5, locale=words.locale)
        assert moments.span(seconds) == moments.span(-seconds) == usual
