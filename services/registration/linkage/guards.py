"""What no agreement of other fields outweighs: people of one family share names, addresses and telephones."""

from services.registration.linkage.evidence import Guard, Sign
from services.registration.linkage.forms import Form
from services.registration.linkage.levels import Field, Level, given_word_level
from services.registration.linkage.priors import Priors

GENERATION_YEARS = 12


_AGREES = frozenset({Level.EXACT, Level.SOUND, Level.PART})
_OTHER_DATES = frozenset({Level.DIFFERENT, Level.YEAR, Level.NEAR})


def guards(a: Form, b: Form, signs: list[Sign], priors: Priors) -> list[Guard]:
    """The guards that hold for this pair, without those that the weights lift."""
    return [guard for guard in _guards(a, b, signs, priors) if guard not in priors.lifted]


def _guards(a: Form, b: Form, signs: list[Sign], priors: Priors) -> list[Guard]:
    """The guards that forbid the band `same`; the last one forbids `review` too."""
    found = []
    levels = {sign.field: sign.level for sign in signs}
    given = levels.get(Field.GIVEN)
    transposed = Field.ORDER in levels
    other = given in (Level.DIFFERENT, Level.SIMILAR) or (
        given is Level.CLOSE and not transposed and _are_two_names(a, b, priors)
    )
    if a.year and b.year and abs(a.year - b.year) >= GENERATION_YEARS:
        found.append(Guard.GENERATION_APART)
    if levels.get(Field.SEX) is Level.DIFFERENT and given not in _AGREES:
        found.append(Guard.OTHER_SEX)
    if not other:
        return found
    found.append(Guard.OTHER_GIVEN_NAMES)
    date = levels.get(Field.BIRTH_DATE, levels.get(Field.BIRTH_YEAR))
    if given is Level.DIFFERENT and date in _OTHER_DATES and levels.get(Field.DOCUMENT) is not Level.EXACT:
        found.append(Guard.NOT_BORN_TOGETHER)
    return found


def _are_two_names(a: Form, b: Form, priors: Priors) -> bool:
    """Whether names that differ by a letter are two names that people have, such as Luis and Luisa."""
    return any(
        priors.is_known_name(one) and priors.is_known_name(other)
        for one in a.given
        for other in b.given
        if given_word_level(one, other) is Level.CLOSE
    )
