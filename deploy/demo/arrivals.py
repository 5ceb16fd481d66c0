"""A flight or a bus as a reception system reports it. The bodies of the REST API are also the data of the events."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.demo.needs import Told, tell
from deploy.demo.people import Person, Standing, make_people
from libs.events.catalogue.arrivals import (
    ArrivalBatchAnnounced,
    ArrivalBatchLanded,
    ConsentGiven,
    Identity,
    ManifestEntry,
    Profile,
    ReturneeArrived,
    SafeContactTold,
)
from libs.events.codes import ConsentPurpose, ContactChannel, NeedCategory, RecipientClass, TransportMode

DATA_DESCRIBED = {
    "spa": "Mis datos de identidad, mis necesidades y cómo contactarme de forma segura.",
    "eng": "My identity, my needs and how to reach me safely.",
}
CONSENT_DAYS = 365


@dataclass(frozen=True)
class Arrival:
    """One flight or bus with its people, their answers and their needs."""

    reference: str
    """The sender's reference of the batch. It differs in every run, so that a second run creates another batch."""
    mode: TransportMode
    place: str
    people: list[Told]
    landed_at: datetime

    @classmethod
    def make(cls, *, reference: str, mode: TransportMode, place: str, count: int, seed: int, at: datetime) -> "Arrival":
        """A flight or bus with `count` invented people that landed at `at`."""
        people = make_people(count, seed=seed, today=at.date())
        return cls(reference=reference, mode=mode, place=place, people=tell(people, seed=seed), landed_at=at)

    @property
    def needs_count(self) -> int:
        """The number of needs that its people report."""
        return sum(len(told.needs) for told in self.people)

    def announced(self) -> ArrivalBatchAnnounced:
        """The manifest as the country that returns the people sends it: names, dates of birth, sex, nationality."""
        return ArrivalBatchAnnounced(
            sender_reference=self.reference,
            mode=self.mode,
            carrier="Invented carrier",
            origin="Invented origin",
            reception_place=self.place,
            expected_at=self.landed_at,
            entries=[self._entry(told.person) for told in self.people],
        )

    def landed(self) -> ArrivalBatchLanded:
        """The report that the flight or bus has landed."""
        return ArrivalBatchLanded(
            sender_reference=self.reference,
            mode=self.mode,
            reception_place=self.place,
            landed_at=self.landed_at,
            people_count=len(self.people),
        )

    def arrived(self, told: Told) -> ReturneeArrived:
        """The report about one person who has arrived: identity, profile, needs, consents and safe contact."""
        person = told.person
        household = None if person.household is None else f"{self.reference}/household/{person.household}"
        return ReturneeArrived(
            sender_reference=self._reference_of(person),
            batch_reference=self.reference,
            manifest_reference=self._reference_of(person),
            arrived_at=self.landed_at,
            identity=Identity(
                given_names=person.given_names, family_names=person.family_names, birth_date=person.birth_date
            ),
            profile=profile(person),
            household_reference=household,
            household_size=None if household is None else person.household_size,
            needs=list(told.needs),
            consents=consents(told, at=self.landed_at),
            safe_contact=safe_contact(told),
        )

    def _entry(self, person: Person) -> ManifestEntry:
        return ManifestEntry(
            sender_reference=self._reference_of(person),
            given_names=person.given_names,
            family_names=person.family_names,
            birth_date=person.birth_date,
            sex=person.sex,
            nationality="GT",
        )

    def _reference_of(self, person: Person) -> str:
        return f"{self.reference}/person/{person.number}"


def profile(person: Person) -> Profile:
    """The routing profile of a person."""
    return Profile(
        sex=person.sex,
        nationality="GT",
        identity_document=person.papers,
        documents_held=list(person.documents_held),
        languages=list(person.languages),
        destination=person.department,
        access_needs=list(person.access_needs),
        protection_flags=list(person.flags),
        avoid_places=list(person.avoid_places),
    )


def consents(told: Told, *, at: datetime) -> list[ConsentGiven]:
    """The consents of a person. Everybody consents to registration services.

    A person who does not refuse also consents to referral, to statistics and, with a need for employment, to sharing
    with employers. For a child, a guardian or an authority consents.
    """
    purposes = [(ConsentPurpose.REGISTRATION_SERVICES, RecipientClass.NETWORK_STAFF)]
    if told.consents_to_referral:
        purposes.append((ConsentPurpose.REFERRAL, RecipientClass.PROVIDERS))
        purposes.append((ConsentPurpose.STATISTICS, RecipientClass.STATISTICS_OFFICE))
        if any(need.category is NeedCategory.EMPLOYMENT for need in told.needs):
            purposes.append((ConsentPurpose.EMPLOYER_SHARING, RecipientClass.EMPLOYERS))
    language = "eng" if told.person.languages == ("eng",) else "spa"
    given_by = {Standing.UNACCOMPANIED_CHILD: "authority", Standing.ACCOMPANIED_CHILD: "guardian"}
    return [
        ConsentGiven(
            purpose=purpose,
            recipient_class=recipient,
            data_described=DATA_DESCRIBED[language],
            given_by=given_by.get(told.person.standing, "self"),
            method="signature" if "spa" in told.person.languages else "witnessed",
            language=language,
            revocation_explained=True,
            staff_reference="reception-desk-3",
            given_at=at,
            expires_at=at + timedelta(days=CONSENT_DAYS),
        )
        for purpose, recipient in purposes
    ]


def safe_contact(told: Told) -> SafeContactTold | None:
    """An invented phone number, for adults who can be reached without danger to them."""
    if not told.has_safe_contact or told.person.is_child:
        return None
    return SafeContactTold(
        channel=ContactChannel.SMS, address=f"+50251{told.person.number:06d}", language=told.person.languages[0]
    )
