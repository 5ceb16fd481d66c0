from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.events.codes import PublicationStatus
from services.provider_directory.errors import StepNotAllowed
from services.provider_directory.organizations.rules import Rights, Step, next_status, status_after
from tests.categories import CATEGORIES

ALLOWED = {
    ("active", "suspend"): "suspended",
    ("active", "withdraw"): "withdrawn",
    ("suspended", "resume"): "active",
    ("suspended", "withdraw"): "withdrawn",
}
SCOPES = st.frozensets(
    st.sampled_from(["directory:read", "directory:write", "directory:admin", "capacity:write", "restricted:read"])
)


@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize("status", PublicationStatus)
def test_every_step_from_every_status_leads_on_or_is_refused(status, step):
    expected = ALLOWED.get((status.value, step.value))
    if expected is not None:
        assert next_status(status, step) == expected
        return
    with pytest.raises(StepNotAllowed) as refused:
        next_status(status, step)
    assert refused.value.members == {"state": status.value, "step": step.value}


@pytest.mark.parametrize("status", PublicationStatus)
def test_naming_no_status_or_the_present_one_keeps_it(status):
    assert status_after(status, wanted=None) is status
    assert status_after(status, wanted=status) is status


@given(current=st.sampled_from(PublicationStatus), wanted=st.sampled_from(PublicationStatus))
def test_a_status_that_is_wanted_is_reached_by_an_allowed_step_or_not_at_all(current, wanted):
    try:
        assert status_after(current, wanted=wanted) is wanted
    except StepNotAllowed:
        assert wanted not in {after for (before, _), after in ALLOWED.items() if before == current}


@given(scopes=SCOPES)
def test_only_the_own_organization_or_an_administrator_writes(scopes):
    own, other = uuid4(), uuid4()
    rights = Rights.of(scopes, organization_id=own, staff=False)
    assert rights.may_write(own)
    assert not rights.may_write(other), "whatever its scopes"
    assert not Rights.of(scopes, organization_id=None, staff=False).may_write(other), "a token that is nobody's"
    assert Rights.of(scopes, organization_id=None, staff=True).may_write(own) == ("directory:admin" in scopes)


@given(scopes=SCOPES, restricted=st.booleans())
def test_the_restricted_is_seen_with_its_scope_alone(scopes, restricted):
    rights = Rights.of(scopes, organization_id=uuid4(), staff=False)
    assert rights.sees(restricted=restricted) == (not restricted or "restricted:read" in scopes)
    for category in CATEGORIES:
        shown = rights.sees_category(category, restricted={"gbv", "legal"})
        assert shown == rights.sees(restricted=category in {"gbv", "legal"})


@given(scopes=SCOPES, hidden=st.booleans(), own=st.booleans())
def test_a_hidden_address_needs_the_scope_or_the_right_to_write_it(scopes, hidden, own):
    organization_id = uuid4()
    rights = Rights.of(scopes, organization_id=organization_id if own else uuid4(), staff=False)
    shown = rights.sees_address(hidden=hidden, organization_id=organization_id)
    writes = bool(scopes & {"directory:write"})
    assert shown == (not hidden or "restricted:read" in scopes or (own and writes))
