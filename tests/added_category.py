"""A country pack with one more category than the Guatemalan one.

It is one entry in `taxonomy.yaml`, with one kind that belongs to it; no other file changes.
"""

import shutil
from pathlib import Path
from typing import Final

from tests.categories import GUATEMALA

ADDED: Final = "childcare"
ADDED_KIND: Final = "day_nursery"
_CATEGORY: Final = """categories:
  childcare:
    label: {es: Cuidado infantil, en: Childcare}
    definition: {es: Cuidado de día para niñas y niños., en: Day care for children.}
    dimension: social
    basic: true
"""
_KIND: Final = """kinds:
  day_nursery:
    category: childcare
    label: {es: Guardería, en: Day nursery}
    definition: {es: Un lugar en una guardería., en: A place in a day nursery.}
    unit: session
    details: [nights]
    completion: [sessions_held]
"""


def pack_with_childcare(directory: Path) -> Path:
    """A copy of the Guatemalan pack in a new folder of `directory`, with the category `childcare`."""
    pack = directory / "pack"
    shutil.copytree(GUATEMALA, pack)
    file = pack / "taxonomy.yaml"
    told = file.read_text(encoding="utf-8")
    for heading, entry in (("categories:\n", _CATEGORY), ("kinds:\n", _KIND)):
        assert told.count(f"\n{heading}") == 1
        told = told.replace(f"\n{heading}", f"\n{entry}")
    file.write_text(told, encoding="utf-8")
    return pack
