"""Exports of people: ask for one, decide about one as the second person, download the file of one's own."""
