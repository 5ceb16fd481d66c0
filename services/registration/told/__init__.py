"""Told once: who may learn an answer gets it, who may not is told not to ask, and what is asked again is counted."""
