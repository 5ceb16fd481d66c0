"""Download uv's newest wheel from PyPI and unpack its program: `python fetch_uv.py DIRECTORY`.

This is for systems whose Python has neither venv nor pip, so it uses only the standard library. It compares the file
with the SHA-256 that PyPI gives.
"""

import hashlib
import io
import json
import os
import platform
import sys
import urllib.request
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

INDEX_URL = os.environ.get("ENLACE_PYPI_URL", "https://pypi.org/pypi")
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


def wheel_tag() -> str:
    """The platform part in the name of the wheel for this machine; `*` stands for any characters."""
    machine = MACHINES.get(platform.machine().lower(), platform.machine().lower())
    if sys.platform == "darwin":
        return f"macosx_{'11_0_arm64' if machine == 'aarch64' else '10_12_x86_64'}"
    family = "manylinux" if platform.libc_ver()[0] == "glibc" else "musllinux"
    return f"{family}*{machine}"


def fits(name: str, tag: str) -> bool:
    """True if the wheel with this name has the tag."""
    start, _, end = tag.partition("*")
    return name.endswith(".whl") and start in name and end in name


def read(url: str) -> bytes:
    """The content of an https address."""
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - https of the index
        content: bytes = answer.read()
    return content


def main(directory: Path) -> None:
    """Write the program `uv` into the directory."""
    index = f"{INDEX_URL}/uv/json"
    release: dict[str, Any] = json.loads(read(index))
    wheels = [file for file in release["urls"] if fits(file["filename"], wheel_tag())]
    if not wheels:
        sys.exit(f"PyPI has no uv for this machine ({wheel_tag()}); install uv by hand: https://docs.astral.sh/uv/")
    content = read(urljoin(index, wheels[0]["url"]))
    if hashlib.sha256(content).hexdigest() != wheels[0]["digests"]["sha256"]:
        sys.exit(f"{wheels[0]['filename']} is not the file that PyPI names")
    directory.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(content)) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith("/scripts/uv"))
        program = directory / "uv"
        program.write_bytes(wheel.read(name))
    program.chmod(0o755)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
