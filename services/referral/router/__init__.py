"""The rounds that put seeking referrals to provider services, under one leader per country."""
