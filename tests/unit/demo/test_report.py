"""What the demo shows: totals, over-booked services, reasons, and whether a promise was broken."""

from collections import Counter
from pathlib import Path

from rich.console import Console, RenderableType

from deploy.demo.looking import Pool
from deploy.demo.outcomes import Counts
from deploy.demo.partners import Tally
from deploy.demo.promise import check_invariants, check_places
from deploy.demo.report import needs_table, partners_table, places_table, promises_table, why_panel
from deploy.packs.directory import load_directory

DIRECTORY = load_directory(Path(__file__).parents[3] / "deploy" / "packs" / "guatemala")


def shown(what: RenderableType) -> str:
    console = Console(width=140, no_color=True)
    with console.capture() as capture:
        console.print(what)
    return capture.get()


def a_pool(slug: str, *, maximum: int, held: int = 0, taken: int = 0) -> Pool:
    service = next(one for one in DIRECTORY.services if one.slug == slug)
    return Pool(str(service.pool_id(service.pools[0].kind)), str(service.id), maximum, held, taken)


def test_needs_are_summed_over_categories() -> None:
    text = shown(
        needs_table({("food", "hot_meals"): Counts(5, 4, 3, 1, 0, 1), ("shelter", ""): Counts(10, 9, 8, 1, 0, 2)})
    )
    (total,) = [line for line in text.splitlines() if "all" in line]
    assert "hot_meals" in text
    assert "not told" in text
    assert [cell.strip() for cell in total.strip("│").split("│")][2:] == ["15", "13", "11", "2", "0", "3"]


def test_places_show_services_in_use_before_or_after_and_never_a_restricted_one() -> None:
    used = a_pool("casa-del-migrante-guatemala-shelter", maximum=40, taken=3)
    idle = a_pool("casa-del-migrante-guatemala-meals", maximum=120)
    hidden = a_pool("amor-sin-fronteras-shelter", maximum=16, taken=1)
    text = shown(places_table({}, {pool.pool_id: pool for pool in (used, idle, hidden)}, DIRECTORY))
    assert "adult shelter" in text
    assert "meals" not in text
    assert "Amor sin Fronteras" not in text


def test_a_service_that_promised_too_much_breaks_the_promise() -> None:
    full = a_pool("casa-del-migrante-guatemala-shelter", maximum=40, held=1, taken=39)
    over = a_pool("casa-del-migrante-guatemala-shelter", maximum=40, held=1, taken=40)
    assert check_places([full])[1]
    assert not check_places([full, over])[1]


def test_a_need_that_nobody_answers_for_breaks_the_promise_and_is_shown() -> None:
    kept = check_invariants(
        {"promises": [{"promise": "An open need is attended", "violations": 2}, {"promise": "Fine", "violations": 0}]}
    )
    assert [holds for _, holds, _ in kept] == [False, True]
    assert "NO" in shown(promises_table(kept))


def test_why_this_one_and_why_not_the_others() -> None:
    offers = [
        {"provider_service_id": "a", "status": "declined", "reason": "full"},
        {"provider_service_id": "b", "status": "accepted", "reason": None},
    ]
    need = {"category": "shelter", "kind": None, "urgency": "urgent", "referrals": [{"offers": offers}]}
    explanation = {
        "ranked": [{"provider_service_id": "b", "score": 0.7, "parts": {"distance": 1.0}}],
        "excluded": [{"provider_service_id": "c", "reasons": ["age", "no_agreement"]}],
    }
    text = shown(why_panel(case_code="GT-AAAA-BBBB", need=need, offer=offers[1], explanation=explanation,
                           names={"a": "House A", "b": "House B", "c": "House C"}))  # fmt: skip
    assert "GT-AAAA-BBBB" in text
    assert "asked before: House A: declined full" in text
    assert "chosen: House B, score 0.7 (distance 1)" in text
    assert "excluded: House C (age, no_agreement)" in text


def test_what_partners_did_is_counted_by_reason() -> None:
    tally = Tally()
    tally.done.update(heard=5, accepted=3)
    tally.declined.update(full=2)
    text = shown(partners_table(tally, offers=Counter(expired=1), rerouted=1))
    assert "declined, full" in text
    assert "needs that a later candidate accepted" in text
