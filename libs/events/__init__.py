"""The event bus: at-least-once delivery, exactly-once effects, order per key, nothing acknowledged ever lost."""
