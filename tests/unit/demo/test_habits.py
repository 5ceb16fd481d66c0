"""The demo's partners behave as the demo promises: all ways of answering occur, and true places are kept."""

from pathlib import Path
from random import Random

from deploy.demo.habits import Answer, Verdict, Way, answer_to, way_of
from deploy.packs.demo_data import load_demo
from deploy.packs.directory import load_directory
from libs.events.codes import DeclineReason, Urgency

PACK = Path(__file__).parents[3] / "deploy" / "packs" / "guatemala"
DIRECTORY, HABITS = load_directory(PACK), load_demo(PACK).partners


def answers(*, service: str = "casa-del-migrante-guatemala-shelter", taken: int = 0, was_forgotten: bool = False,
            count: int = 300) -> list[Answer]:  # fmt: skip
    random = Random(1)
    return [
        answer_to(service=service, category="shelter", people_count=1,
                  urgency=Urgency.URGENT, taken=taken, was_forgotten=was_forgotten, habits=HABITS, random=random)
        for _ in range(count)
    ]  # fmt: skip


def test_some_poll_and_most_receive_webhooks() -> None:
    ways = [way_of(one.slug, HABITS) for one in DIRECTORY.organizations]
    assert 5 <= ways.count(Way.POLLING) < ways.count(Way.WEBHOOK)


def test_most_accept_and_some_decline_or_stay_silent() -> None:
    verdicts = [answer.verdict for answer in answers()]
    assert verdicts.count(Verdict.ACCEPT) > 240
    assert {Verdict.DECLINE, Verdict.SILENCE} <= set(verdicts)


def test_some_acknowledge_first_and_others_answer_at_once() -> None:
    assert {answer.acknowledges for answer in answers() if answer.verdict is Verdict.ACCEPT} == {True, False}


def test_who_never_answers_never_does() -> None:
    assert {answer.verdict for answer in answers(service="wfp-gastronomy-certification")} == {Verdict.SILENCE}


def test_a_need_is_forgotten_by_chance_once_at_most() -> None:
    assert Verdict.SILENCE not in {answer.verdict for answer in answers(was_forgotten=True)}


def test_beyond_its_true_places_a_service_declines_as_full_and_before_it_does_not() -> None:
    igm = "igm-attention-centre-zone-5"
    places = HABITS.true_places[igm]
    after = answers(taken=places, service=igm)
    assert {answer.reason for answer in after if answer.verdict is Verdict.DECLINE} == {DeclineReason.FULL}
    assert not any(answer.verdict is Verdict.ACCEPT for answer in after)
    assert not any(answer.reason is DeclineReason.FULL for answer in answers(taken=places - 1, service=igm))


def test_only_a_decline_has_a_reason() -> None:
    for answer in answers(service="icrc-prostheses"):
        assert (answer.reason is not None) == (answer.verdict is Verdict.DECLINE)
