"""A sample person signs in to the console in its container, as a browser of this machine does it."""

from __future__ import annotations

import re
from html import unescape

import httpx

_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


def first_view(console_url: str, subject: str) -> httpx.Response:
    """The page at which the person arrives after the sign-in."""
    with httpx.Client(trust_env=False, follow_redirects=True, timeout=60) as browser:
        page = browser.get(f"{console_url}/sign-in")
        fields = {unescape(name): unescape(value) for name, value in _HIDDEN.findall(page.text)}
        return browser.post(page.url.join("/authorize"), data=fields | {"subject": subject})
