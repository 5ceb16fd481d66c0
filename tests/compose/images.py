"""The images that docker-compose.yml needs: the public ones where they can be had, else stand-ins made here."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from deploy.local.jars import LOCK, cache_directory, fetch, read_lock
from deploy.local.kafka_node import java
from tests.compose.engine import NotPossibleError, runs

HERE = Path(__file__).parent / "images"
PUBLIC = {"POSTGRES_IMAGE": "postgres:18", "KAFKA_IMAGE": "apache/kafka:4.3.0", "PYTHON_IMAGE": "python:3.13-slim"}
OLDER_POSTGRES = "postgres:17"
BASE = "enlace-offline/base:trixie"
POSTGRES, AS_17 = "enlace-offline/postgres:as-18", "enlace-offline/postgres:as-17"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def images(environment: dict[str, str]) -> dict[str, str]:
    """The image of each variable, and in `OLDER_POSTGRES` one that keeps its data elsewhere."""
    if all(runs(environment, "docker", "pull", "--quiet", image) for image in PUBLIC.values()):
        return PUBLIC | {"OLDER_POSTGRES": OLDER_POSTGRES}
    print("the public images can't be had: stand-ins take their place")
    _base(environment)
    _build(environment, HERE / "postgres", POSTGRES)
    data = "/var/lib/postgresql/data"
    _build(environment, HERE / "postgres", AS_17, DATA=data, VOLUME=data)
    kafka = f"enlace-offline/kafka:{_sum_of(HERE / 'kafka', LOCK)}"
    if not _is_there(environment, kafka):
        _kafka(environment, kafka)
    return {"POSTGRES_IMAGE": POSTGRES, "KAFKA_IMAGE": kafka, "PYTHON_IMAGE": BASE, "OLDER_POSTGRES": AS_17}


def _sum_of(directory: Path, *files: Path) -> str:
    """Of what the image is made from, so that an image of an earlier state is not taken for this one."""
    read = hashlib.sha256()
    for path in (*sorted(directory.iterdir()), *files):
        read.update(path.read_bytes())
    return read.hexdigest()[:12]


def _is_there(environment: dict[str, str], image: str) -> bool:
    return runs(environment, "docker", "image", "inspect", image)


def _build(environment: dict[str, str], context: Path, image: str, **arguments: str) -> None:
    given = [f"--build-arg={name}={value}" for name, value in {"BASE_IMAGE": BASE, **arguments}.items()]
    command = ["docker", "build", "--quiet", *given, "--tag", image, str(context)]
    subprocess.run(command, env=environment, check=True, capture_output=True)


def _base(environment: dict[str, str]) -> None:
    """Debian with Python, as debootstrap makes it, with this machine's certificates for downloads in builds."""
    if _is_there(environment, BASE):
        return
    if shutil.which("debootstrap") is None:
        raise NotPossibleError("no public image can be pulled, and without `debootstrap` none can be made")
    with tempfile.TemporaryDirectory(prefix="enlace-base-") as directory:
        root = Path(directory)
        packages = "ca-certificates,python3,python3-venv"
        subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={packages}", "trixie", directory],
            check=True, capture_output=True,
        )  # fmt: skip
        shutil.copy(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
        left_out = [f"--exclude=./{name}" for name in ("dev", "proc", "sys", "var/cache/apt/archives/*")]
        packed = subprocess.Popen(["tar", "-C", directory, *left_out, "-c", "."], stdout=subprocess.PIPE)
        settings = f"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin PIP_CERT={CERTIFICATES}"
        changes = f"ENV {settings} SSL_CERT_FILE={CERTIFICATES}"
        subprocess.run(
            ["docker", "import", "--change", changes, "-", BASE],
            env=environment, stdin=packed.stdout, check=True, capture_output=True,
        )  # fmt: skip
        if packed.wait() != 0:
            raise NotPossibleError("the base image could not be packed")


def _kafka(environment: dict[str, str], image: str) -> None:
    """The jars of the lock file and the Java of the wheel, as the local run has them."""
    jars = asyncio.run(fetch(read_lock(), cache_directory() / "jars"))
    with tempfile.TemporaryDirectory(prefix="enlace-kafka-") as directory:
        context = Path(directory)
        shutil.copytree(HERE / "kafka", context, dirs_exist_ok=True)
        shutil.copytree(java().parents[1], context / "java")
        (context / "libs").mkdir()
        for jar in jars:
            shutil.copy(jar, context / "libs")
        _build(environment, context, image)
