"""The event bus: at-least-once delivery, exactly-once effects, order per key. No acknowledged event is lost."""
