"""The consents of returnees as registration publishes them, and what happens when a consent ends or is given again."""
