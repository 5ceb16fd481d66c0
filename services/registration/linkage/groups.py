"""More than two records of one person: what is the same as the same is the same."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.registration.linkage.evidence import signs
from services.registration.linkage.forms import Form
from services.registration.linkage.guards import guards
from services.registration.linkage.priors import Priors
from services.registration.linkage.score import Band, Score, score_of

GROUP_MAX = 12
"""A larger group is a sign of values that many people share, not of one person; it is left as it is."""

Pair = tuple[int, int]


def with_groups(scores: Mapping[Pair, Score], forms: Sequence[Form], priors: Priors) -> dict[Pair, Score]:
    """The scores, with the band `same` for all pairs of a group that pairs of this band connect.

    A group in which a guard holds for any pair stays as it is: one record may stand between two people.
    """
    found = dict(scores)
    for group in _groups(scores):
        if 2 < len(group) <= GROUP_MAX:
            pairs = [(one, other) for at, one in enumerate(group) for other in group[at + 1 :]]
            inside = {pair: scores.get(pair) or score_of(forms[pair[0]], forms[pair[1]], priors) for pair in pairs}
            if not any(_is_guarded(forms[one], forms[other], priors) for one, other in pairs):
                found |= {pair: _same(score, priors) for pair, score in inside.items()}
    return dict(sorted(found.items()))


def _is_guarded(a: Form, b: Form, priors: Priors) -> bool:
    return bool(guards(a, b, signs(a, b), priors))


def _same(score: Score, priors: Priors) -> Score:
    if score.band is Band.SAME:
        return score
    reasons = (*score.reasons, "group.same")
    return replace(score, band=Band.SAME, probability=priors.same_from, reasons=reasons)


def _groups(scores: Mapping[Pair, Score]) -> list[list[int]]:
    """The groups that pairs of the band `same` connect, each in the order of the records."""
    root: dict[int, int] = {}

    def top(place: int) -> int:
        while root.setdefault(place, place) != place:
            root[place] = root[root[place]]
            place = root[place]
        return place

    for (one, other), score in scores.items():
        if score.band is Band.SAME:
            first, second = sorted((top(one), top(other)))
            root[second] = first
    members: defaultdict[int, list[int]] = defaultdict(list)
    for place in sorted(root):
        members[top(place)].append(place)
    return list(members.values())
