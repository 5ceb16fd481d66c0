"""The handling of one batch in one transaction: fence, inbox, handlers, and parking of events that fail."""
