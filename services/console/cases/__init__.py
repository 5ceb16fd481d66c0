"""cases shows one person's journey: needs, referrals, offers and why, stays, the timeline, who waited for whom."""
