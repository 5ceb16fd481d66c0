"""The release of a child who is alone: the child is heard, the relative verified, the authority signs off."""
