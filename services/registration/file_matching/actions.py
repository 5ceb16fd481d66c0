"""Match a file."""

import os
from collections import Counter
from pathlib import Path

import yaml

from services.registration.file_matching.rules import Pair, PeopleFile, UnreadableFileError, read_people, written
from services.registration.linkage.estimate import fit
from services.registration.linkage.forms import form_of
from services.registration.linkage.groups import with_groups
from services.registration.linkage.levels import Field
from services.registration.linkage.priors import Priors
from services.registration.linkage.score import Band, score_of

BYTES_MAX = 512 * 1024 * 1024


def read(path: Path) -> PeopleFile:
    """The people in a file. Raises UnreadableFileError."""
    try:
        if path.stat().st_size > BYTES_MAX:
            raise UnreadableFileError("The file is larger than 512 MiB.")
        return read_people(path.read_bytes())
    except OSError as error:
        raise UnreadableFileError(f"The file cannot be read: {error.strerror}.") from None


def matched(people: PeopleFile, priors: Priors) -> tuple[list[Pair], Priors]:
    """The pairs of the bands `same` and `review` in the order of the rows, and the weights that these people taught."""
    forms = [form_of(record) for record in people.records]
    learnt, kept = fit(forms, priors)
    scores = {(pair.one, pair.other): score_of(forms[pair.one], forms[pair.other], learnt) for pair in kept}
    pairs = [
        Pair(people.ids[one], people.ids[other], score.probability, score.band.value)
        for (one, other), score in with_groups(scores, forms, learnt).items()
        if score.band is not Band.DIFFERENT
    ]
    return pairs, learnt


def write_pairs(pairs: list[Pair], path: Path) -> None:
    """Write the pairs. A file of that name is replaced when the new one is complete."""
    _write(written(pairs), path)


def write_priors(learnt: Priors, path: Path) -> None:
    """Write weights as a file of a pack.

    Of the shares only those of names are written: they were counted from at least three records. What a file said about
    guards is not written: at registration all guards hold.
    """
    kept = learnt.model_dump(mode="json", exclude={"lifted"})
    names = (Field.GIVEN.value, Field.FAMILY.value)
    for part in ("shares", "other_shares"):
        kept[part] = {name: values for name, values in kept[part].items() if name in names}
    _write(yaml.safe_dump(kept, sort_keys=False, allow_unicode=True), path)


def counts(pairs: list[Pair]) -> Counter[str]:
    """The number of pairs of each band."""
    return Counter(pair.band for pair in pairs)


def _write(text: str, path: Path) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        # The file names people who are known to each other only here: nobody else on the machine reads it.
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise UnreadableFileError(f"{path.name} cannot be written: {error.strerror}.") from None
