"""The routers of this process, which wait for referrals to place."""

from libs.waiting.wakeups import Wakeups

ROUTERS = Wakeups("referral.routers")
"""Woken by transactions that give a router work."""
