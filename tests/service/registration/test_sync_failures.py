"""What fails in the middle of a request: other operations are taken in, and a result never says more than is stored."""

import pytest

from libs.chassis.errors import Unavailable
from services.registration.needs.actions import needs
from services.registration.sync.actions.ageing import let_results_age_out
from tests.service.registration.offline import Device


@pytest.fixture
def device(registration):
    return Device(registration)


def failing(monkeypatch, error):
    async def report_need(*_, **__):
        raise error

    monkeypatch.setattr(needs, "report_need", report_need)


async def test_a_fault_of_ours_in_one_operation_holds_up_only_what_needs_it(registration, device, monkeypatch):
    one, other = device.person(), device.person()
    need = device.op("report_need", returnee_id=one["person_id"], data={"category": "food"})
    back = device.op("withdraw_need", returnee_id=one["person_id"], need_id=need["id"])
    with monkeypatch.context() as broken:
        failing(broken, RuntimeError("Muestra Uno"))
        results = await device.send(one, need, back, other)
    assert [result["status"] for result in results] == [201, 500, 503, 201], results
    assert [result["outcome"] for result in results][1:3] == ["not_processed", "not_processed"]
    assert "Muestra" not in str(results)
    results = await device.send(one, need, back, other)
    assert [result["status"] for result in results] == [201, 201, 200, 201]
    assert [result["replayed"] for result in results] == [True, False, False, True]


async def test_once_a_system_does_not_answer_nothing_more_is_tried(registration, device, monkeypatch):
    one, other = device.person(), device.person()
    need = device.op("report_need", returnee_id=one["person_id"], data={"category": "food"})
    last = device.person()
    with monkeypatch.context() as away:
        failing(away, Unavailable())
        results = await device.send(one, other, need, last)
    assert [result["status"] for result in results] == [201, 201, 503, 503]
    assert results[3]["problem"]["code"] == "not-processed"
    assert len(await registration.events("returnee.registered.v1")) == 2
    assert [result["status"] for result in await device.send(one, other, need, last)] == [201, 201, 201, 201]


async def test_old_results_age_out_and_others_stay(registration, device):
    old, recent = device.person(), device.person()
    await device.send(old, recent)
    earlier = "UPDATE sync_operation SET done_at = done_at - interval '91 days' WHERE operation_id = $1"
    await registration.fetch(earlier, old["id"])
    async with registration.database.transaction() as session:
        assert await let_results_age_out(session, limit=100) >= 1
    left = await registration.fetch("SELECT operation_id FROM sync_operation WHERE device_id = $1", device.id)
    assert [str(row["operation_id"]) for row in left] == [recent["id"]]
