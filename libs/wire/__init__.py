"""The forms in which text from outside is read, the same by REST, by file and by event. Pure, below bus and chassis."""
