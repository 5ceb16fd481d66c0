"""Exports the lock file with uv."""

import subprocess
from typing import Final

from deploy.local.installation import ROOT

UV: Final = ROOT / "deploy" / "local" / "uv.sh"
RUNNING: Final = ("--no-default-groups", "--group", "local")
"""The groups of packages that run in a real or in a local installation; development tools are not among them."""


def exported(form: str, *options: str) -> str:
    """The lock file in this format of `uv export`. Raises CalledProcessError if uv fails."""
    command = [
        str(UV),
        "export",
        "--frozen",
        "--quiet",
        "--format",
        form,
        "--preview-features",
        "sbom-export",
        *options,
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603
