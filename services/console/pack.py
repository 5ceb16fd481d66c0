"""What the console needs of the country pack: its time zone, its reception places and the names of its desks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from libs.chassis.yaml_files import read_yaml
from libs.taxonomy.model import load_taxonomy
from libs.taxonomy.policies import load_restricted

PRIMERO_REASONS: Final = ("fear_of_harm", "will_tell_themselves", "other")
"""The reasons of Primero, which count for a pack that names none."""


@dataclass(frozen=True)
class Pack:
    """A country pack."""

    folder: Path

    @cached_property
    def _reception(self) -> Mapping[str, Any]:
        content: Mapping[str, Any] = read_yaml(self.folder / "reception.yaml")
        return content

    @cached_property
    def zone(self) -> ZoneInfo:
        """The zone in which times are shown."""
        return ZoneInfo(self._reception["timezone"])

    @cached_property
    def restricted(self) -> frozenset[str]:
        """The categories that exist only for people with the right to see them."""
        return load_restricted(self.folder, load_taxonomy(self.folder))

    @cached_property
    def country(self) -> str:
        """The code of the country."""
        return str(self._reception["country"])

    @cached_property
    def _places(self) -> Mapping[str, Any]:
        content: Mapping[str, Any] = read_yaml(self.folder / "places.yaml")
        places: Mapping[str, Any] = content["places"]
        return places

    @cached_property
    def areas(self) -> Mapping[str, str]:
        """The names of the country's areas of the first level by code."""
        return {code: place["name"] for code, place in self._places.items()}

    @cached_property
    def languages(self) -> Sequence[str]:
        """The languages (ISO 639-3) that are widely spoken in some area of the country, by code."""
        return sorted({language for place in self._places.values() for language in place["languages"]})

    @cached_property
    def reception_places(self) -> Mapping[str, str]:
        """The names of the reception places by code."""
        return {code: place["name"] for code, place in self._reception["places"].items()}

    def place(self, code: str | None) -> str:
        """The name of a reception place; the code itself for a place that the pack does not name."""
        return self.reception_places.get(code or "", code or "–")

    @cached_property
    def withholding_reasons(self) -> Sequence[str]:
        """The codes of the reasons why a person withholds something."""
        policy = self._reception.get("withholding", {})
        return list(policy.get("reasons", PRIMERO_REASONS))
