"""A real browser for tests: the one that `python -m deploy.browser` finds. It fetches nothing."""

import os
from functools import cache
from pathlib import Path

import pytest

from deploy.browser.finding import NoBrowserError, find

REQUIRED = "ENLACE_BROWSER_TESTS"
"""With the value `required`, tests fail without a browser. `.ci/run` sets it, so that it never skips them."""


def a_browser() -> Path:
    """The path of a Chromium. Without one, the test is skipped with the reason, or fails if it must not be skipped."""
    path, reason = _found()
    if path is not None:
        return path
    if os.environ.get(REQUIRED) == "required":
        pytest.fail(f"{reason} ({REQUIRED}=required)")
    pytest.skip(reason)


@cache
def _found() -> tuple[Path | None, str]:
    try:
        return find(), "there is no Chromium on this machine: make setup-browser"
    except NoBrowserError as error:
        return None, str(error)
