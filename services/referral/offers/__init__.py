"""What a provider does with an offer: see it, acknowledge, accept or decline it, or let its clock run out."""
