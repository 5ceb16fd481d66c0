"""Reads the instruments of a pack. A service does not start, and a pack is not in order, if one of them has a fault."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from libs.chassis.yaml_files import FaultyFileError, FileFault, YamlFile, open_yaml
from libs.instruments.checks import Known, faults_of
from libs.instruments.model import Instrument, Instruments, Use
from libs.instruments.published import LOCK, Lock, changed, lock_text, read_lock, with_new

FOLDER: Final = "instruments"
_Read = tuple[YamlFile, Instrument]


def load_instruments(directory: Path, known: Known) -> Instruments:
    """The instruments of the pack in `directory`; none if it has no folder for them. Raises FaultyFileError."""
    folder = directory / FOLDER
    read = _read(folder)
    lock = read_lock(folder)
    faults = [file.fault(keys, why) for file, one in read for keys, why in faults_of(one, known)]
    faults += [*_together(read), *_against_lock(read, lock)]
    if faults:
        raise FaultyFileError(faults)
    return Instruments(versions=tuple(one for _, one in read))


def to_publish(directory: Path) -> tuple[list[str], str]:
    """The names of new published versions and of those with new languages, and the content of the lock file with them.

    Raises FaultyFileError if a version that is already published has changed.
    """
    folder = directory / FOLDER
    read, lock = _read(folder), read_lock(folder)
    new = with_new([one for _, one in read], lock)
    faults = [*_against_lock(read, new)]
    if faults:
        raise FaultyFileError(faults)
    return sorted(name for name, sums in new.items() if lock.get(name) != sums), lock_text(new)


def _read(folder: Path) -> list[_Read]:
    """Every file of the folder. All faults of all files are raised together."""
    read: list[_Read] = []
    faults: list[FileFault] = []
    for path in sorted(folder.glob("*.yaml")):
        if path.name != LOCK:
            try:
                file = open_yaml(path)
                read.append((file, file.model(Instrument)))
            except FaultyFileError as error:
                faults += error.faults
    if faults:
        raise FaultyFileError(faults)
    return read


def _together(read: Sequence[_Read]) -> Iterator[FileFault]:
    seen: dict[str, str] = {}
    single: dict[Use, dict[str, str]] = {Use.TRIAGE: {}, Use.SCREENING: {}}
    for file, one in read:
        if one.name in seen:
            yield file.fault(("version",), f"{seen[one.name]} is version {one.version} of {one.instrument} too")
        seen[one.name] = file.path.name
        if one.use in single:
            names = single[one.use]
            names.setdefault(one.instrument, file.path.name)
            if len(names) > 1:
                yield file.fault(("use",), f"{next(iter(names.values()))} is a {one.use.value} too; there is one")
    uses: dict[str, Use] = {}
    for file, one in read:
        if uses.setdefault(one.instrument, one.use) is not one.use:
            yield file.fault(("use",), "another version of this instrument has another use")


def _against_lock(read: Sequence[_Read], lock: Lock) -> Iterator[FileFault]:
    for file, one in read:
        if one.published:
            yield from (file.fault(("version",), f"{one.name} {why}") for why in changed(one, lock))
        elif one.name in lock:
            yield file.fault(("published",), f"{one.name} was published, and stays so")
    for name in sorted(lock.keys() - {one.name for _, one in read}):
        yield FileFault(LOCK, 1, name, "was published, and its file is missing; answers refer to it")
