import json

import pytest

from libs.chassis.errors import Conflict, FieldError, InvalidInput, NotFound, Refusal
from libs.chassis.problems import declared, problem_document, problem_response, responses


class DoorLocked(Conflict):
    code = "door-locked"


class DoorLockedForGood(DoorLocked):
    retry_after_seconds = 7


def test_title_and_status_follow_from_code_and_kind():
    assert (DoorLocked.title, DoorLocked.status) == ("Door locked", 409)
    assert DoorLocked().detail == "Door locked"
    assert DoorLockedForGood.code == "door-locked"


def test_a_pointer_becomes_the_field_at_fault():
    assert DoorLocked("It is.", pointer="/door").errors == [FieldError("/door", "door-locked", "It is.")]
    assert NotFound().errors == []
    assert InvalidInput(pointer="").errors[0].pointer == ""


def test_listed_fields_win_over_the_pointer():
    faults = [FieldError("/a", "rule", "why"), FieldError("/b", "rule", "why")]
    assert InvalidInput(errors=faults).errors == faults


def test_members_join_the_document_but_never_replace_its_own():
    document = problem_document(DoorLocked("It is.", keys=2, status=200, trace_id="mine"))
    assert (document["keys"], document["status"], document["trace_id"]) == (2, 409, None)


def test_an_answer_says_when_to_come_again():
    answer = problem_response(DoorLockedForGood())
    assert answer.headers["retry-after"] == "7"
    assert answer.headers["content-type"] == "application/problem+json"
    assert json.loads(bytes(answer.body))["code"] == "door-locked"


def test_a_route_declares_its_refusals_by_status():
    found = responses(NotFound, DoorLocked, Conflict)
    assert found == {404: declared(404, ["not-found"]), 409: declared(409, ["door-locked", "conflict"])}
    assert found[409]["description"] == "Conflict: `door-locked`, `conflict`"


def test_every_refusal_of_the_chassis_has_a_code_of_its_own():
    import libs.chassis.app  # noqa: F401 (imports every part)

    def below(kind: type[Refusal]) -> list[type[Refusal]]:
        return [kind] + [deeper for child in kind.__subclasses__() for deeper in below(child)]

    ours = [kind for kind in below(Refusal) if kind.__module__.startswith("libs.chassis") and "code" in vars(kind)]
    codes = [kind.code for kind in ours]
    assert len(codes) == len(set(codes))
    assert all(code == code.lower() and " " not in code and "_" not in code for code in codes)
    assert all(400 <= kind.status < 600 for kind in ours)


@pytest.mark.parametrize("kind", [NotFound, Conflict, InvalidInput])
def test_no_refusal_tells_more_than_it_was_told(kind):
    document = problem_document(kind())
    assert document.keys() == {"type", "title", "status", "code", "detail", "errors", "trace_id"}
