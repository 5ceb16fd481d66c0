"""Reads YAML files with the parser in C; for a country pack, the one in Python would delay a service's start."""

from pathlib import Path
from typing import Any

import yaml


def read_yaml(path: Path) -> Any:
    """The content of the file; plain types only. Raises OSError, and YAMLError for a text that is not YAML."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
