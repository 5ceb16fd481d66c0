"""How parallel workers share the tests: file by file, but all tests that use one expensive system go to one worker."""

from typing import Any

from xdist.scheduler import LoadFileScheduling

TOGETHER = ("tests/console/browser/",)
"""Folders whose files share one system. In several workers, each worker would start the system again."""


def scope_of(file: str) -> str:
    """What is given to one worker as a whole: the file, or its folder."""
    return next((folder for folder in TOGETHER if file.startswith(folder)), file)


class BySystem(LoadFileScheduling):  # type: ignore[misc]
    """xdist's `--dist loadfile` with folders that stay together."""

    def _split_scope(self, nodeid: str) -> Any:
        return scope_of(super()._split_scope(nodeid))
