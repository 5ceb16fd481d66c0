"""Endpoints: every (state, step) pair, and when one is switched off."""

from datetime import UTC, datetime, timedelta

import pytest

from services.notifications.deliveries.rules import RETRY_DELAYS
from services.notifications.endpoints.rules import (
    DISABLE_AFTER,
    DisabledReason,
    EndpointStatus,
    EndpointStep,
    disabled_reason,
    next_status,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ALLOWED = {
    (EndpointStatus.ENABLED, EndpointStep.DISABLE): EndpointStatus.DISABLED,
    (EndpointStatus.DISABLED, EndpointStep.ENABLE): EndpointStatus.ENABLED,
    (EndpointStatus.ENABLED, EndpointStep.DELETE): EndpointStatus.DELETED,
    (EndpointStatus.DISABLED, EndpointStep.DELETE): EndpointStatus.DELETED,
}


@pytest.mark.parametrize("step", EndpointStep)
@pytest.mark.parametrize("status", EndpointStatus)
def test_every_step_of_every_state(status, step):
    assert next_status(status, step) is ALLOWED.get((status, step))


def test_gone_switches_off_at_once():
    assert disabled_reason(gone=True, failing_since=None, now=NOW) is DisabledReason.GONE


def test_long_failure_switches_off_and_short_failure_does_not():
    assert disabled_reason(gone=False, failing_since=NOW - DISABLE_AFTER, now=NOW) is DisabledReason.FAILING
    almost = NOW - DISABLE_AFTER + timedelta(seconds=1)
    assert disabled_reason(gone=False, failing_since=almost, now=NOW) is None
    assert disabled_reason(gone=False, failing_since=None, now=NOW) is None


def test_one_delivery_that_never_gets_through_is_enough():
    assert sum(RETRY_DELAYS, timedelta()) > DISABLE_AFTER
