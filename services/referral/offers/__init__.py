"""What a provider does with an offer: read it, acknowledge, accept or decline it, or let it expire."""
