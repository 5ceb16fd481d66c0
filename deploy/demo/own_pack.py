"""The pack of a demo: the country pack with clocks of seconds and without weekly hours.

With it, a process that takes days in reality takes a minute, at any time of day. It is made anew at each start, in the
state directory of the demo. Desks, categories, weights, stays and places stay as they are.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from deploy.packs.demo_data import load_demo
from deploy.packs.directory import directory_file
from libs.chassis.yaml_files import read_yaml
from libs.instruments.loading import FOLDER

_WAITS: Final = ("emergency", "urgent", "normal")
_ANSWERS: Final = (
    {"answer_within": 12, "remind_after": [6], "acknowledge_within": 9},
    {"answer_within": 14, "remind_after": [7], "acknowledge_within": 10},
    {"answer_within": 15, "remind_after": [7.5], "acknowledge_within": 11},
)
_ROUTES: Final = (90, 105, 120)
_STARTS: Final = {"within": 600, "remind_after": [300]}
_REPORTS: Final = {"within": 3600, "remind_after": [1800]}
_QUEUES: Final = 900
_OWNERS: Final = (
    {"see_within": 300, "act_within": 600},
    {"see_within": 450, "act_within": 900},
    {"see_within": 600, "act_within": 1200},
)
_ROUNDS: Final = {"batch_timeout": 20, "household_timeout": 15, "keep_places_for": 30}
_SEARCH_EVERY: Final = 20
"""All of these are seconds, those of `_WAITS` in its order."""
_NOT_COPIED: Final = frozenset({"directory.yaml", "overlay.yaml", "routing.yaml"})


class OtherCountryError(Exception):
    """The state directory belongs to a demo of another country."""


def write_own_pack(base: Path, folder: Path) -> None:
    """Write the demo's pack of the country pack `base` into `folder`.

    Raises OtherCountryError if the folder has the pack of another country, and FaultyFileError for a mistake in a file.
    """
    base = directory_file(base).parent.resolve()
    routing, sample = read_yaml(base / "routing.yaml"), load_demo(base)
    written = folder / "routing.yaml"
    if written.exists() and (country := read_yaml(written)["country"]) != routing["country"]:
        raise OtherCountryError(
            f"{folder.parent} is the state of a demo of {country}; choose another directory for {routing['country']}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for path in base.glob("*.yaml"):
        if path.name not in _NOT_COPIED:
            shutil.copyfile(path, folder / path.name)
    if (base / FOLDER).is_dir():
        shutil.copytree(base / FOLDER, folder / FOLDER, dirs_exist_ok=True)
    overlay = {"base": str(base), "always_open": True, "keeps_hours": sorted(sample.partners.keeping_hours)}
    _write(folder / "overlay.yaml", overlay)
    _write(written, in_seconds(routing))


def in_seconds(routing: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a `routing.yaml` with clocks of seconds. Offers are not paced, because a demo offers thousands of
    people to few services within seconds."""
    return {
        **routing,
        "version": f"{routing['version']}-demo",
        "categories": {name: category | _clocks(category) for name, category in routing["categories"].items()},
        "search": routing["search"] | {"every": _SEARCH_EVERY},
        "rounds": routing["rounds"] | _ROUNDS,
        "pacing": None,
    }


def _clocks(category: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "clocks": {wait: category["clocks"][wait] | own for wait, own in zip(_WAITS, _ANSWERS, strict=True)},
        "route_within": dict(zip(_WAITS, _ROUTES, strict=True)),
        "start_clocks": dict.fromkeys(_WAITS, _STARTS),
        "report_clocks": dict.fromkeys(_WAITS, _REPORTS),
        "waitlist_within": dict.fromkeys(_WAITS, _QUEUES),
        "owner_clocks": dict(zip(_WAITS, _OWNERS, strict=True)),
    }


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(yaml.safe_dump(dict(content), allow_unicode=True, sort_keys=False), encoding="utf-8")
