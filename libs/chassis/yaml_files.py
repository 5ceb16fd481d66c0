"""YAML files, such as those of a country pack: reading them, and what their models have in common.

They are read with the parser in C. With the parser in Python, a country pack would delay the start of a service.
"""

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict


class PackPart(BaseModel):
    """A part of a country pack. It is frozen, and a field that it does not declare is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def read_yaml(path: Path) -> Any:
    """The content of the file; plain types only. Raises OSError, and YAMLError for a text that is not YAML."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
