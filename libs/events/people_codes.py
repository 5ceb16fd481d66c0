"""The codes in events that say who a person is and how they came: age group, client kind, facts of the return.

Source: domain 1A-1B, 4 (P14), and the seeds named below.
"""

from enum import StrEnum


class AgeGroup(StrEnum):
    """Whether a person is a child (below 18) or an adult, as far as it is known. `unsure`: a desk must decide."""

    CHILD = "child"
    ADULT = "adult"
    UNSURE = "unsure"


class AgeBasis(StrEnum):
    """On what a statement or a decision about a person's age group is based."""

    DOCUMENT = "document"
    OWN_WORD = "own_word"
    STAFF_JUDGEMENT = "staff_judgement"
    ASSESSMENT = "assessment"


class ClientKind(StrEnum):
    """Who the person is to the country: not only returnees are served (seed S1, the flow charts of the Ethiopian
    mechanism; domain D20)."""

    RETURNEE = "returnee"
    HOST_COMMUNITY = "host_community"
    INTERNAL_MIGRANT = "internal_migrant"
    NON_NATIONAL = "non_national"


class ReturnKind(StrEnum):
    """How far the return was the person's choice (seed S1). `assisted`: voluntary, with the help of a programme."""

    FORCED = "forced"
    VOLUNTARY = "voluntary"
    ASSISTED = "assisted"


class ReturnOrder(StrEnum):
    """The kind of order under which the person was returned (seed S1)."""

    DEPORTATION = "deportation"
    EXPULSION = "expulsion"
    REMOVAL = "removal"
    READMISSION = "readmission"
    NONE = "none"


class ReturnMode(StrEnum):
    """How the person came."""

    AIR = "air"
    LAND = "land"
    SEA = "sea"
    FOOT = "foot"


class ReturnSign(StrEnum):
    """Signs of an unlawful return that the person tells of (seed S1). Each opens a legal need and blocks nothing."""

    COLLECTIVE_EXPULSION = "collective_expulsion"
    MASS_EXPULSION = "mass_expulsion"
    PUSHBACK = "pushback"


class AddressOwner(StrEnum):
    """Whose telephone or address a safe contact is."""

    OWN = "own"
    RELATIVE = "relative"
    FRIEND = "friend"
    EMPLOYER = "employer"
    SHARED = "shared"
    OTHER = "other"
