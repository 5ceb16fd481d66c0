"""The setting with the address of a trace's page: which templates are accepted, and the links that are made of them."""

import pytest
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings

from libs.chassis.trace_links import TraceUrl, checked_template, trace_link

ZIPKIN = "http://127.0.0.1:9411/zipkin/traces/{trace_id}"
ID = "0af7651916cd43dd8448eb211c80319c"


class Settings(BaseSettings):
    trace_url: TraceUrl = Field(default=None, validation_alias="ENLACE_TRACE_URL")


@pytest.mark.parametrize(
    "template",
    [
        ZIPKIN,
        "https://traces.example.org/trace/{trace_id}",
        "https://grafana.example.org/explore?left=%7B%22query%22:%22{trace_id}%22%7D&orgId=1",
        "http://[::1]:16686/trace/{trace_id}#spans",
    ],
)
def test_a_url_with_the_place_of_the_trace_id_is_accepted_as_it_is(template):
    assert checked_template(template) == template


@pytest.mark.parametrize(
    "template",
    [
        "http://127.0.0.1:9411/zipkin/traces/",
        "http://127.0.0.1:9411/{trace_id}/{trace_id}",
        "http://127.0.0.1:9411/{traceid}/{trace_id}",
        "http://127.0.0.1:9411/{{trace_id}}",
        "javascript:alert(1)//{trace_id}",
        "ftp://127.0.0.1/{trace_id}",
        "//127.0.0.1/{trace_id}",
        "127.0.0.1:9411/{trace_id}",
        "https:///{trace_id}",
        "https://{trace_id}.example.org/",
        "https://someone:secret@example.org/{trace_id}",  # pragma: allowlist secret
        "https://example.org:99999/{trace_id}",
        "https://example.org/ {trace_id}",
        'https://example.org/"><script>{trace_id}',
        "https://example.org/{trace_id}\n",
        "https://[::1/{trace_id}",
    ],
)
def test_any_other_template_is_refused_by_the_name_of_the_setting_and_not_quoted(template, monkeypatch):
    with pytest.raises(ValueError, match=r"^ENLACE_TRACE_URL must ") as refused:
        checked_template(template)
    assert "secret" not in str(refused.value)
    monkeypatch.setenv("ENLACE_TRACE_URL", template)
    with pytest.raises(ValidationError, match="ENLACE_TRACE_URL"):
        Settings()


@pytest.mark.parametrize("value", [None, ""])
def test_without_the_setting_there_are_no_links(value, monkeypatch):
    monkeypatch.delenv("ENLACE_TRACE_URL", raising=False)
    if value is not None:
        monkeypatch.setenv("ENLACE_TRACE_URL", value)
    assert Settings().trace_url is None


def test_a_link_is_made_only_for_an_id_of_a_trace():
    assert trace_link(ZIPKIN, ID) == f"http://127.0.0.1:9411/zipkin/traces/{ID}"
    for wrong in ("", ID.upper(), ID[1:], ID + "0", "../" + ID[3:], f"{ID}\n"):
        with pytest.raises(ValueError, match="32 hexadecimal"):
            trace_link(ZIPKIN, wrong)
