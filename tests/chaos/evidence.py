"""What is read of a run when all is still: plain values, so that every check is a pure function over them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.chaos.history import History
from tests.chaos.receivers import Received


@dataclass(frozen=True, slots=True)
class Sent:
    """One event of a service's outbox or of its archive."""

    row_id: int
    event_id: str
    topic: str
    key: str
    type: str
    subject: str
    """What it is about: an offer's, referral's, need's, returnee's id, or `service@version`."""
    organization_id: str | None = None
    """Of an event that names a provider's organisation."""


@dataclass(frozen=True, slots=True)
class Logged:
    """One record of a topic."""

    partition: int
    offset: int
    key: str
    event_id: str
    source: str
    type: str


@dataclass(frozen=True, slots=True)
class Person:
    """A returnee as registration holds them. `arrival_key` names the arrival without being readable."""

    returnee_id: str
    arrival_key: str
    is_erased: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    """A need, as one of the two services that know it holds it."""

    need_id: str
    returnee_id: str
    status: str


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer, with its referral's and need's ids."""

    offer_id: str
    referral_id: str
    need_id: str
    status: str
    was_acknowledged: bool = False


@dataclass(frozen=True, slots=True)
class Referral:
    """A referral."""

    referral_id: str
    need_id: str
    is_live: bool


@dataclass(frozen=True, slots=True)
class Hold:
    """Places of one offer in one pool: when they were held and came free, as counts of the pool's openings."""

    offer_id: str
    pool_id: str
    places: int
    status: str
    declared_as_of: str | None
    held_freed_count: int | None
    released_freed_count: int | None


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool as the ledger counts it."""

    pool_id: str
    service_id: str
    held: int
    taken: int


@dataclass(frozen=True, slots=True)
class Declaration:
    """A declaration as provider_directory keeps it."""

    service_id: str
    version: int
    as_of: str
    maxima: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook on its way."""

    delivery_id: str
    message_id: str
    endpoint_id: str
    slug: str
    """Of the organisation whose endpoint it is."""
    status: str


@dataclass
class Evidence:
    """Everything that the checks look at."""

    history: History = field(default_factory=History)
    arrival_keys: dict[tuple[str, str], str] = field(default_factory=dict)
    """By source and reference of every arrival that was sent: what registration calls it."""
    people: list[Person] = field(default_factory=list)
    told_needs: list[Need] = field(default_factory=list)
    """Registration's."""
    repeats: list[Need] = field(default_factory=list)
    """Of each telling of a need that was open already: the need that stands."""
    journeys: dict[str, str] = field(default_factory=dict)
    """By returnee, in referral: `known`, `erased`, or `unknown` where no profile has come."""
    needs: list[Need] = field(default_factory=list)
    """Referral's."""
    referrals: list[Referral] = field(default_factory=list)
    offers: list[Offer] = field(default_factory=list)
    steps: list[tuple[str, str]] = field(default_factory=list)
    """Referral's record in its order: the step and its subject, as events name it."""
    promises: dict[str, int] = field(default_factory=dict)
    """What referral says of its own promises: how many rows break each."""
    holds: list[Hold] = field(default_factory=list)
    pools: list[Pool] = field(default_factory=list)
    declarations: list[Declaration] = field(default_factory=list)
    ledger_versions: dict[str, int] = field(default_factory=dict)
    """By service: the version of its capacity that referral has heard."""
    notices: dict[str, str] = field(default_factory=dict)
    """By message id: the organisation that was told."""
    deliveries: list[Delivery] = field(default_factory=list)
    endpoints: dict[str, str] = field(default_factory=dict)
    """By organisation: its endpoint."""
    outboxes: dict[str, list[Sent]] = field(default_factory=dict)
    """By service: archive and what still waits, in the order of their ids."""
    logs: dict[str, list[Logged]] = field(default_factory=dict)
    """By topic: records in the order of partition and offset."""
    handled_types: dict[str, frozenset[tuple[str, str]]] = field(default_factory=dict)
    """By consumer group: topics and types that it listens to."""
    inboxes: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    """By consumer group: source and id of every event that it has taken over."""
    parked: dict[str, int] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    restarts: dict[str, int] = field(default_factory=dict)
    unsettled: list[str] = field(default_factory=list)
    """What had not come to rest when patience ended."""
