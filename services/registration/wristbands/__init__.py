"""Wristbands, which are given to people before anybody knows who they are, and the stages of the check-in."""
