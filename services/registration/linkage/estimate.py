"""The weights of a set of records, learnt without labels: shares and u by counting, m and the prior by EM."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log2

from services.registration.linkage.evidence import Guard, Sign, signs
from services.registration.linkage.forms import Form
from services.registration.linkage.guards import GENERATION_YEARS, guards
from services.registration.linkage.levels import Field, Level
from services.registration.linkage.pairing import candidate_pairs
from services.registration.linkage.priors import Priors
from services.registration.linkage.score import probability_of, weight_of

RANDOM_PAIRS = 15_000
_SCATTER = (40_503, 2_654_435_761)
"""Large odd numbers without a common divisor with most numbers of records."""
ROUNDS = 12
_U_STRENGTH = 2_000
"""How many random pairs the u of the pack count as."""
_M_STRENGTH = 30
"""How many matches the m of the pack count as."""
_SHARE_STRENGTH = 200
_FLOOR = 1e-7
_LEARNT_FROM = 0.001
"""Pairs below this probability are left out of the estimate; their sum is small."""
_MATCHES_PER_RECORD = 0.1
KNOWN_FROM = 3
"""A value is counted as one that people have, rather than as a slip, if so many records have it."""
_COUNTED = (Field.GIVEN, Field.FAMILY, Field.SUBURB, Field.MUNICIPALITY, Field.ADDRESS_1, Field.ADDRESS_2)


@dataclass(frozen=True, slots=True)
class Kept:
    """A pair that may be a match."""

    one: int
    other: int
    signs: tuple[Sign, ...]


def fit(forms: Sequence[Form], priors: Priors) -> tuple[Priors, list[Kept]]:
    """The weights for these records, and the pairs that may be matches, in the order of the records."""
    pairs = max(1, len(forms) * (len(forms) - 1) // 2)
    start = min(0.5, max(priors.match_prior, _MATCHES_PER_RECORD * len(forms) / pairs))
    counted = _with_shares(priors.model_copy(update={"match_prior": start}), forms)
    counted = _with_u(counted, forms)
    kept = keep(forms, counted, candidate_pairs(forms))
    counted = counted.model_copy(update={"lifted": lifted(forms, kept)})
    return _maximised(counted, forms, kept, pairs), kept


def keep(forms: Sequence[Form], priors: Priors, pairs: Iterable[tuple[int, int]]) -> list[Kept]:
    """The pairs that are not quite improbable, each once."""
    floor = log2(_LEARNT_FROM) - log2(priors.match_prior)
    found: dict[tuple[int, int], Kept] = {}
    for one, other in pairs:
        if (one, other) not in found:
            seen = signs(forms[one], forms[other])
            if weight_of(seen, priors) >= floor:
                found[one, other] = Kept(one, other, tuple(seen))
    return [found[pair] for pair in sorted(found)]


def _values(form: Form, field: Field) -> tuple[str, ...]:
    if field is Field.GIVEN:
        return form.given
    if field is Field.FAMILY:
        return form.family
    value = str(getattr(form, field.value))
    return (value,) if value else ()


def _with_shares(priors: Priors, forms: Sequence[Form]) -> Priors:
    shares, others = dict(priors.shares), dict(priors.other_shares)
    for field in _COUNTED:
        counts = Counter(word for form in forms for word in {*_values(form, field)})
        have = sum(1 for form in forms if _values(form, field))
        if not have:
            continue
        known = shares.get(field, {})
        other = others.get(field, 1 / (have + 2 * _SHARE_STRENGTH))
        strength = _SHARE_STRENGTH if field in priors.shares else 1
        words = {word for word, count in counts.items() if count >= KNOWN_FROM} | {*known}
        total = have + strength
        shares[field] = {
            word: min(0.9, (counts[word] + strength * known.get(word, other)) / total) for word in sorted(words)
        }
        others[field] = max(1e-6, min(0.9, (1.5 + strength * other) / total))
    return priors.model_copy(update={"shares": shares, "other_shares": others})


def _with_u(priors: Priors, forms: Sequence[Form]) -> Priors:
    """u from random pairs. Those that may be matches are left out: in a small file many are."""
    if len(forms) < 2:
        return priors
    counts: dict[Field, Counter[Level]] = {field: Counter() for field in Field}
    for number in range(min(RANDOM_PAIRS, 4 * len(forms) ** 2)):
        # Scattered pairs, which are the same in each run.
        one = number * _SCATTER[0] % len(forms)
        other = (one + 1 + number * _SCATTER[1] % (len(forms) - 1)) % len(forms)
        seen = signs(forms[one], forms[other])
        if probability_of(weight_of(seen, priors), priors.match_prior) < priors.review_from:
            for sign in seen:
                counts[sign.field][sign.level] += 1
    return _replaced(priors, counts, _U_STRENGTH, "u")


def _replaced(priors: Priors, counts: Mapping[Field, Mapping[Level, float]], strength: float, name: str) -> Priors:
    """The weights with m or u from counts, to which those of before are added with their strength."""
    fields = {}
    for field, levels in priors.fields.items():
        before = {level: getattr(prior, name) for level, prior in levels.items()}
        whole, scale = sum(counts[field].values()) + strength, strength / sum(before.values())
        fields[field] = {
            level: prior.model_copy(
                update={name: min(0.9999, max(_FLOOR, (counts[field].get(level, 0) + scale * before[level]) / whole))}
            )
            for level, prior in levels.items()
        }
    return priors.model_copy(update={"fields": fields})


_ADDRESS = frozenset({Field.ADDRESS_1, Field.ADDRESS_2, Field.PHONE})
_NAMES_AGREE = frozenset({Level.EXACT, Level.SOUND, Level.CLOSE, Level.PART})
_DATE_AGREES = frozenset({None, Level.EXACT, Level.CLOSE, Level.SWAPPED})


def lifted(forms: Sequence[Form], kept: Sequence[Kept]) -> frozenset[Guard]:
    """The guards without reason in these records.

    In some files a field was replaced by any other value. Then surnames differ as often as given names in pairs that
    agree otherwise, and dates lie less than a generation apart too. In families neither is so: there surnames agree.
    """
    given, family, near, far, relatives, whole = _kinds_of_pairs(forms, kept)
    found: set[Guard] = set()
    if family >= max(_LIFT_FROM, given / 3) and relatives * _TWINS <= 0.01 * given:
        found |= {Guard.OTHER_GIVEN_NAMES, Guard.NOT_BORN_TOGETHER, Guard.OTHER_DATE}
    if near >= max(_LIFT_FROM - 2, far / 8) and relatives * _TWINS <= 0.01 * far:
        found.add(Guard.GENERATION_APART)
    if found or far <= max(1, _NAMESAKES * whole):
        found.add(Guard.NO_DATE)
    return frozenset(found)


_LIFT_FROM = 5
_NAMESAKES = 0.02
_TWINS = 0.02
"""Of the pairs of relatives of one home: twins, and parents with children of their name."""


def _kinds_of_pairs(forms: Sequence[Form], kept: Sequence[Kept]) -> tuple[int, int, int, int, int, int]:
    """The pairs at one address that differ only in the given names, only in the surnames, only in the date by less or
    more than a generation, in given names and date, and in nothing."""
    given = family = near = far = relatives = whole = 0
    for pair in kept:
        levels = {sign.field: sign.level for sign in pair.signs}
        if not any(levels.get(field) is Level.EXACT for field in _ADDRESS):
            continue
        given_agrees, family_agrees = (levels.get(one) in _NAMES_AGREE for one in (Field.GIVEN, Field.FAMILY))
        date_agrees = levels.get(Field.BIRTH_DATE) in _DATE_AGREES
        given_differs = levels.get(Field.GIVEN) in _OTHER
        given += given_differs and family_agrees and date_agrees
        family += given_agrees and levels.get(Field.FAMILY) in _OTHER and date_agrees
        if given_agrees and family_agrees and levels.get(Field.BIRTH_DATE) in _OTHER:
            years = [forms[place].year or 0 for place in (pair.one, pair.other)]
            apart = abs(years[0] - years[1]) >= GENERATION_YEARS
            far, near = far + apart, near + (not apart)
        whole += given_agrees and family_agrees and date_agrees
        relatives += given_differs and family_agrees and levels.get(Field.BIRTH_DATE) in _OTHER
    return given, family, near, far, relatives, whole


_OTHER = frozenset({Level.SIMILAR, Level.DIFFERENT})


def _maximised(priors: Priors, forms: Sequence[Form], kept: Sequence[Kept], pairs: int) -> Priors:
    """EM: expect how probable each pair is a match, then count the levels of the matches, and again."""
    learnt = priors
    usable = [
        pair
        for pair in kept
        if Guard.NOT_BORN_TOGETHER not in guards(forms[pair.one], forms[pair.other], list(pair.signs), priors)
    ]
    for _ in range(ROUNDS):
        counts: dict[Field, dict[Level, float]] = {field: defaultdict(float) for field in Field}
        matches = 0.0
        for pair in usable:
            probability = probability_of(weight_of(list(pair.signs), learnt), learnt.match_prior)
            matches += probability
            for sign in pair.signs:
                counts[sign.field][sign.level] += probability
        prior = min(0.5, (matches + 0.5) / (pairs + 1))
        # Counting starts from the weights of the pack each time, so that no round adds to the belief of the one before.
        learnt = _replaced(priors, counts, _M_STRENGTH, "m").model_copy(update={"match_prior": prior})
    return learnt
