"""What a round decides about its referrals: an offer, a queue, a later look, a document first, or a desk."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from libs.chassis.logs import get_logger
from services.referral.candidates import facts as candidates
from services.referral.candidates.choice import Candidate, Decision, Market
from services.referral.candidates.interlocks import review_reason
from services.referral.candidates.sites import people_meet, site_of
from services.referral.journeys.facts import Referral
from services.referral.journeys.work import Work
from services.referral.lifecycles.rules import ReferralStatus
from services.referral.router import rules, together
from services.referral.router.actions import waits
from services.referral.router.actions.reaching import Near
from services.referral.router.picks import Picks
from services.referral.router.queries import Placing
from services.referral.router.rules import Line, Pace, Way
from services.referral.steps import routing as routing_steps
from services.referral.steps.people import judged_on

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """The offers of a group. They are made if the ledger can hold all of their places."""

    offers: Sequence[tuple[Referral, Candidate]]
    decision: Decision

    @property
    def places(self) -> dict[UUID, int]:
        """The places of all offers, by pool."""
        found: Counter[UUID] = Counter()
        for _, candidate in self.offers:
            for share in candidate.shares:
                found[share.pool.pool_id] += share.places
        return dict(found)


@dataclass(frozen=True, slots=True)
class Group:
    """Referrals that are placed together or not at all, mostly one, with their needs and the decision about them."""

    referrals: Sequence[Referral]
    needs: Sequence[candidates.Need]
    need: candidates.Need
    """The needs as one."""
    decision: Decision


@dataclass(slots=True)
class Decider:
    """Decides about the referrals of a round in their order. What one group gets is not free for the next."""

    piece: Work
    placing: Placing
    market: Market
    near: Near
    line: Line
    supply: Mapping[str, int]
    pace: Pace
    picks: Picks
    after_documents: dict[UUID, frozenset[str]] = field(default_factory=dict)
    """The referrals for which a service would be there if the person had these documents."""

    def decide(self) -> list[Plan]:
        """The offers that may be made. Everything else is decided when this returns."""
        details = {need_id: need.detail_values for need_id, need in self.placing.needs.items()}
        plans = []
        for referrals in together.groups(self.placing.referrals, self.placing.told, details):
            first = referrals[0]
            self.line.come_to((first.urgency_rank, first.waiting_since, first.referral_id))
            group = self._judge(referrals)
            plan = None if group is None else self._place(group)
            if plan is not None:
                plans.append(plan)
        return plans

    def decide_offer(self, referral: Referral) -> Plan | None:
        """The offer that a round would make now, or None. Nothing is decided about a referral without an offer."""
        try:
            if referral.need_id in self.near.unreadable:
                raise self.near.unreadable[referral.need_id]
            need = self.near.needs[referral.need_id]
            if review_reason(need, self.piece.policy) is not None:
                return None
            decision = self.market.choose(need, self.near.reaches[need.need_id])
        except Exception as error:
            log.error("router.need_left", error=error, reason=referral.category)
            return None
        chosen = decision.chosen
        if chosen is None or not self.picks.leaves_enough(referral, chosen):
            return None
        if self.pace.later(chosen.service.view.provider_service_id, referral.urgency) is not None:
            return None
        return self._planned(Group([referral], [need], need, decision), chosen)

    def widen(self, referral: Referral, decision: Decision) -> None:
        """Record that the search for the referral has widened, if it has."""
        if decision.ring > referral.ring:
            routing_steps.widen(self.piece, referral, decision.ring)

    def _judge(self, referrals: Sequence[Referral]) -> Group | None:
        """Which services may take the needs of these referrals. A referral that needs a review first leaves the group;
        None if nobody is left."""
        left, needs = [], []
        for referral in referrals:
            need = self._ready(referral)
            if need is not None:
                left.append(referral)
                needs.append(need)
        if not left:
            return None
        try:
            merged = together.merged(needs)
            people = [one for referral in left for one in self.placing.people_of(referral)]
            # What others are offered in this round counts too.
            merged = replace(merged, kept_apart=self.placing.apart.of(people))
            return Group(left, needs, merged, self.market.choose(merged, self.near.reaches[merged.need_id]))
        except Exception as error:
            for referral in left:
                self._leave(referral, error)
            return None

    def _ready(self, referral: Referral) -> candidates.Need | None:
        """The need as the rules use it. None if a review comes first, which is requested here, or after an error."""
        piece = self.piece
        try:
            if referral.need_id in self.near.unreadable:
                raise self.near.unreadable[referral.need_id]
            need = self.near.needs[referral.need_id]
            if referral.need_id in self.placing.told:
                # Others of the household may have been offered a service in this round.
                need = replace(need, household_at=frozenset(self.placing.told[referral.need_id].at))
            reason = review_reason(need, piece.policy)
        except Exception as error:
            self._leave(referral, error)
            return None
        if reason is None:
            return need
        if referral.status is ReferralStatus.WAITLISTED:
            routing_steps.serve(piece, referral)
        routing_steps.request_review(piece, referral, reason)
        return None

    def _leave(self, referral: Referral, error: Exception) -> None:
        """After an error the referral's clock continues, and a later round looks at the referral again."""
        log.error("router.need_left", error=error, reason=referral.category)
        routing_steps.look_again(self.piece, referral, at=self.piece.at + rules.LOOK_AGAIN_AFTER)

    def _place(self, group: Group) -> Plan | None:
        """The offers to the group, or None. Without an offer, what happens next is decided here."""
        decision, chosen = group.decision, group.decision.chosen
        if chosen is not None and not self.picks.leaves_enough(group.referrals[0], chosen):
            return None
        for referral in group.referrals:
            self.widen(referral, decision)
        way = rules.way_of(decision)
        if way is Way.OFFER and chosen is not None:
            return self._plan(group, chosen)
        for nth, (referral, need) in enumerate(zip(group.referrals, group.needs, strict=True)):
            if way is Way.AFTER_DOCUMENTS:
                self.after_documents[referral.referral_id] = self.market.documents_missing(need, decision)
            elif way is Way.WAITLIST:
                # The first one waits for the places of all, so that a pool is kept for all.
                waiting, line = (group.need, self.line) if nth == 0 else (need, None)
                supply_count = self._supply(referral)
                waits.queue(self.piece, referral, waiting, decision, self.market, line, supply_count=supply_count)
            else:
                asked = bool(group.need.refused_by)
                waits.let_wait(
                    self.piece, referral, way, asked_before=asked, supply=self.supply, lacking=decision.lacking
                )
        return None

    def _plan(self, group: Group, chosen: Candidate) -> Plan | None:
        """The offers to the group, or None if the service has had so many that the next ones come later."""
        service_id = chosen.service.view.provider_service_id
        later, *_ = [self.pace.later(service_id, referral.urgency) for referral in group.referrals]
        if later is not None:
            for referral in group.referrals:
                routing_steps.look_again(self.piece, referral, at=later, supply_count=self._supply(referral))
            return None
        return self._planned(group, chosen)

    def _planned(self, group: Group, chosen: Candidate) -> Plan:
        service_id = chosen.service.view.provider_service_id
        for referral in group.referrals:
            facts = judged_on(referral, self.placing.journeys, self.placing.households)
            self.piece.judged_on[referral.referral_id] = facts
            together.leads(self.placing.told, referral.need_id, service_id)
            self._keep_away_others(referral, chosen)
        self.market.hold(chosen)
        return Plan(list(zip(group.referrals, together.for_each(chosen, group.needs), strict=True)), group.decision)

    def _keep_away_others(self, referral: Referral, chosen: Candidate) -> None:
        """Who must be kept apart from the people of this referral is not offered a place there in this round."""
        view = chosen.service.view
        kind = chosen.kind or referral.kind
        if people_meet(referral.category, kind, view.max_stay_hours, self.piece.policy.taxonomy):
            self.placing.apart.add(self.placing.people_of(referral), site_of(view))

    def _supply(self, referral: Referral) -> int:
        return self.supply.get(referral.category, 0)
