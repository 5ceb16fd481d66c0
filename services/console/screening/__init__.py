"""Screening of one person by a member of staff with a certificate; registration decides who may do it."""
