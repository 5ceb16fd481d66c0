"""What no agreement of other fields outweighs: people of one family share names, addresses and telephones."""

from collections.abc import Iterator, Mapping

from services.registration.linkage.evidence import Guard, Sign
from services.registration.linkage.forms import Form
from services.registration.linkage.levels import Field, Level, given_word_level
from services.registration.linkage.priors import Priors

GENERATION_YEARS = 12


_AGREES = frozenset({Level.EXACT, Level.SOUND, Level.PART})
_PERHAPS = frozenset({Level.PART, Level.CLOSE, Level.INITIAL})
_OTHER = frozenset({Level.DIFFERENT, Level.SIMILAR, Level.SECOND})
_OTHER_DATES = frozenset({Level.DIFFERENT, Level.YEAR, Level.NEAR})


def guards(a: Form, b: Form, signs: list[Sign], priors: Priors) -> list[Guard]:
    """The guards that hold for this pair, without those that the weights lift."""
    levels = {sign.field: sign.level for sign in signs}
    held = [*_about_dates(a, b, levels), *_about_given_names(a, b, levels, priors)]
    return [guard for guard in held if guard not in priors.lifted]


def _about_dates(a: Form, b: Form, levels: Mapping[Field, Level]) -> Iterator[Guard]:
    date = levels.get(Field.BIRTH_DATE, levels.get(Field.BIRTH_YEAR))
    if date is None and levels.get(Field.DOCUMENT) is not Level.EXACT:
        yield Guard.NO_DATE
    if a.year and b.year and abs(a.year - b.year) >= GENERATION_YEARS:
        yield Guard.GENERATION_APART
    if date is Level.DIFFERENT or (date in _OTHER_DATES and levels.get(Field.GIVEN) in _PERHAPS):
        yield Guard.OTHER_DATE


def _about_given_names(a: Form, b: Form, levels: Mapping[Field, Level], priors: Priors) -> Iterator[Guard]:
    given = levels.get(Field.GIVEN)
    if levels.get(Field.SEX) is Level.DIFFERENT and given not in _AGREES:
        yield Guard.OTHER_SEX
    alike = given is Level.CLOSE and Field.ORDER not in levels and _are_two_names(a, b, priors)
    if given not in _OTHER and not alike:
        return
    yield Guard.OTHER_GIVEN_NAMES
    date = levels.get(Field.BIRTH_DATE, levels.get(Field.BIRTH_YEAR))
    if given is Level.DIFFERENT and date in _OTHER_DATES and levels.get(Field.DOCUMENT) is not Level.EXACT:
        yield Guard.NOT_BORN_TOGETHER


def _are_two_names(a: Form, b: Form, priors: Priors) -> bool:
    """Whether names that differ by a letter are two names that people have, such as Luis and Luisa."""
    return any(
        priors.are_two_names(one, other)
        for one in a.given
        for other in b.given
        if given_word_level(one, other) is Level.CLOSE
    )
