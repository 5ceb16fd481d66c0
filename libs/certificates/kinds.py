"""`certificates.yaml` of the country pack: the kinds of certificates that a person may hold.

The directory records certificates of these kinds only. An instrument of a screening names the kind that it requires.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from libs.chassis.yaml_files import PackPart, read_model
from libs.taxonomy.questions import Code, Language

FILE = "certificates.yaml"
_Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class CertificateKind(PackPart):
    """A kind of certificate: what its holder has been trained for."""

    label: Annotated[dict[Language, _Label], Field(min_length=1)]


class CertificateKinds(PackPart):
    """All kinds of a country."""

    kinds: dict[Code, CertificateKind] = {}


def load_kinds(directory: Path) -> CertificateKinds:
    """The kinds of the pack in `directory`; none if it lacks the file. Raises FaultyFileError."""
    path = directory / FILE
    return read_model(CertificateKinds, path) if path.exists() else CertificateKinds()
