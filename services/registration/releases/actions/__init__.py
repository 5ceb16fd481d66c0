"""The steps of a release: those of the child desk, and those of the authority."""
