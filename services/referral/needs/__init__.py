"""Decisions of people about needs: owner, refusal, closing, reopening. Also the whole journey of a returnee."""
