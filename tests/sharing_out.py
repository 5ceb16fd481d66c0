"""How parallel workers share the tests: file by file; tests of one expensive system together, long ones apart."""

from typing import Any

from xdist.scheduler import LoadFileScheduling

TOGETHER = ("tests/console/browser/",)
"""Folders whose files share one system. In several workers, each worker would start the system again."""
APART = ("tests/docs/test_extending.py", "tests/journeys/test_demo_countries.py")
"""Files whose tests take a minute or more each and share nothing. A worker with all of them would end last."""


def scope_of(test: str) -> str:
    """What is given to one worker as a whole: the file, its folder, or the test alone."""
    file = test.split("::", 1)[0]
    if file in APART:
        return test
    return next((folder for folder in TOGETHER if file.startswith(folder)), file)


class BySystem(LoadFileScheduling):  # type: ignore[misc]
    """xdist's `--dist loadfile` with folders that stay together and tests that go apart."""

    def _split_scope(self, nodeid: str) -> Any:
        return scope_of(nodeid)
