"""The stages of the referral mechanism, as the country pack has them."""
