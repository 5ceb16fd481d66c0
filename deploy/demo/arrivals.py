"""A flight or a bus as a reception system reports it. The bodies of the REST API are also the data of the events."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.demo.country import Country
from deploy.demo.needs import Told, tell
from deploy.demo.people import Person, Standing, make_people
from libs.events.catalogue.arrivals import (
    ArrivalBatchAnnounced,
    ArrivalBatchLanded,
    Identity,
    ManifestEntry,
    Profile,
    ReturneeArrived,
    SafeContactTold,
)
from libs.events.catalogue.consents import ConsentGiven
from libs.events.codes import ConsentPurpose, ContactChannel, ProtectionFlag, RecipientClass, TransportMode

CONSENT_DAYS = 365


@dataclass(frozen=True)
class Arrival:
    """One flight or bus with its people, their answers and their needs."""

    reference: str
    """The sender's reference of the batch. It differs in every run, so that a second run creates another batch."""
    mode: TransportMode
    place: str
    people: list[Told]
    country: Country
    landed_at: datetime

    @classmethod
    def make(
        cls, *, reference: str, mode: TransportMode, country: Country, count: int, seed: int, at: datetime
    ) -> "Arrival":
        """A flight or bus with `count` invented people of this country that landed at `at`."""
        sample = country.sample
        people = tell(make_people(count, sample=sample, seed=seed, today=at.date()), sample=sample, seed=seed)
        place = sample.arrivals[mode].place
        return cls(reference=reference, mode=mode, place=place, people=people, country=country, landed_at=at)

    @property
    def needs_count(self) -> int:
        """The number of needs that its people report, and of those that registration reports for them."""
        return sum(len(told.needs) + self._own_needs_count(told) for told in self.people)

    def _own_needs_count(self, told: Told) -> int:
        """How many needs the person has by what they are or tell, and did not report."""
        person, own = told.person, self.country.own_needs
        asked = {
            own.get("child_alone"): person.standing is Standing.UNACCOMPANIED_CHILD,
            own.get("unlawful_return"): ProtectionFlag.FEARS_RETURN in person.flags,
        }
        reported = {need.category for need in told.needs}
        return sum(is_asked and category not in {None, *reported} for category, is_asked in asked.items())

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
            profile=profile(person, self.country),
            household_reference=household,
            household_size=None if household is None else person.household_size,
            needs=list(told.needs),
            consents=consents(told, self.country, at=self.landed_at),
            safe_contact=safe_contact(told, self.country),
        )

    def _entry(self, person: Person) -> ManifestEntry:
        return ManifestEntry(
            sender_reference=self._reference_of(person),
            given_names=person.given_names,
            family_names=person.family_names,
            birth_date=person.birth_date,
            sex=person.sex,
            nationality=self.country.sample.people.nationality,
        )

    def _reference_of(self, person: Person) -> str:
        return f"{self.reference}/person/{person.number}"


def profile(person: Person, country: Country) -> Profile:
    """The routing profile of a person."""
    return Profile(
        sex=person.sex,
        nationality=country.sample.people.nationality,
        identity_document=person.papers,
        documents_held=list(person.documents_held),
        languages=list(person.languages),
        destination=person.destination,
        access_needs=list(person.access_needs),
        protection_flags=list(person.flags),
        avoid_places=list(person.avoid_places),
    )


def consents(told: Told, country: Country, *, at: datetime) -> list[ConsentGiven]:
    """The consents of a person. Everybody consents to registration services.

    A person who does not refuse also consents to referral, to statistics, and to what the needs require by the country
    pack, such as sharing with employers. For a child, a guardian or an authority consents.
    """
    purposes = [(ConsentPurpose.REGISTRATION_SERVICES, RecipientClass.NETWORK_STAFF)]
    if told.consents_to_referral:
        purposes.append((ConsentPurpose.REFERRAL, RecipientClass.PROVIDERS))
        purposes.append((ConsentPurpose.STATISTICS, RecipientClass.STATISTICS_OFFICE))
        gates = [country.consents.by_category[need.category] for need in told.needs]
        purposes += [(gate.purpose, gate.recipient_classes[0]) for gate in gates]
    sample = country.sample.people
    common = sample.languages.common
    language = next((one for one in told.person.languages if one in sample.consent_texts), common)
    given_by = {Standing.UNACCOMPANIED_CHILD: "authority", Standing.ACCOMPANIED_CHILD: "guardian"}
    return [
        ConsentGiven(
            purpose=purpose,
            recipient_class=recipient,
            data_described=sample.consent_texts[language],
            given_by=given_by.get(told.person.standing, "self"),
            method="signature" if language in told.person.languages else "witnessed",
            language=language,
            revocation_explained=True,
            staff_reference="reception-desk-3",
            witness_reference=None if language in told.person.languages else "reception-desk-4",
            given_at=at,
            expires_at=at + timedelta(days=CONSENT_DAYS),
        )
        for purpose, recipient in dict.fromkeys(purposes)
    ]


def safe_contact(told: Told, country: Country) -> SafeContactTold | None:
    """An invented phone number, for adults who can be reached without danger to them."""
    if not told.has_safe_contact or told.person.is_child:
        return None
    address = f"{country.sample.people.phone}{told.person.number:06d}"
    return SafeContactTold(channel=ContactChannel.SMS, address=address, language=told.person.languages[0])
