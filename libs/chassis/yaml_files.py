"""Reading YAML files with the parser in C: that in Python takes a good part of a service's start for a country pack."""

from pathlib import Path
from typing import Any

import yaml


def read_yaml(path: Path) -> Any:
    """What the file says; plain types only. Raises OSError, and YAMLError for a text that is not YAML."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
