"""The reported needs of returnees and households. Referral owns their further state."""
