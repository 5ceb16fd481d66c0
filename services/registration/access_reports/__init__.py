"""The report to a person about their data: what is known, who looked, to whom it went."""
