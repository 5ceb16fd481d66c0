"""The bill of materials in CycloneDX: Python packages and jars of the lock files, images of the compose file."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy.local.installation import ROOT
from deploy.local.jars import LOCK, ZIPKIN_LOCK, Jar, read_lock
from deploy.supply.exports import RUNNING, exported

_IMAGE: Final = re.compile(r"\$\{[A-Z_]*IMAGE:-([a-z0-9./-]+):([A-Za-z0-9_.-]+)\}")
_OURS: Final = frozenset({"enlace", "enlace-issuer"})

Component = Mapping[str, Any]


def bill(root: Path = ROOT) -> dict[str, Any]:
    """One CycloneDX 1.5 document with everything that runs in a real or in a local installation."""
    document: dict[str, Any] = json.loads(exported("cyclonedx1.5", *RUNNING))
    jars = [*read_lock(LOCK), *read_lock(ZIPKIN_LOCK)]
    more = [*map(_jar, jars), *_images((root / "docker-compose.yml").read_text(encoding="utf-8"))]
    document["components"] = [*map(_plain, document["components"]), *more]
    return document


def _plain(component: Component) -> Component:
    """The component without the addresses of its files. There are dozens for each package, and the lock file contains
    them with their checksums."""
    return {name: value for name, value in component.items() if name != "externalReferences"}


def _jar(jar: Jar) -> Component:
    name = f"pkg:maven/{jar.group}/{jar.artifact}@{jar.version}"
    name += f"?classifier={jar.classifier}" if jar.classifier else ""
    return {
        "type": "library",
        "bom-ref": name,
        "group": jar.group,
        "name": jar.artifact,
        "version": jar.version,
        "purl": name,
        "hashes": [{"alg": "SHA-256", "content": jar.sha256}],
    }


def _images(compose: str) -> Iterable[Component]:
    for name, version in dict.fromkeys(_IMAGE.findall(compose)):
        if name not in _OURS:
            ref = f"pkg:docker/{name}@{version}"
            yield {"type": "container", "bom-ref": ref, "name": name, "version": version, "purl": ref}


def faults(document: Mapping[str, Any]) -> list[str]:
    """Violations of the CycloneDX 1.5 schema in the document; an empty list if there are none."""
    fault = JsonStrictValidator(SchemaVersion.V1_5).validate_str(json.dumps(document))
    return [] if fault is None else [str(fault)[:2000]]
