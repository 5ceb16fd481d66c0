"""The rounds that offer seeking referrals to provider services. One process per country leads."""
