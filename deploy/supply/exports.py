"""What the lock file names, as uv writes it out."""

import subprocess
from typing import Final

from deploy.local.installation import ROOT

UV: Final = ROOT / "deploy" / "local" / "uv.sh"
RUNNING: Final = ("--no-default-groups", "--group", "local")
"""What runs in an installation or in a local one; tools of development are not shipped."""


def exported(form: str, *options: str) -> str:
    """The lock file in this format of `uv export`; CalledProcessError where uv refuses."""
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
