"""The routers of this process, which wait for referrals to place."""

from libs.waiting.wakeups import Wakeups

ROUTERS = Wakeups("referral.routers")
"""Transactions that create work for a router wake it through this object."""
