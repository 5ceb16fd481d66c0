"""Published versions never change: `instruments/published.lock.yaml` has their checksums.

The questions and rules have one checksum, and each approved language has its own. So a translation can be added to a
published version, but nothing that people have answered can be changed under them.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from libs.chassis.yaml_files import FaultyFileError, PackPart, open_yaml
from libs.instruments.model import Instrument
from libs.taxonomy.questions import Language

LOCK: Final = "published.lock.yaml"
_HEAD: Final = """\
# The checksums of the published versions of instruments. `python -m deploy.packs publish FOLDER` adds new versions and
# new approved languages. Do not change a line: answers refer to these versions.
"""


class Checksums(PackPart):
    """The checksums of one published version."""

    content: str
    languages: dict[Language, str]


Lock = Mapping[str, Checksums]
_LOCK: Final = TypeAdapter(dict[str, Checksums])


def checksums_of(instrument: Instrument) -> Checksums:
    """The checksums of a version as its file is now."""
    told = instrument.model_dump(mode="json", by_alias=True, exclude={"languages", "published", "sources"})
    if told["certificate"] is None:  # versions that were published before there were certificates keep their checksum
        del told["certificate"]
    languages = {one: _digest(_texts(told, one)) for one in instrument.approved}
    return Checksums(content=_digest(_without_texts(told)), languages=languages)


def read_lock(folder: Path) -> Lock:
    """The checksums in the folder; none if the file is missing. Raises FaultyFileError."""
    path = folder / LOCK
    if not path.exists():
        return {}
    file = open_yaml(path)
    try:
        return _LOCK.validate_python(file.content or {})
    except ValueError:
        raise FaultyFileError([file.fault((), "must have content and languages for each version")]) from None


def lock_text(lock: Lock) -> str:
    """The content of the file with these checksums."""
    lines = [_HEAD]
    for name, sums in sorted(lock.items()):
        lines += [f"{name}:", f"  content: {sums.content}", "  languages:"]
        lines += [f"    {language}: {digest}" for language, digest in sorted(sums.languages.items())]
    return "\n".join(lines) + "\n"


def changed(instrument: Instrument, lock: Lock) -> list[str]:
    """What is wrong with a published version, compared with its checksums."""
    known, now = lock.get(instrument.name), checksums_of(instrument)
    if known is None:
        return ["is published, but its checksum is not in the lock file; run `python -m deploy.packs publish`"]
    found = []
    if known.content != now.content:
        found.append("was changed after it was published; make a new version instead")
    for language, digest in known.languages.items():
        if now.languages.get(language) != digest:
            found.append(f"the texts in {language} were changed after they were published; make a new version instead")
    if now.languages.keys() - known.languages.keys():
        found.append("has an approved language that is not in the lock file; run `python -m deploy.packs publish`")
    return found


def with_new(instruments: Sequence[Instrument], lock: Lock) -> Lock:
    """The checksums with those of new published versions and new approved languages; known ones stay."""
    found = dict(lock)
    for one in instruments:
        if one.published:
            now, known = checksums_of(one), lock.get(one.name)
            kept = now if known is None else known
            found[one.name] = Checksums(content=kept.content, languages={**now.languages, **kept.languages})
    return found


def _texts(told: Any, language: str) -> Any:
    """The texts in one language, in their order."""
    if isinstance(told, dict):
        return [
            [key, value if isinstance(value, str) else _texts(value, language)]
            for key, value in told.items()
            if key == language or isinstance(value, dict | list)
        ]
    return [_texts(one, language) for one in told] if isinstance(told, list) else None


def _without_texts(told: dict[str, Any]) -> Any:
    questions = [
        {**one, "text": None, "options": sorted(one["options"])} | ({"order": list(one["options"])})
        for one in told["questions"]
    ]
    return {**told, "title": None, "questions": questions}


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
