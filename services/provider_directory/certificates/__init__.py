"""Certificates of people: what somebody has been trained for, and until when."""
