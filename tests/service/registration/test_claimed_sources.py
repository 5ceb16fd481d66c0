"""An event can't pass for what a client of REST tells: its batches and people stay that client's own."""

from uuid import uuid4

import pytest

from libs.events.catalogue.arrivals import ReturneeArrived
from libs.events.handling.parking import reason_of
from services.registration.arrivals.subscribers import SourceOfAClient
from tests.service.registration.conftest import a_returnee


async def test_an_event_that_claims_the_source_of_a_client_is_parked(registration):
    """Taken out: the check in `sender` (the stranger's person was in the client's batch)."""
    batch = await registration.announce(0)
    told = a_returnee(sender_reference=f"person-{uuid4()}", batch_reference=batch["sender_reference"])
    (source,) = await registration.fetch("SELECT source FROM arrival_batch WHERE id = $1", batch["id"])
    with pytest.raises(SourceOfAClient) as refused:
        await registration.hear(ReturneeArrived.model_validate(told), source=source["source"])
    assert reason_of(refused.value) == "source-of-a-client"
    await registration.hear(ReturneeArrived.model_validate(told), source=f"urn:reception:{uuid4()}")
    (row,) = await registration.fetch("SELECT registered_count FROM arrival_batch WHERE id = $1", batch["id"])
    assert row["registered_count"] == 0
