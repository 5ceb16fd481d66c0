"""Pages for providers: offers and their steps, the data of the person, requests to delete data."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from services.console.errors import FieldFault, NoSuchPage, Problem, Refused
from services.console.filled import Filled
from services.console.forms import Form, SentForm, refilled
from services.console.labels import label
from services.console.offers import actions, queries, rules
from services.console.pages import done, render
from services.console.people import Person, SignedInPerson, seen_by

router = APIRouter(include_in_schema=False)
Tab = Literal["waiting", "serving", "ended"]
EndedKind = Literal["served", "declined", "expired", "recalled"]
After = Annotated[str | None, Query(max_length=1000)]


def _provider(person: Person, *scopes: str) -> Person:
    """A person of an organisation with these rights; for others the page does not exist."""
    if person.rights.organization_id is None or not person.may(*scopes):
        raise NoSuchPage
    return person


async def _answerer(person: SignedInPerson) -> Person:
    return _provider(person, "offers:read", "offers:answer")


async def _answering(form: SentForm) -> Form:
    _provider(form.person, "offers:read", "offers:answer")
    return form


async def _reporting(form: SentForm) -> Form:
    if not form.person.may("offers:read", "referrals:read", "referrals:write"):
        raise NoSuchPage
    return form


Answerer = Annotated[Person, Depends(_answerer)]
Reader = Annotated[Person, seen_by("offers:read")]
Reporter = Annotated[Person, seen_by("offers:read", "referrals:read", "referrals:write")]
AnswerForm = Annotated[Form, Depends(_answering)]
ReportForm = Annotated[Form, Depends(_reporting)]


@router.get("/offers")
async def read_offers(
    request: Request,
    person: Answerer,
    tab: Tab = "waiting",
    kind: EndedKind = "served",
    after: After = None,
    offer: Annotated[list[UUID] | None, Query(max_length=rules.AT_ONCE)] = None,
    every: bool = False,
    many: bool = False,
) -> Response:
    """The list. `offer` and `every` name the ticked boxes, so that the list refreshes itself without losing them.
    `many` shows as many waiting offers as one answer can take."""
    if tab == "waiting":
        return await _waiting(request, person, chosen=rules.Chosen(frozenset(map(str, offer or ())), every), many=many)
    if tab == "serving":
        shown = await queries.serving(person, after=after)
    else:
        shown = await queries.ended(person, kind=kind, after=after)
    return render(request, "offers/list.html", person=person, tab=tab, kind=kind, kinds=list(rules.ENDED), **shown)


async def _waiting(
    request: Request,
    person: Person,
    *,
    chosen: rules.Chosen,
    many: bool,
    filled: Filled | None = None,
    results: rules.Results | None = None,
    status: int = 200,
) -> Response:
    shown = await queries.waiting(person, most=rules.AT_ONCE if many else rules.FEW)
    is_part = request.method == "GET" and request.headers.get("hx-request") == "true"
    template = "offers/waiting_part.html" if is_part else "offers/waiting.html"
    more = {"chosen": chosen, "many": many, "at_once": rules.AT_ONCE, "results": results, "tab": "waiting"}
    more["filled"] = filled or Filled()
    return render(request, template, person=person, status=status, **shown, **more)


@router.post("/offers/answers")
async def answer_many(request: Request, form: AnswerForm) -> Response:
    """One answer to all chosen offers. What was refused is shown with its reason, and stays chosen."""
    person, answer, chosen = form.person, form.text("answer"), form.all("offer")
    many = form.optional("many") is not None
    if answer not in rules.ANSWERS:
        raise NoSuchPage
    if not chosen:
        problem = Problem("console", 422, "nothing-chosen", "")
        return await _waiting(
            request, person, chosen=rules.Chosen(), many=many, filled=refilled(form, problem), status=422
        )
    try:
        results = await actions.answer_offers(form)
    except Refused as refused:
        pointers = {f"/answers/{n}/{name}": name for n in range(len(chosen)) for name in ("reason", "note")}
        filled = refilled(form, refused.problem, pointers)
        still = rules.Chosen(frozenset(chosen))
        return await _waiting(request, person, chosen=still, many=many, filled=filled, status=refused.problem.status)
    if not results.refused:
        count, taken = len(results.taken), label(person.words, "answer_result", answer)
        said = person.words.some("%(num)s offer: %(answer)s.", "%(num)s offers: %(answer)s.", count, answer=taken)
        return done(person, said, "/offers")
    left = rules.Chosen(frozenset(one.offer_id for one in results.refused))
    needs_note = any("required-with-other" in one.rules for one in results.refused)
    fault = [FieldFault("/note", "required-with-other", "")] if needs_note else []
    filled = refilled(form, Problem("console", 200, "partly-refused", "", fault), actions.DECLINE_POINTERS)
    return await _waiting(request, person, chosen=left, many=many, filled=filled, results=results)


async def _offer(
    request: Request, person: Person, offer_id: UUID, *, filled: Filled | None = None, status: int = 200
) -> Response:
    """The page of an offer; with `filled`, what was refused is shown beside the buttons."""
    shown = await queries.offer(person, str(offer_id))
    return render(request, "offers/offer.html", person=person, status=status, filled=filled or Filled(), **shown)


@router.get("/offers/{offer_id}")
async def read_offer(request: Request, person: Reader, offer_id: UUID) -> Response:
    """One offer."""
    return await _offer(request, person, offer_id)


async def _answered(request: Request, form: Form, offer_id: UUID, answer: str) -> Response:
    try:
        offer = await actions.answer_offer(form, str(offer_id), answer)
    except Refused as refused:
        return await _offer(
            request, form.person, offer_id, filled=refilled(form, refused.problem), status=refused.problem.status
        )
    said = label(form.person.words, "answer_done", answer) % {"code": offer["case_code"]}
    return done(form.person, said, "/offers" if answer == "acknowledge" else f"/offers/{offer_id}")


@router.post("/offers/{offer_id}/acknowledge")
async def acknowledge_offer(request: Request, form: AnswerForm, offer_id: UUID) -> Response:
    """Confirm that the offer was seen."""
    return await _answered(request, form, offer_id, "acknowledge")


@router.post("/offers/{offer_id}/accept")
async def accept_offer(request: Request, form: AnswerForm, offer_id: UUID) -> Response:
    """Accept the offer."""
    return await _answered(request, form, offer_id, "accept")


async def _choice(
    request: Request, person: Person, offer_id: UUID, template: str, *, filled: Filled | None = None, status: int = 200
) -> Response:
    """A page with big buttons, one for each coded reason."""
    shown = await queries.offer(person, str(offer_id))
    return render(request, template, person=person, status=status, filled=filled or Filled(), **shown)


@router.get("/offers/{offer_id}/decline")
async def ask_decline(request: Request, person: Answerer, offer_id: UUID) -> Response:
    """The reasons to decline."""
    return await _choice(request, person, offer_id, "offers/decline.html")


@router.post("/offers/{offer_id}/decline")
async def decline_offer(request: Request, form: AnswerForm, offer_id: UUID) -> Response:
    """Decline with a coded reason."""
    try:
        offer = await actions.decline_offer(form, str(offer_id))
    except Refused as refused:
        filled = refilled(form, refused.problem, actions.DECLINE_POINTERS)
        status = refused.problem.status
        return await _choice(request, form.person, offer_id, "offers/decline.html", filled=filled, status=status)
    said = label(form.person.words, "answer_done", "decline") % {"code": offer["case_code"]}
    return done(form.person, said, "/offers")


@router.get("/offers/{offer_id}/packet")
async def read_packet(request: Request, person: SignedInPerson, offer_id: UUID) -> Response:
    """The data of the person. Until they are ready, the page asks again by itself."""
    _provider(person, "packets:read")
    shown = await queries.packet(person, str(offer_id))
    problem = shown["packet"].problem
    if problem is not None and problem.status == 404:
        raise NoSuchPage
    waits = problem is not None and problem.code == "packet-not-ready"
    status = 202 if waits else 200 if problem is None else problem.status
    return render(
        request, "offers/packet.html", person=person, status=status, waits=waits, offer_id=str(offer_id), **shown
    )


@router.post("/offers/{offer_id}/start")
async def start_service(request: Request, form: ReportForm, offer_id: UUID) -> Response:
    """Report that the service has started."""
    offer = await queries.read_offer(form.person, str(offer_id))
    try:
        await actions.start_service(form, offer["referral_id"])
    except Refused as refused:
        return await _offer(
            request, form.person, offer_id, filled=refilled(form, refused.problem), status=refused.problem.status
        )
    return done(form.person, form.person.words("The service has started."), f"/offers/{offer_id}")


@router.get("/offers/{offer_id}/complete")
async def ask_completion(
    request: Request, person: Reporter, offer_id: UUID, given_kind: Annotated[str | None, Query(max_length=40)] = None
) -> Response:
    """The form for the outcome."""
    shown = await queries.completion(person, str(offer_id), given_kind=given_kind)
    return render(request, "offers/complete.html", person=person, filled=Filled(), **shown)


@router.post("/offers/{offer_id}/complete")
async def complete_service(request: Request, form: ReportForm, offer_id: UUID) -> Response:
    """Report the outcome."""
    shown = await queries.completion(form.person, str(offer_id), given_kind=form.optional("given_kind"))
    try:
        await actions.complete_service(form, shown["offer"]["referral_id"])
    except Refused as refused:
        pointers = actions.COMPLETE_POINTERS | {f"/facts/{one.fact}": one.field for one in shown["questions"]}
        filled, status = refilled(form, refused.problem, pointers), refused.problem.status
        return render(request, "offers/complete.html", person=form.person, status=status, filled=filled, **shown)
    return done(form.person, form.person.words("The outcome was recorded."), f"/offers/{offer_id}")


@router.get("/offers/{offer_id}/not-delivered")
async def ask_not_delivered(request: Request, person: Reporter, offer_id: UUID) -> Response:
    """The reasons why a service was not given."""
    return await _choice(request, person, offer_id, "offers/not_delivered.html")


@router.post("/offers/{offer_id}/{report}")
async def report(
    request: Request, form: ReportForm, offer_id: UUID, report: Literal["not-delivered", "uphold", "enter-in-error"]
) -> Response:
    """A report with a reason. The last two are for staff of the network."""
    person = form.person
    if report != "not-delivered" and not person.rights.staff:
        raise NoSuchPage
    offer = await queries.read_offer(person, str(offer_id))
    steps = {
        "not-delivered": (
            actions.report_not_delivered,
            person.words("It was recorded that the service was not given."),
        ),
        "uphold": (actions.uphold, person.words("The halted offer may go on.")),
        "enter-in-error": (actions.enter_in_error, person.words("The referral was marked as recorded by mistake.")),
    }
    step, said = steps[report]
    try:
        await step(form, offer["referral_id"])
    except Refused as refused:
        filled, status = refilled(form, refused.problem, actions.DECLINE_POINTERS), refused.problem.status
        if report == "not-delivered":
            return await _choice(request, person, offer_id, "offers/not_delivered.html", filled=filled, status=status)
        return await _offer(request, person, offer_id, filled=filled, status=status)
    return done(person, said, f"/offers/{offer_id}")
