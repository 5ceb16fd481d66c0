"""The taxonomy of the Guatemalan pack, for tests that go through all categories."""

from pathlib import Path
from typing import Final

from libs.taxonomy.model import load_taxonomy

GUATEMALA: Final = Path(__file__).parents[1] / "deploy" / "packs" / "guatemala"
TAXONOMY: Final = load_taxonomy(GUATEMALA)
CATEGORIES: Final = tuple(TAXONOMY.categories)
